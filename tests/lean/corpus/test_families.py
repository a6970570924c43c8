"""The embedded targets: true, of one language, graded, and never in two splits."""

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lean import Attempt, parse_statement, tokens
from lit_research.lean.corpus.classics import CLASSICS
from lit_research.lean.corpus.expressions import (
    HYPOTHESES,
    TYPE_OF,
    Expr,
    canonical,
    evaluate,
    follows,
    positions,
    variables,
)
from lit_research.lean.corpus.families import (
    FAMILIES,
    GENERATORS,
    LEVELS,
    draft,
    embedded_targets,
    generate,
)
from lit_research.lean.corpus.goals import expression_of, goal_of
from lit_research.lean.corpus.rewriting import same_polynomial
from lit_research.lean.corpus.tokenizer import WORDS
from tests.lean.leans import real_lean

seeds = st.integers(0, 2**32)
levels = st.sampled_from(LEVELS)


@given(st.sampled_from(FAMILIES), levels, seeds)
@settings(max_examples=150, deadline=None)
def test_every_statement_parses_and_stays_in_the_vocabulary(family, level, seed):
    text = generate(family, level, random.Random(seed))
    statement = parse_statement(text)
    assert statement is not None
    assert statement.text == text
    assert set(tokens(text)) <= set(WORDS)
    assert goal_of(statement) is not None


@given(st.sampled_from(sorted(GENERATORS)), levels, seeds)
@settings(max_examples=150, deadline=None)
def test_text_and_expressions_say_the_same(family, level, seed):
    made = draft(family, level, random.Random(seed))
    for part in (*made.hypotheses, made.conclusion):
        assert expression_of(str(part)) == part


@given(levels, seeds)
@settings(max_examples=150, deadline=None)
def test_propositional_statements_are_true_by_truth_table(level, seed):
    made = draft("propositional", level, random.Random(seed))
    assert follows(made.hypotheses, made.conclusion)
    letters = sorted(set().union(*map(variables, (*made.hypotheses, made.conclusion))))
    for row in range(2 ** len(letters)):  # and by brute force, with another evaluator
        values = {letter: bool(row >> i & 1) for i, letter in enumerate(letters)}
        if all(evaluate(hypothesis, values) for hypothesis in made.hypotheses):
            assert evaluate(made.conclusion, values)


def _values(rng):
    tables = {name: [rng.randrange(4) for _ in range(8)] for name in "fg"}
    values = {name: lambda x, table=table: table[x % 8] for name, table in tables.items()}
    for name, kind in TYPE_OF.items():
        if kind == "Nat":
            values[name] = rng.randrange(3)
        elif kind == "List Nat":
            values[name] = [rng.randrange(2) for _ in range(rng.randrange(3))]
    return values


def _premises(made):
    conclusion, premises = made.conclusion, list(made.hypotheses)
    while conclusion.op == "→":
        premises.append(conclusion.args[0])
        conclusion = conclusion.args[1]
    return premises, conclusion


@given(st.sampled_from(["equality", "arithmetic", "lists", "order"]), levels, seeds)
@settings(max_examples=150, deadline=None)
def test_statements_on_terms_hold_wherever_their_hypotheses_do(family, level, seed):
    rng = random.Random(seed)
    made = draft(family, level, rng)
    premises, conclusion = _premises(made)
    if any(part.op in "∀∃" for whole in (*premises, conclusion) for _, part in positions(whole)):
        return  # quantifiers over all numbers: Lean checks these
    for _ in range(30):
        values = _values(rng)
        if all(evaluate(premise, values) for premise in premises):
            assert evaluate(conclusion, values), (made.text, values)


def test_polynomials_have_one_normal_form():
    a, b = Expr("a"), Expr("b")
    square = Expr("*", (Expr("+", (a, b)),) * 2)
    parts = [Expr("*", (a, a)), Expr("*", (Expr("2"), Expr("*", (a, b)))), Expr("*", (b, b))]
    assert same_polynomial(square, Expr("+", (Expr("+", (parts[0], parts[1])), parts[2])))
    assert not same_polynomial(square, Expr("+", (parts[0], parts[2])))


def test_brackets_are_those_of_lean():
    for text in (
        "p ∧ q ∧ r",
        "(p ∧ q) ∧ r",
        "(p → q) → r",
        "p → q → r",
        "(p ↔ q) → ¬p ∨ ¬(q ∧ r)",
        "¬¬p",
        "a + (b + c) = a * (b + 1) + c",
        "a :: xs ++ ys = [a, b]",
        "∃ k : Nat, a = k + k",
        "List.map (fun n => f (g n)) xs = List.map f (List.reverse xs)",
    ):
        assert str(expression_of(text)) == text


def _renamed(text):
    """Rename variables by the order of their first occurrence, hypotheses left in their order."""
    statement = parse_statement(text)
    names = {}
    words = [tokens(h) for h in statement.hypotheses if h not in ("Prop", "Nat", "List Nat")]
    words = [word for part in [*words, tokens(statement.conclusion)] for word in [*part, ";"]]
    return " ".join(
        names.setdefault(word, f"{TYPE_OF[word]}{len(names)}") if word in TYPE_OF else word
        for word in words
    )


def test_no_two_splits_share_a_statement_even_after_renaming():
    sets = {
        "train": embedded_targets(0, 300, split="train"),
        "held_out": embedded_targets(1, 60, split="held_out"),
        "warm": embedded_targets(0, 600, split="warm"),
    }
    renamed = {name: {_renamed(t.statement) for t in some} for name, some in sets.items()}
    keys = {name: {canonical(t.statement) for t in some} for name, some in sets.items()}
    for one, other in (("train", "held_out"), ("train", "warm"), ("held_out", "warm")):
        assert not renamed[one] & renamed[other]
        assert not keys[one] & keys[other]
    assert all(len(keys[name]) == len(some) for name, some in sets.items())


@given(st.permutations(["p", "q", "r", "s"]), st.permutations([0, 1, 2]))
@settings(deadline=None)
def test_the_canonical_form_knows_no_names(letters, order):
    text = "theorem t (p q r s : Prop) {} : s ∧ p"
    says = ["p → q ∧ r", "r ∨ s", "¬(q ∧ r)"]
    first = text.format(" ".join(f"(h{i} : {said})" for i, said in enumerate(says)))
    binders = " ".join(f"(h{i} : {says[j]})" for i, j in enumerate(order))
    second = re.sub(r"\b[pqrs]\b", lambda m: letters["pqrs".index(m[0])], text.format(binders))
    assert canonical(first) == canonical(second)
    assert canonical(first) != canonical(first.replace("s ∧ p", "p ∧ s"))


def test_a_set_is_a_function_of_its_seed_and_begins_with_the_smaller_one():
    assert embedded_targets(1, 120) == embedded_targets(1, 120)
    assert {t.id for t in embedded_targets(1, 60)} <= {t.id for t in embedded_targets(1, 120)}
    assert embedded_targets(1, 120) != embedded_targets(2, 120)
    ids = {t.id: canonical(t.statement) for t in embedded_targets(1, 120)}
    again = {t.id: canonical(t.statement) for t in embedded_targets(2, 120)}
    assert all(ids[name] == again[name] for name in ids.keys() & again)


def test_the_targets_have_all_levels_and_few_disjunctions():
    targets = embedded_targets(0, 600)
    counts = Counter((t.tag, t.level) for t in targets)
    assert set(counts) >= {(family, level) for family in GENERATORS for level in LEVELS}
    assert min(counts[family, 5] for family in GENERATORS) >= 15
    share = sum(parse_statement(t.statement).disjuncts > 1 for t in targets) / len(targets)
    assert 0 < share < 0.1
    assert len({h for t in targets for h in tokens(t.statement)} & set(HYPOTHESES)) > 3


@pytest.mark.parametrize("family", sorted(GENERATORS))
def test_the_grammar_of_a_family_has_both_connectives_in_conclusions(family):
    rng = random.Random(0)
    found = {op for _ in range(400) for op in tokens(_conclusion(draft(family, 3, rng)))}
    assert {"∧", "∨"} <= found


def _conclusion(made):
    return str(_premises(made)[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"families": ["geometry"]}, "families has .'geometry'., for .*propositional"),
        ({"levels": [6]}, "levels has .6."),
        ({"families": []}, "families has nothing"),
        ({"split": "test"}, "split has"),
        (
            {"size": 10_000, "families": ["order"], "levels": [1]},
            "size is 10000, .*must be at most",
        ),
    ],
)
def test_bad_requests_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        embedded_targets(**arguments)


def test_every_family_and_level_elaborates_in_lean():
    sample = [t for t in embedded_targets(0, 180) if t.tag != "classic"]
    texts = [t.statement for t in sample]
    texts += [f"theorem t {text}" for some in CLASSICS.values() for text in some]
    with real_lean() as lean:
        verdicts = lean.verify([Attempt(text, "skip") for text in texts])
    wrong = [(t, v) for t, v in zip(texts, verdicts, strict=True) if v.kind != "unsolved goals"]
    assert wrong == []
