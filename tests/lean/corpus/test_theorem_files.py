# ruff: noqa: RUF001
"""Theorems from files: records, Lean sources, LeanDojo's benchmark, and bad input."""

import json

import pytest

from lit_research.errors import UserError
from lit_research.lean import Attempt, parse_statement
from lit_research.lean.corpus.lean_files import scan, split_at_proof
from lit_research.lean.corpus.theorem_files import read_theorems
from tests.lean.corpus.files import LEAN, RECORDS, leandojo, write
from tests.lean.leans import real_lean


def test_records_are_read_as_they_are_published(tmp_path):
    first, second, third = read_theorems(write(tmp_path / "d.jsonl", [*RECORDS, ""]))
    assert first.id == "7"
    assert first.statement == "theorem algebra_7 (x y : ℝ) (h₀ : x = y) : y = x"
    assert first.header == "import Mathlib\nopen Nat"
    assert (first.tag, first.source) == ("algebra", "Goedel-Pset-V1")
    assert first.proofs == ("rw [h₀]",)
    assert (second.proofs, second.source) == (("simp",), "d.jsonl")
    assert third.statement == "theorem c : ∀ n : ℕ, 0 ≤ n"
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "d.json").write_text(json.dumps(RECORDS))
    same = read_theorems(tmp_path / "list")
    assert [t.statement for t in same] == [t.statement for t in (first, second, third)]


def test_lean_files_are_read_with_what_stands_before_a_theorem(tmp_path):
    (tmp_path / "a.lean").write_text(LEAN)
    first, second, third, fourth = read_theorems(tmp_path / "a.lean")
    assert [t.id for t in (first, second, third, fourth)] == [
        "first",
        "Some.second",
        "Some.third",
        "fourth",
    ]
    assert first.statement == "theorem first (n : ℕ) (h : n = 1 := by rfl) : n + 0 = n"
    assert (first.header, first.proofs) == ("import Mathlib\nopen Nat", ("simp",))
    assert second.statement == "theorem second (p q : Prop) (hp : p) (hq : q) : p ∧ q"
    assert second.header.endswith("open Some")
    assert second.proofs == ("constructor\n· exact hp\n· exact hq",)
    assert third.proofs == ("exact h",)
    assert (fourth.header, fourth.proofs) == (first.header, ())
    assert [t.id for t in read_theorems(tmp_path)][:1] == ["a.lean:first"]


def test_what_a_lean_file_proves_lean_proves(tmp_path):
    text = (
        LEAN.replace("ℕ", "Nat")
        .replace("import Mathlib\n", "")
        .replace("(h : n = 1 := by rfl)", "")
    )
    (tmp_path / "a.lean").write_text(text.replace("open Nat", "").replace("namespace Some", ""))
    theorems = [t for t in read_theorems(tmp_path / "a.lean") if t.proofs]
    with real_lean() as lean:
        attempts = [Attempt(t.statement, t.proofs[0], t.header) for t in theorems]
        assert [v.reason for v in lean.verify(attempts)] == ["", "", ""]


def test_proofs_are_split_from_statements():
    assert split_at_proof("theorem a : 1 = 1 := by\n  rfl") == ("theorem a : 1 = 1", "rfl")
    assert split_at_proof("theorem a : 1 = 1 := rfl") == ("theorem a : 1 = 1", "exact rfl")
    assert split_at_proof("theorem a : 1 = 1 := by sorry") == ("theorem a : 1 = 1", "")
    assert split_at_proof("theorem a : 1 = 1") == ("theorem a : 1 = 1", "")
    assert list(scan("-- nothing\ndef f := 1\n")) == []


def test_comments_of_a_lean_file_are_read_as_lean_reads_them():
    text = (
        "/- theorem no : 1 = 2 /- nested -/\ntheorem none : 1 = 3 -/\n"
        "@[simp] protected theorem a.{u} (α : Type u) -- := why\n"
        '    (h : s = "--") : True := /- := by -/ by\n  trivial\n'
        "variable (x : Nat)\ntheorem b.{u} : x = x := rfl -- done\n"
    )
    first, second = scan(text)
    assert (first.name, first.proof, second.proof) == ("a", "trivial", "exact rfl")
    assert parse_statement(first.statement) == parse_statement(
        'theorem a (α : Type u) (h : s = "--") : True'
    )
    assert parse_statement(second.statement) == parse_statement("theorem b (x : Nat) : x = x")


def test_the_benchmark_of_leandojo_is_read_with_its_splits(tmp_path):
    leandojo(tmp_path)
    train, val, test = read_theorems(tmp_path)
    assert train.statement == "theorem A.a (p : Prop) (h : p) : p"
    assert (train.header, train.tag) == ("import M.B", "train")
    assert (val.tag, test.tag) == ("val", "test")
    assert val.statement == "theorem c (p q : Prop) (α : Type u_1) [Inhabited α] (h : p ∧ q) : q"
    (tmp_path / "corpus.jsonl").unlink()  # without it the first has no text
    assert [t.tag for t in read_theorems(tmp_path)] == ["val", "test"]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([RECORDS[1], '{"id": '], "malformed JSON.*d.jsonl, line 2; must be one object a line"),
        ([RECORDS[1], {"id": "x"}], "no 'id' or no 'theorem'.*line 2"),
        ([[1]], "no 'id' or no 'theorem'"),
        ([RECORDS[1], RECORDS[1]], "the id 'b' occurs twice"),
        ([{"id": "x", "theorem": "def x := 1"}], "theorem 'x' is not a statement.*line 1"),
        ([{"id": "x", "theorem": 3}], "a 'theorem' that is not a string"),
        (
            [{"id": "x", "theorem": "theorem x : p", "proofs": "simp"}],
            "'proofs' that are not a",
        ),
        ([""], "there is no theorem, in .*d.jsonl"),
    ],
)
def test_bad_records_are_refused_by_name(tmp_path, records, message):
    with pytest.raises(UserError, match=message):
        read_theorems(write(tmp_path / "d.jsonl", records))


def test_bad_folders_are_refused(tmp_path):
    with pytest.raises(UserError, match="no theorems at"):
        read_theorems(tmp_path)
    with pytest.raises(UserError, match="no theorems at"):
        read_theorems(tmp_path / "absent.jsonl")
    (tmp_path / "a.lean").write_text("theorem broken (n : ℕ := by simp\n")
    with pytest.raises(UserError, match="theorem 'broken' is not a statement"):
        read_theorems(tmp_path / "a.lean")
    (tmp_path / "b").mkdir()
    leandojo(tmp_path / "b", theorem_statement=1)
    with pytest.raises(UserError, match=r"in .*train\.json, record 1"):
        read_theorems(tmp_path / "b")
