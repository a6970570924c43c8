"""Rows of like length in a batch: the same losses, less padding, exact resumption."""

import itertools

import pytest
import torch

from lit_research.errors import UserError
from lit_research.lm import IGNORE, build_lm, lm_token_losses
from lit_research.methods.openthoughts import ReasoningRows
from tests.lm.models import CONFIGS

WORLD = {
    "class_path": "lit_research.methods.openthoughts.WorldRows",
    "init_args": {"rows": 48, "evaluation": 5, "seed": 1},
}


def data_of(**options):
    return ReasoningRows(WORLD, sequence_length=160, packing=False, batch_size=4, seed=0, **options)


def test_an_epoch_has_the_same_losses_with_less_padding():
    plain, grouped = data_of(), data_of(group_by_length=True)
    lm = {**CONFIGS["llama"], "max_position_embeddings": 160}
    model = build_lm(lm, vocab_size=plain.vocab_size).double()
    totals, sizes, orders = [], [], []
    for data in (plain, grouped):
        batches = list(data.train_dataloader())
        with torch.no_grad():
            losses = [lm_token_losses(model, batch, fused=False) for batch in batches]
        rows = [
            float(row[labels != IGNORE].sum())
            for loss, batch in zip(losses, batches, strict=True)
            for row, labels in zip(loss, batch["labels"], strict=True)
        ]
        orders.append(rows)
        totals.append(sorted(rows))
        sizes.append(sum(batch["input_ids"].numel() for batch in batches))
    assert orders[0] != orders[1]
    torch.testing.assert_close(totals[0], totals[1], rtol=0, atol=1e-5)
    assert sizes[1] < 0.9 * sizes[0]


@pytest.mark.parametrize("read", [0, 1, 5, 12])
def test_it_resumes_with_the_batches_that_are_left(read):
    whole = [batch["input_ids"] for batch in data_of(group_by_length=True).train_dataloader()]
    assert len(whole) == 12
    loader = data_of(group_by_length=True).train_dataloader()
    iterator = iter(loader)
    for _ in itertools.islice(iterator, read):
        pass
    state = loader.state_dict()
    resumed = data_of(group_by_length=True).train_dataloader()
    resumed.load_state_dict(state)
    if read == 12:  # at the end of the epoch: the next one, in another order
        loader.sampler.set_epoch(1)
        whole, read = [batch["input_ids"] for batch in loader], 0
    left = [batch["input_ids"] for batch in resumed]
    assert len(left) == 12 - read
    assert all(torch.equal(a, b) for a, b in zip(left, whole[read:], strict=True))


@pytest.mark.parametrize("grouped", [True, False])
def test_a_run_does_not_resume_in_another_order(grouped):
    loader = data_of(group_by_length=grouped).train_dataloader()
    next(iter(loader))
    other = data_of(group_by_length=not grouped).train_dataloader()
    with pytest.raises(UserError, match="the checkpoint's loader has seed="):
        other.load_state_dict(loader.state_dict())


def test_evaluations_keep_their_order():
    batches = [list(data_of(group_by_length=on).val_dataloader()) for on in (True, False)]
    assert all(
        torch.equal(a["items"], b["items"]) for a, b in zip(batches[0], batches[1], strict=True)
    )


def test_packed_windows_are_not_grouped():
    with pytest.raises(UserError, match=r"group_by_length is true with packing.*packing false"):
        ReasoningRows(WORLD, group_by_length=True)
