"""Labels: what is learned of a row, what truncation leaves of it, and batches of rows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.lm.engines import Completion
from lit_research.sft import Row, completion_rows, stack_rows, truncate_rows, written_rows

TOKENS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
PAIRS = st.lists(st.tuples(TOKENS, st.lists(st.integers(1, 9), max_size=6)), min_size=1, max_size=5)
CPU = torch.device("cpu")


def test_rows_hold_the_prompt_and_mask_what_was_written():
    prompts = [[5, 6, 7], [8]]
    made = [Completion("", t, (0.0,) * len(t), "stop", 0, i) for i, t in ((0, (1, 2)), (1, (3,)))]
    rows = completion_rows(prompts, made, torch.device("cpu"))
    assert rows["input_ids"].tolist() == [[5, 6, 7, 1], [8, 0, 0, 0]]
    assert rows["labels"].tolist() == [[IGNORE, IGNORE, 1, 2], [3, IGNORE, IGNORE, IGNORE]]
    assert rows["mask"].tolist() == [[0, 0, 1, 1], [1, 0, 0, 0]]


def by_slices(pairs, pad_token_id):
    """The same rows, filled one slice at a time."""
    width = max(len(prompt) + len(answer) for prompt, answer in pairs) - 1
    inputs = torch.full((len(pairs), width), pad_token_id)
    labels = torch.full((len(pairs), width), IGNORE)
    for line, (prompt, answer) in enumerate(pairs):
        tokens, start = [*prompt, *answer], len(prompt)
        inputs[line, : len(tokens) - 1] = torch.tensor(tokens[:-1], dtype=torch.long)
        labels[line, start - 1 : len(tokens) - 1] = torch.tensor(tokens[start:], dtype=torch.long)
    return inputs.tolist(), labels.tolist()


@settings(deadline=None)
@given(PAIRS)
def test_the_answer_alone_is_learned_whatever_the_lengths(pairs):
    inputs, labels = by_slices(pairs, 0)
    rows = written_rows(pairs, CPU)
    assert (rows["input_ids"].tolist(), rows["labels"].tolist()) == (inputs, labels)
    of_rows = [Row.answer(*pair) for pair in pairs]
    stacked = stack_rows([(row.inputs, row.labels) for row in of_rows], pad_token_id=10)
    assert (stacked["input_ids"].tolist(), stacked["labels"].tolist()) == by_slices(pairs, 10)


@settings(deadline=None)
@given(PAIRS, st.integers(1, 8), st.sampled_from(["left", "right", "drop"]))
def test_truncation_keeps_the_side_it_names_and_counts_what_it_does(pairs, length, side):
    rows = [Row.answer(*pair) for pair in pairs]
    expected, lost, cut = [], 0, 0
    for row in rows:
        excess = max(0, len(row.tokens) - length - 1)
        end = len(row.tokens) - (excess if side == "right" else 0)
        start = excess if side == "left" else 0
        if (side == "drop" and excess) or not any(row.learned[start + 1 : end]):
            continue
        expected.append(list(zip(row.tokens[start:end], row.learned[start:end], strict=True)))
        lost, cut = lost + excess, cut + bool(excess)
    if not expected:
        with pytest.raises(UserError, match="has a label within max_length"):
            truncate_rows(rows, length, side)
        return
    kept, counts = truncate_rows(rows, length, side)
    assert [list(zip(row.tokens, row.learned, strict=True)) for row in kept] == expected
    assert (counts.rows, counts.cut, counts.tokens) == (len(rows), cut, lost)
    assert counts.dropped == len(rows) - len(kept)
    assert all(1 <= len(row.inputs) <= length for row in kept)


def test_a_cut_row_learns_the_token_after_its_last_position():
    [row], _ = truncate_rows([Row.answer([1, 2], [3, 4, 5])], 3, "right")
    assert (row.inputs, row.labels) == ([1, 2, 3], [IGNORE, 3, 4])
    [row], _ = truncate_rows([Row.answer([1, 2], [3, 4, 5])], 3, "left")
    assert (row.inputs, row.labels) == ([2, 3, 4], [3, 4, 5])


@pytest.mark.parametrize(("length", "side"), [(0, "left"), (4, "middle")])
def test_an_unknown_truncation_is_refused(length, side):
    with pytest.raises(UserError, match=f"max_length is {length} and side '{side}'"):
        truncate_rows([Row.answer([1], [2])], length, side)
