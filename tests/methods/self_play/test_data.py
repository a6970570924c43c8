# ruff: noqa: RUF001
"""The data module: every source, bad input, rounds that resume."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lean import Attempt
from lit_research.methods.self_play.data import Rounds, Theorems
from lit_research.methods.self_play.lean_files import scan, split_at_proof
from lit_research.methods.self_play.reading import read_theorems
from tests.methods.self_play.leans import real_lean

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


def write(path, records):
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
    return str(path)


def test_the_embedded_set_is_complete_and_disjoint():
    data = Theorems(size=60, held_out=30, warm=90, seed=4)
    sets = [data.targets, data.held_out, data.warm]
    assert [len(some) for some in sets] == [60, 30, 90]
    assert len({t.id for some in sets for t in some}) == 180
    assert all(t.source == "embedded" and 1 <= t.level <= 5 for some in sets for t in some)
    assert data.vocab_size == len(data.tokenizer)
    assert data.vocab_size % 8 == 0
    assert {t.tag for t in Theorems(size=9, families=["order"], levels=[2]).targets} == {"order"}


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


def test_the_benchmark_of_leandojo_is_read_with_its_splits(tmp_path):
    leandojo(tmp_path)
    data = Theorems(source=str(tmp_path))
    (target,) = data.targets
    assert target.statement == "theorem A.a (p : Prop) (h : p) : p"
    assert (target.header, target.tag) == ("import M.B", "train")
    assert [t.tag for t in data.held_out] == ["val", "test"]
    assert data.held_out[0].statement == (
        "theorem c (p q : Prop) (α : Type u_1) [Inhabited α] (h : p ∧ q) : q"
    )
    assert len(Theorems(source=str(tmp_path), held_out=1).held_out) == 1
    (tmp_path / "corpus.jsonl").unlink()  # without it the first has no text
    assert [t.tag for t in read_theorems(tmp_path)] == ["val", "test"]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([RECORDS[1], '{"id": '], "line 2 is malformed JSON.*d.jsonl; give an object a line"),
        ([RECORDS[1], {"id": "x"}], "without 'id' or 'theorem'.*line 2"),
        ([[1]], "without 'id' or 'theorem'"),
        ([RECORDS[1], RECORDS[1]], "id 'b' is there twice"),
        ([{"id": "x", "theorem": "def x := 1"}], "theorem 'x' is not a statement.*line 1"),
        ([{"id": "x", "theorem": 3}], "a 'theorem' that is no text"),
        ([{"id": "x", "theorem": "theorem x : p", "proofs": "simp"}], "'proofs' that are no list"),
        ([""], "no theorem is in the file"),
    ],
)
def test_bad_records_are_refused_by_name(tmp_path, records, message):
    with pytest.raises(UserError, match=message):
        _ = Theorems(source=write(tmp_path / "d.jsonl", records)).targets


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size is 0"),
        ({"held_out": -1}, "held_out is -1"),
        ({"held_out": 0.2}, "held_out is 0.2"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"rounds": 0}, "rounds is 0"),
        ({"source": "x.jsonl", "families": ["order"]}, "families or levels are given"),
        ({"source": "x.jsonl", "held_out": 1.5}, "held_out is 1.5"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        Theorems(**arguments)


def test_theorems_of_a_file_can_be_held_out(tmp_path):
    records = [{"id": str(i), "theorem": f"theorem a{i} : {i} = {i}"} for i in range(10)]
    file = write(tmp_path / "d.jsonl", records)
    share, number = Theorems(source=file, held_out=0.3), Theorems(source=file, held_out=3)
    assert share.held_out == number.held_out
    assert len(share.held_out) == 3
    assert {t.id for t in share.targets}.isdisjoint(t.id for t in share.held_out)
    assert len(Theorems(source=file).targets) == 10
    assert len(Theorems(source=file, size=4).targets) == 4
    assert Theorems(source=file).warm == []
    none = Theorems(source=file, held_out=10)
    assert none.targets == []
    assert none.attempted == [*Theorems(source=file).targets]
    assert [t.id for t in share.attempted] == [t.id for t in none.attempted]
    none.setup("test")
    with pytest.raises(UserError, match=r"held_out is 10 and there are 10.*leave some as targets"):
        none.setup("fit")


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 5))
@settings(deadline=None)
def test_rounds_go_through_all_targets(targets, batch_size, seed):
    rounds = Rounds(targets, batch_size, 100, seed)
    each = -(-targets // min(batch_size, targets))
    first = [rounds.__getitems__([i]) for i in range(each)]
    assert sorted(i for batch in first for i in batch["targets"]) == list(range(targets))
    assert [batch["round"] for batch in first] == list(range(each))
    assert first == [Rounds(targets, batch_size, 7, seed).__getitems__([i]) for i in range(each)]


def test_rounds_are_numbered_on_in_the_next_epoch():
    loader = Theorems(size=20, held_out=5, warm=0, batch_size=6, rounds=5).train_dataloader()
    first = list(loader)
    loader.sampler.set_epoch(1)
    second = list(loader)
    assert [batch["round"] for batch in [*first, *second]] == list(range(10))
    # Four rounds are a pass over the targets, wherever an epoch ends.
    for start in (0, 4):
        passed = [*first, *second][start : start + 4]
        assert sorted(i for batch in passed for i in batch["targets"]) == list(range(20))


def test_a_loader_resumes_after_any_round():
    def loader():
        return Theorems(size=20, held_out=5, warm=0, batch_size=6, rounds=7).train_dataloader()

    whole = list(loader())
    assert [batch["round"] for batch in whole] == list(range(7))
    running = loader()
    batches = iter(running)
    seen = [next(batches) for _ in range(3)]
    resumed = loader()
    resumed.load_state_dict(running.state_dict())
    assert seen + list(resumed) == whole


def test_evaluation_reads_every_theorem_once():
    data = Theorems(size=70, held_out=5, warm=0)
    assert list(data.val_dataloader()) == [{"targets": list(range(5)), "which": "held_out"}]
    predicted = list(data.predict_dataloader())
    assert [i for batch in predicted for i in batch["targets"]] == list(range(70))
    assert {batch["which"] for batch in predicted} == {"attempted"}
    empty = Theorems(size=5, held_out=0, warm=0)
    assert list(empty.test_dataloader()) == [{"targets": [], "which": "held_out"}]
    assert data.batches_per_epoch == 100


def test_a_file_brings_its_own_words(tmp_path):
    file = write(tmp_path / "d.jsonl", RECORDS)
    words = "( x y : ℝ ) h₀ algebra_7"
    data = Theorems(source=file, tokenizer="own-words")
    ids = data.tokenizer(words)["input_ids"]
    assert data.tokenizer.unk_token_id not in ids
    # Ids depend on the file alone; the closed vocabulary knows nothing of it.
    split = Theorems(source=file, tokenizer="own-words", held_out=1, size=1)
    assert split.tokenizer(words)["input_ids"] == ids
    closed = Theorems(source=file)
    assert closed.tokenizer.unk_token_id in closed.tokenizer(words)["input_ids"]
    assert closed.vocab_size == Theorems().vocab_size


def test_byte_pairs_are_trained_on_the_theorems():
    data = Theorems(size=40, held_out=0, warm=40, tokenizer="bpe:300")
    assert data.vocab_size == 300
    text = data.targets[0].statement
    assert data.tokenizer.decode(data.tokenizer(text)["input_ids"]) == text
