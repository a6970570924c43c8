# ruff: noqa: RUF001
"""The data module: every source, bad input, rounds that resume."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.self_play.data import Rounds, Theorems
from tests.lean.corpus.files import RECORDS, leandojo, write


def test_the_embedded_set_is_complete_and_disjoint():
    data = Theorems(size=60, held_out=30, warm=90, seed=4)
    sets = [data.targets, data.held_out, data.warm]
    assert [len(some) for some in sets] == [60, 30, 90]
    assert len({t.id for some in sets for t in some}) == 180
    assert all(t.source == "embedded" and 1 <= t.level <= 5 for some in sets for t in some)
    assert data.vocab_size == len(data.tokenizer)
    assert data.vocab_size % 8 == 0
    assert {t.tag for t in Theorems(size=9, families=["order"], levels=[2]).targets} == {"order"}


def test_the_splits_of_leandojo_are_those_of_the_benchmark(tmp_path):
    leandojo(tmp_path)
    data = Theorems(source=str(tmp_path))
    assert [t.tag for t in data.targets] == ["train"]
    assert [t.tag for t in data.held_out] == ["val", "test"]
    assert len(Theorems(source=str(tmp_path), held_out=1).held_out) == 1


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
