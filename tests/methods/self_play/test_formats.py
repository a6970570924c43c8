"""Prompts and answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.lean import parse_statement, tokens
from lit_research.lean.corpus.pretokenize import from_words
from lit_research.methods.self_play.data import Theorems
from lit_research.methods.self_play.formats import (
    SPECIAL_WORDS,
    FencedFormat,
    PlainFormat,
)

STATEMENT = parse_statement("theorem t (xs : List Nat) (h : (xs ++ xs).length = 0) : xs = []")
PROOF = """\
cases xs with
| nil => rfl
| cons x xs =>
  have k : 1 + 1 = 2 := by
    rfl
  · exact absurd h.symm (by simp)"""


@given(st.lists(st.sampled_from([*SPECIAL_WORDS, "h", "(", ")", ".", "[", ":", "p", "="])))
def test_no_words_raise(words):
    text = " ".join(words)
    from_words(text)
    for form in (PlainFormat(), FencedFormat()):
        for found in (form.read_proof(text), form.read_conjecture(text, "c")):
            assert (found.text is None) == bool(found.reason)


@pytest.mark.parametrize("form", [PlainFormat(), FencedFormat()])
def test_what_is_written_is_read(form):
    proof = form.read_proof(form.write_proof(STATEMENT, PROOF))
    assert tokens(proof.text) == tokens(PROOF)
    assert proof.text.count("\n") >= PROOF.count("\n")
    conjecture = form.read_conjecture(form.write_conjecture(STATEMENT), "c")
    assert conjecture.statement.name == "c"
    assert conjecture.statement.body == STATEMENT.body
    assert not conjecture.reason


def test_plain_prompts():
    form = PlainFormat()
    goal = parse_statement("theorem t (p q : Prop) (h : p ∧ q) : q")
    words = "( p q : Prop ) ( h : p ∧ q ) : q"
    assert form.solver_prompt(goal, "import Mathlib") == f"<prove> {words} <by>"
    assert form.conjecturer_prompt(goal) == f"<conjecture> {words} <lemma>"
    assert form.conjecturer_prompt(None) == "<conjecture> <lemma>"
    assert form.solver_prompt(parse_statement("lemma t : True")) == "<prove> : True <by>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the proof is empty"),
        ("<nl> <tab>", "the proof is empty"),
        ("exact h <prove> ( p : Prop ) : p", "<prove> in the answer"),
    ],
)
def test_plain_answers_without_a_proof(text, reason):
    assert PlainFormat().read_proof(text).reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not binders, a colon and a conclusion"),
        ("( p : Prop )", "not binders, a colon and a conclusion"),
        ("( p : Prop ) : ( p", "not binders, a colon and a conclusion"),
        ("p : Prop", "not binders, a colon and a conclusion"),
        (".x : True", "not binders, a colon and a conclusion"),
        ("( p : Prop ) : p := by sorry", "':=' in a statement"),
        ("( p : Prop ) : p <by> exact h", "<by> in the answer"),
        ("( p : Prop ) <nl> : p", "<nl> in the answer"),
    ],
)
def test_plain_answers_without_a_conjecture(text, reason):
    assert PlainFormat().read_conjecture(text, "c").reason == reason


def test_fenced_prompts_show_the_header_to_the_solver_alone():
    form = FencedFormat()
    prompt = form.solver_prompt(STATEMENT, "import Mathlib\nopen Nat")
    assert f"```lean4\nimport Mathlib\nopen Nat\n\n{STATEMENT.text} := by\n```" in prompt
    assert f"```lean4\n{STATEMENT.text} := by\n```" in form.solver_prompt(STATEMENT)
    asked = form.conjecturer_prompt(STATEMENT)
    assert f"```lean4\n{STATEMENT.text} := by\n```" in asked
    assert "sorry" in asked
    free = form.conjecturer_prompt(None)
    assert STATEMENT.text not in free
    assert "sorry" in free


def test_fenced_answers_that_are_no_statement_give_a_reason():
    form = FencedFormat()
    text = "```lean4\nexample : True := by sorry\n```"
    assert form.read_conjecture(text, "c").reason.startswith("the code is not one theorem")
    assert form.read_conjecture("nothing", "c").reason == "no lean4 fence"
    found = form.read_conjecture("```lean4\nlemma foo (p : Prop) :\n  p := by sorry\n```", "c")
    assert found.text == "lemma foo (p : Prop) :\n  p"
    assert found.statement.text == "theorem c (p : Prop) : p"


def test_statements_come_back_through_format_and_tokenizer():
    data, form = Theorems(size=100, held_out=0, warm=0), PlainFormat()
    for theorem in data.targets:
        statement = parse_statement(theorem.statement)
        words = form.write_conjecture(statement)
        read = form.read_conjecture(data.tokenizer.decode(data.tokenizer(words)["input_ids"]), "t")
        assert read.statement.body == statement.body
