# ruff: noqa: RUF001
"""Files of theorems to read in tests."""

import json

LEAN = """import Mathlib
open Nat  -- numbers

/-- A theorem. -/
@[simp]
theorem first (n : ℕ) (h : n = 1 := by rfl) : n + 0 = n := by
  simp

namespace Some
variable (p q : Prop)

theorem second (hp : p) (hq : q) :
    p ∧ q := by
  constructor
  · exact hp
  · exact hq

lemma third (h : p) : p :=
  h
end Some

theorem fourth : 1 + 1 = 2 := by sorry
"""


def leandojo(folder, **entry):
    (folder / "random").mkdir()
    base = {"url": "u", "commit": "c", "start": [1, 1], "end": [2, 2], "traced_tactics": []}
    premise = {"full_name": "A.a", "code": "theorem A.a (p : Prop) (h : p) : p := h", "kind": "k"}
    corpus = {"path": "M/A.lean", "imports": ["M/B.lean"], "premises": [premise]}
    write(folder / "corpus.jsonl", [corpus])
    state = "case x\np q : Prop\nα : Type u_1\ninst✝ : Inhabited α\nh : p ∧\n  q\n⊢ q"
    entries = {
        "train": {"file_path": "M/A.lean", "full_name": "A.a"},
        "val": {
            "file_path": "M/C.lean",
            "full_name": "c",
            "traced_tactics": [
                {"tactic": "simp", "state_before": state, "state_after": "no goals"}
            ],
        },
        "test": {
            "file_path": "M/D.lean",
            "full_name": "d",
            "theorem_statement": "theorem d : True := by trivial",
        },
    }
    entries["train"].update(entry)
    for name, content in entries.items():
        (folder / "random" / f"{name}.json").write_text(json.dumps([{**base, **content}]))


RECORDS = [
    {
        "id": 7,
        "header": "import Mathlib\nopen Nat\n",
        "theorem": "theorem algebra_7 (x y : ℝ) (h₀ : x = y) :\n    y = x := by sorry",
        "tag": "algebra",
        "source": "Goedel-Pset-V1",
        "proofs": ["theorem algebra_7 (x y : ℝ) (h₀ : x = y) :\n    y = x := by\n  rw [h₀]\n"],
    },
    {"id": "b", "theorem": "theorem b (n : ℕ) : n + 0 = n := by", "proofs": ["simp"]},
    {"id": "c", "theorem": "lemma c : ∀ n : ℕ, 0 ≤ n :="},
]


def write(path, records):
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
    return str(path)
