"""Windows lie in one document each, contexts score the same tokens, mistakes are refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.ttt import LongDocuments, LongWindows
from lit_research.text import IGNORE

EOS = 256


class Store:
    """Documents in memory, of tokens that are all different but for the end of text."""

    def __init__(self, lengths):
        self.lengths = np.array(lengths)
        self.offsets = np.concatenate([[0], np.cumsum(lengths)])
        self.tokens = np.arange(1000, 1000 + self.offsets[-1])
        self.tokens[self.offsets[1:] - 1] = EOS
        self.card = {"name": "train", "eos_token_id": EOS}

    def __len__(self):
        return len(self.lengths)


stores = st.lists(st.integers(1, 60), min_size=1, max_size=8).map(Store)


@given(stores, st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_windows_lie_side_by_side_in_one_document_that_is_long_enough(store, T):
    if store.lengths.max() <= T:
        with pytest.raises(UserError, match=f"longest of .* has {store.lengths.max()}"):
            LongWindows(store, T)
        return
    windows = LongWindows(store, T)
    whole = windows.__getitems__(range(len(windows)))
    row = 0
    for document in np.flatnonzero(store.lengths > T):
        own = store.tokens[store.offsets[document] : store.offsets[document + 1]]
        for first in range(0, len(own) - T, T):
            assert (whole["input_ids"][row].numpy() == own[first : first + T]).all()
            assert (whole["labels"][row].numpy() == own[first + 1 : first + T + 1]).all()
            assert (whole["document_ids"][row] == document).all()
            row += 1
    assert row == len(windows)
    assert torch.equal(windows[row - 1]["labels"], whole["labels"][row - 1])


@given(stores, st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_straddling_windows_are_one_stream_of_the_same_documents(store, T):
    if store.lengths.max() <= T:
        return
    windows = LongWindows(store, T, straddle=True)
    kept = [d for d in range(len(store)) if store.lengths[d] > T]
    stream = np.concatenate([store.tokens[store.offsets[d] : store.offsets[d + 1]] for d in kept])
    whole = windows.__getitems__(range(len(windows)))
    used = len(windows) * T
    assert used <= len(stream) - 1 < used + T
    assert (whole["input_ids"].flatten().numpy() == stream[:used]).all()
    labels = stream[1 : used + 1]
    assert (whole["labels"].flatten().numpy() == np.where(labels == EOS, IGNORE, labels)).all()
    of_token = np.repeat(kept, store.lengths[kept])[:used]
    assert (whole["document_ids"].flatten().numpy() == of_token).all()


@given(stores, st.sampled_from([1, 2, 4]), st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_every_length_cuts_the_same_tokens(store, T, limit):
    cut = 8
    if store.lengths.max() <= cut:
        return
    long, short = (LongWindows(store, n, cut=cut, documents=limit) for n in (cut, T))
    assert len(long) == min(limit, (store.lengths > cut).sum())
    assert len(short) * T == len(long) * cut
    for name in ("input_ids", "labels"):
        values = [w.__getitems__(range(len(w)))[name].flatten() for w in (long, short)]
        assert torch.equal(*values)


def test_a_budget_is_of_the_first_windows():
    assert len(LongWindows(Store([30, 3, 30]), 4, max_tokens=10)) == 2
    with pytest.raises(UserError, match="max_train_tokens is 3"):
        LongWindows(Store([30]), 4, max_tokens=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Texts of 40 to 2000 bytes."""
    path = tmp_path_factory.mktemp("documents")
    for number in range(40):
        (path / f"{number}.txt").write_text(chr(97 + number % 26) * (40 if number % 2 else 2000))
    return path


def long_documents(folder, **changes):
    args = {"sequence_length": 64, "batch_size": 4, "validation_fraction": 0.2}
    return LongDocuments(
        source=str(folder),
        **{**args, "tokenizer": "bytes", "test_fraction": 0.3, "seed": 0, **changes},
    )


def test_a_test_reads_the_same_tokens_at_each_context_in_batches_of_one_size(folder):
    data = long_documents(folder, contexts=[512, 64, 256], test_documents=3)
    tokens = {}
    for batch in data.test_dataloader():
        B, T = batch["input_ids"].shape
        assert max(256, T) >= B * T
        tokens.setdefault(T, []).append(batch["labels"].flatten())
    assert list(tokens) == [64, 256, 512]
    first, *others = (torch.cat(parts) for parts in tokens.values())
    assert len(first) == 3 * 512
    assert all(torch.equal(first, other) for other in others)


def test_processes_share_the_test_batches(folder):
    def rows(rank, world):
        data = long_documents(folder, contexts=[64, 512], test_documents=3)
        data.trainer = SimpleNamespace(global_rank=rank, world_size=world)
        batches = [batch["input_ids"] for batch in data.test_dataloader()]
        return [(*row.shape, *row[:8].tolist()) for batch in batches for row in batch]

    shares = [rows(rank, 2) for rank in range(2)]
    assert all({row[0] for row in share} == {64, 512} for share in shares)
    assert sorted(shares[0] + shares[1]) == sorted(rows(0, 1))


def test_splits_share_no_document_and_order_is_a_function_of_the_seed(folder):
    one, two = long_documents(folder), long_documents(folder)
    ids = [set(split["id"]) for split in one.documents.values()]
    assert sum(map(len, ids)) == len(set.union(*ids)) == 40
    for left, right in zip(one.train_dataloader(), two.train_dataloader(), strict=True):
        assert torch.equal(left["input_ids"], right["input_ids"])
    windows = one.windows("train")
    assert (windows.store.lengths[windows.documents] > 64).all()


def test_predict_reads_whole_documents_without_the_end_of_text(folder, tmp_path):
    batches = list(long_documents(folder).predict_dataloader())
    assert all(batch["input_ids"].shape == (1, 2000) for batch in batches)
    (tmp_path / "short.txt").write_text("abc")
    [batch] = long_documents(folder, predict_source=str(tmp_path)).predict_dataloader()
    assert batch["input_ids"].tolist() == [[97, 98, 99]]
    assert batch["document_ids"].tolist() == [0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contexts": []}, "contexts is"),
        ({"contexts": [64, 64]}, "different lengths"),
        ({"contexts": [48, 64]}, "divide the longest"),
        ({"test_documents": 0}, "test_documents is 0"),
        ({"mask_across_documents": True}, "holds one document already"),
    ],
)
def test_mistakes_are_refused_at_once(folder, changes, message):
    with pytest.raises(UserError, match=message):
        long_documents(folder, **changes)


def test_documents_that_are_too_short_are_refused_with_the_longest(folder):
    with pytest.raises(UserError, match=r"split 'train' has the 4097 tokens .* has 2001"):
        long_documents(folder, sequence_length=4096).windows("train")
    with pytest.raises(UserError, match=r"split 'test' has the 8193 tokens"):
        long_documents(folder, contexts=[8192]).test_dataloader()
