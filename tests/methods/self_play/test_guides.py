"""Guides on pairs by hand, and a language model's answers."""

import pytest

from lit_research.errors import UserError
from lit_research.lean import parse_statement
from lit_research.lm.engines import Completion, Engine, StoredEngine
from lit_research.methods.self_play.guides import (
    Grade,
    LanguageModelGuide,
    RuleGuide,
    fill_failures,
    guide_prompt,
    read_grade,
)
from lit_research.methods.self_play.rubric import complexity, redundancy, relevance


def stated(body):
    found = parse_statement(f"theorem t {body}")
    assert found is not None, body
    return found


SWAP = "(p q : Prop) (h : p ∧ q) : q ∧ p"
ADD = "(a b c : Nat) (h : a + b = a + c) : b = c"
SPREAD = "(p q r : Prop) : p ∧ (q ∨ r) ↔ (p ∧ q) ∨ (p ∧ r)"
LISTS = "(xs ys : List Nat) : List.length (xs ++ ys) = List.length xs + List.length ys"


@pytest.mark.parametrize(
    ("target", "conjecture", "grade"),
    [
        # The target itself: under other names, premises elsewhere or in another order.
        (SWAP, "(a b : Prop) (k : a ∧ b) : b ∧ a", 0),
        (SWAP, "(p q : Prop) : p ∧ q → q ∧ p", 0),
        (
            "(a b c : Nat) (h : a < b) (k : b = c) : a < c",
            "(x y z : Nat) (k : y = z) (h : x < y) : x < z",
            0,
        ),
        # Nothing in common.
        (SWAP, "(a : Nat) : a = a", 0),
        (SWAP, "(a b : Nat) : a + b = b + a", 1),
        # Trivial.
        (SWAP, "(p : Prop) (h : p) : p", 1),
        (SWAP, "(p : Prop) : p → p", 1),
        (ADD, "(a b : Nat) : a + b = a + b", 1),
        (ADD, "(a b : Nat) (h : False) : a + b = b", 1),
        (SWAP, "(p : Prop) : True", 1),
        (SWAP, "(p q : Prop) (h : p ∧ q) : q ∧ p ∨ p ∧ q", 1),
        (ADD, "(a b c : Nat) (h : a + b = a + c) : b = c ∨ c = c", 1),
        (SWAP, "(p q : Prop) (h : p) (k : q) : q ∧ p", 1),
        (SWAP, "(p q : Prop) (h : p ∧ q) : p ∨ (q → q)", 1),
        # The same field.
        (SWAP, "(p q : Prop) : p ∨ ¬p", 2),
        (ADD, "(a b : Nat) : a * b = b * a", 2),
        (LISTS, "(a b : Nat) : a * b = b * a", 2),
        # The same operators.
        (ADD, "(a : Nat) : a + 0 = a", 3),
        (LISTS, "(xs : List Nat) : List.length xs = List.length xs + 0", 3),
        # A term of the target, or a special case of it.
        (SWAP, "(p q : Prop) (h : p ∧ q) : q", 4),
        (ADD, "(a b : Nat) : a + b = b + a", 4),
        (ADD, "(a b : Nat) (h : a = b) : a + a = b + b", 4),
        ("(a b : Nat) : a * b = b * a", "(a : Nat) : a * 0 = 0 * a", 4),
        (ADD, "(a b c : Nat) (h : a + b = a + c) (k : a = 0) : b = c", 4),
        # A part of what is to be shown, or the same from less.
        (SPREAD, "(p q r : Prop) : p ∧ (q ∨ r)", 5),
        (
            "(p q r : Prop) (h : p ∧ q ∧ r) : (q ∧ r) ∧ p",
            "(p q r : Prop) (h : p ∧ q ∧ r) : q ∧ r",
            5,
        ),
        ("(a b : Nat) (h : a = b) (k : b = a) : a + b = b + a", "(x y : Nat) : x + y = y + x", 5),
        # A part, but under a premise that the target does not have.
        (SPREAD, "(p q r : Prop) (h : ¬p) : p ∧ (q ∨ r)", 4),
    ],
)
def test_relevance(target, conjecture, grade):
    assert relevance(stated(conjecture), stated(target)) == grade


@pytest.mark.parametrize(
    ("body", "grade"),
    [
        (SWAP, 0),
        (ADD, 0),
        ("(a b : Nat) : a = b", 0),
        ("(p q : Prop) (h : p) (k : p) : p ∧ q", 1),
        ("(p q : Prop) (h k : p) : p ∧ q", 1),
        ("(p q r : Prop) (h : p) (k : r) : p ∨ q", 1),
        ("(a b c d : Nat) (h : a = b) (k : c = d) : b = a", 1),
        ("(a b c : Nat) (h : a = b) (k : b = c) : a = c", 0),
        ("(a b : Nat) (h : 1 = 2) : a = b", 1),
        ("(p q : Prop) (h : p) (k : q) : p", 1),
        ("(p : Prop) (h : p) : p", 0),
        ("(p q : Prop) : p → q → p", 1),
        ("(p q : Prop) : p → (p → q) → q", 0),
        ("(f : Nat → Nat) (a b : Nat) (h : a = b) : f a = f b", 0),
        ("(T : Type) (P : T → Prop) (a b : T) (h : P a) (k : P b) : P a ∧ P a", 0),
        ("(T : Type) [DecidableEq T] (a b : T) (h : a = b) : b = a", 0),
    ],
)
def test_redundancy(body, grade):
    assert redundancy(stated(body)) == grade


@pytest.mark.parametrize(
    ("body", "grade"),
    [
        ("(a b : Nat) : a + b = b + a", 0),
        ("(p : Prop) : ¬p", 0),
        ("(a b : Nat) : ∃ c : Nat, a + c = b", 0),
        ("(p q : Prop) (h : p ∨ q ∨ p) : q", 0),
        ("(p q r : Prop) : p ∨ q → q ∨ r → q", 0),
        (SWAP, 1),
        ("(a b : Nat) : a = b ↔ b = a", 1),
        ("(a b c : Nat) : a = b ∧ b = c ∧ c = a", 1),
        ("(a b c d : Nat) : a = b ∧ c = d", 2),
        ("(a b c d : Nat) : a = b ∧ b = c ∧ c = d ∧ d = a", 2),
        ("(p q : Prop) (h : p ∨ q) : q ∨ p", 2),
        ("(p : Prop) : p ∨ ¬p", 2),
        ("(a b : Nat) : a < b ∨ a = b ∨ b < a", 2),
        (SPREAD, 2),
        ("(p q : Prop) (h : p) : p ∨ q", 3),
        ("(p q r : Prop) (h : p ∨ q) : p ∨ q ∨ r", 3),
        ("(a b c d : Nat) : a = b ∨ c = d", 3),
        ("(a b : Nat) : a = 0 ∨ a = 1 ∨ a = 2 ∨ a = 3", 3),
        ("(p q r : Prop) (h : p ∧ (q ∨ r)) : (p ∧ q) ∨ (p ∧ r)", 2),
        ("(a b c : Nat) (h : a = b) (k : b = c) : a = b ∨ b = c", 3),
        ("(a b : Nat) (h : a = b) : b = a ∨ b = a", 3),
        ("(a b : Nat) : a = 0 ∨ a = 1 ∨ a = 2 ∨ a = b", 4),
        ("(a b c d : Nat) : a = b ∧ b = c ∧ c = d ∧ d = a ∧ a = c", 3),
        ("(p q : Prop) : ((p → q) ∧ ¬(p ∧ ¬q)) → p", 3),
        ("(p q r s : Prop) (h : p) : p ∨ q ∨ r ∨ s", 4),
        ("(p q r s : Prop) (h : p) : (p ∨ q) ∨ (r ∨ s)", 4),
        ("(a b c d : Nat) : a = b ∨ c = d ∨ a = 0 ∨ c = 0", 4),
        ("(p q : Prop) : ¬(p ∧ ¬(q ∧ ¬(p ∧ q)))", 4),
    ],
)
def test_complexity(body, grade):
    assert complexity(stated(body)) == grade


def test_the_rule_guide_gives_all_three():
    pairs = [(stated("(p q : Prop) (h : p ∧ q) : q"), stated(SWAP)), (stated(SWAP), stated(SWAP))]
    assert RuleGuide().score(pairs) == [Grade(4, 0, 0), Grade(0, 0, 1)]
    assert RuleGuide().score([]) == []


def test_piled_disjunctions_are_worth_nothing():
    target = stated(SWAP)
    piled = [stated(f"(p q r s : Prop) (h : p ∧ q) : q ∨ r ∨ s{' ∨ r' * n}") for n in range(9)]
    grades = RuleGuide().score([(one, target) for one in piled])
    assert [grade.score for grade in grades] == [0] * 9


def test_failures_have_the_mean_score_of_the_round():
    grades = [Grade(5, 0, 0), None, Grade(0, 1, 0), None]
    assert fill_failures(grades) == ([8.0, 5.0, 2.0, 5.0], 0.5)
    assert fill_failures([None, None]) == ([0.0, 0.0], 1.0)
    assert fill_failures([]) == ([], 0.0)


def tagged(relevance=4, redundancy=0, complexity=1):
    return (
        f"<relevance>{relevance}</relevance>\n<redundancy> {redundancy} </redundancy>"
        f"<complexity>\n{complexity}\n</complexity>"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (tagged(), Grade(4, 0, 1)),
        (f"Perhaps {tagged(1, 1, 4)}, no: {tagged()}", Grade(4, 0, 1)),
        (f"{tagged()} <relevance>2</relevance>", Grade(2, 0, 1)),
        (f"{tagged()} <relevance>two</relevance>", "relevance is not a whole number"),
        (tagged(relevance="3.5"), "relevance is not a whole number"),
        (tagged(complexity=""), "complexity is not a whole number"),
        ("", "no relevance"),
        ("<relevance>3</relevance> <redundancy>0</redundancy>", "no complexity"),
        ("<relevance>3", "no relevance"),
        (tagged(relevance=6), "out of range"),
        (tagged(redundancy=2), "out of range"),
        (tagged(complexity=-1), "out of range"),
    ],
)
def test_the_last_tag_of_a_kind_wins(text, found):
    assert read_grade(text) == found


class Answering(Engine):
    """An engine with an answer for each prompt, in turn."""

    def __init__(self, answers):
        self.answers, self.prompts = answers, []

    def card(self):
        return {"answers": self.answers}

    def complete(self, prompts, sampling):
        self.prompts += prompts
        found = []
        for index, answer in enumerate(self.answers[: len(prompts)]):
            if answer is None:
                one = Completion.failure("timeout", weight_version=0, prompt_index=index)
            else:
                one = Completion(answer, (), (), "stop", 0, index)
            found.append([one] * sampling.n)
        return found


def test_a_language_model_grades_and_its_failures_are_counted():
    engine = Answering([tagged(), "I think so.", None, tagged(relevance=9), tagged(5, 1, 2)])
    guide = LanguageModelGuide(engine)
    pair = (stated("(p q : Prop) (h : p ∧ q) : q"), stated(SWAP))
    assert guide.score([pair] * 5) == [Grade(4, 0, 1), None, None, None, Grade(5, 1, 2)]
    assert guide.failures == {"no relevance": 1, "no answer": 1, "out of range": 1}
    assert engine.prompts == [guide_prompt(*pair)] * 5
    assert pair[0].text in engine.prompts[0]
    assert pair[1].text in engine.prompts[0]
    assert guide.score([]) == []


class Chatting(Answering):
    """An engine whose tokenizer has a template for chats."""

    class tokenizer:  # noqa: N801
        chat_template = "yes"

        @staticmethod
        def apply_chat_template(chats, add_generation_prompt, return_dict):
            assert add_generation_prompt
            assert return_dict
            return {"input_ids": [[len(chat[0]["content"])] for chat in chats]}


def test_a_model_with_a_chat_template_is_asked_in_a_chat():
    engine = Chatting([tagged()])
    pair = (stated(SWAP), stated(SWAP))
    assert LanguageModelGuide(engine).score([pair]) == [Grade(4, 0, 1)]
    assert engine.prompts == [[len(guide_prompt(*pair))]]


def test_an_engine_that_renders_chats_itself_is_given_texts(tmp_path):
    engine = Chatting([tagged()])
    engine.chat = True
    pair = (stated(SWAP), stated(SWAP))
    stored = StoredEngine(engine, str(tmp_path / "answers.sqlite"))
    assert LanguageModelGuide(stored).score([pair]) == [Grade(4, 0, 1)]
    assert engine.prompts == [guide_prompt(*pair)]


@pytest.mark.parametrize(
    "arguments",
    [
        {"temperature": -1.0},
        {"max_new_tokens": 0},
    ],
)
def test_a_guide_that_cannot_grade_is_refused(arguments):
    with pytest.raises(UserError, match="of LanguageModelGuide"):
        LanguageModelGuide(Answering([]), **arguments)


def test_a_model_that_does_not_answer_is_found_before_the_first_round():
    LanguageModelGuide(Answering(["1"])).check()
    with pytest.raises(UserError, match=r"does not answer \(.*timeout\), by Answering"):
        LanguageModelGuide(Answering([None])).check()
