"""A packed row is read as if it were alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lm import IGNORE, next_token_loss, run_lm
from lit_research.sft import PackedRows, Row
from lit_research.sft.packing import best_fit
from lit_research.text import ShardedSampler, make_loader
from tests.lm.models import tiny_lm


@settings(deadline=None)
@given(st.lists(st.integers(1, 10), max_size=30), st.integers(10, 17))
def test_each_row_is_in_one_window_with_room(lengths, size):
    windows = best_fit(lengths, size)
    assert sorted(i for window in windows for i in window) == list(range(len(lengths)))
    filled = [sum(lengths[i] for i in window) for window in windows]
    assert max(filled, default=0) <= size
    # No two windows could have been one.
    assert all(a + b > size for k, a in enumerate(filled) for b in filled[:k])


def some_rows():
    draw = torch.Generator().manual_seed(0)
    sizes = [(3, 4), (1, 2), (5, 6), (2, 9), (4, 1), (2, 3)]
    return [
        Row.answer(*(torch.randint(250, (n,), generator=draw).tolist() for n in pair))
        for pair in sizes
    ]


def test_the_model_reads_a_packed_row_as_if_it_were_alone():
    rows, model = some_rows(), tiny_lm().double()
    packed = PackedRows(rows, 16, pad_token_id=1)
    assert packed.windows == [[2, 4, 1], [3, 0], [5]]
    batch = packed.__getitems__(list(range(len(packed))))
    assert int((batch["labels"] != IGNORE).sum()) == sum(sum(row.learned) for row in rows)
    with torch.no_grad():
        losses = next_token_loss(run_lm(model, batch), batch["labels"], reduction="none")
        for line, window in enumerate(packed.windows):
            place = 0
            for index in window:
                inputs = {"input_ids": torch.tensor([rows[index].inputs])}
                labels = torch.tensor([rows[index].labels])
                alone = next_token_loss(run_lm(model, inputs), labels, reduction="none")[0]
                found = losses[line, place : place + len(alone)]
                torch.testing.assert_close(found, alone, atol=1e-6, rtol=0)
                assert batch["labels"][line, place : place + len(alone)].equal(labels[0])
                place += len(alone)
            assert losses[line, place:].eq(0).all()


def test_windows_are_loaded_in_the_order_of_the_sampler():
    packed = PackedRows(some_rows(), 16)
    sampler = ShardedSampler(
        packed, batch_size=1, shuffle=True, drop_last=True, rank=0, world_size=1
    )
    batches = list(make_loader(packed, sampler=sampler))
    assert len(batches) == len(packed) == 3
    found = torch.cat([batch["input_ids"] for batch in batches]).tolist()
    assert sorted(found) == sorted(packed.__getitems__([0, 1, 2])["input_ids"].tolist())
    assert packed[0]["position_ids"][0] == 0
    assert packed.fill == pytest.approx(36 / 48)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "there are no rows, in PackedRows; each row must"),
        ([Row.answer([1], [])], "row 0 has 0 positions"),
        ([Row.answer([1], [2]), Row.answer([1], [2] * 17)], "row 1 has 17 positions"),
    ],
)
def test_rows_that_fill_no_window_are_refused(rows, message):
    with pytest.raises(UserError, match=message):
        PackedRows(rows, 16)
