"""Items, batches of their options, and scores of options one by one."""

from typing import NamedTuple

import torch

from lit_research.evals import ChoiceRows, Item, encode_items
from lit_research.lm import IGNORE

ITEMS = [
    Item("2 + 2 =", ["five", "four", "a"], 1, "sum"),
    Item("The cat sat on the", ["mat and slept for hours", "sky"], 0, "cat"),
    Item("é", ["ü", "longer than that"], 0, "bytes"),
]


def batch_of(items, tokenizer, max_length=64):
    rows = ChoiceRows(encode_items(items, tokenizer, max_length), tokenizer.eos_token_id)
    return rows.__getitems__(list(range(len(rows))))


class Scores(NamedTuple):
    """Log-probabilities of options, and these per byte, ``[items, options]``."""

    total: torch.Tensor
    per_byte: torch.Tensor


def option_scores(log_probs, labels, item_id, option_id, option_bytes):
    """The scores of a batch, one row after the other."""
    shape = int(item_id.max()) + 1, int(option_id.max()) + 1
    scores = Scores(*(torch.full(shape, -torch.inf, dtype=torch.float64) for _ in range(2)))
    for row, (item, option) in enumerate(zip(item_id.tolist(), option_id.tolist(), strict=True)):
        total = log_probs[row][labels[row] != IGNORE].double().sum()
        scores.total[item, option] = total
        scores.per_byte[item, option] = total / option_bytes[row]
    return scores
