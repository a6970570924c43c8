"""Rows of prompts with what was written after them."""

import torch

from lit_research.lm import IGNORE
from lit_research.lm.engines import Completion, completion_rows


def test_rows_hold_the_prompt_and_mask_what_was_written():
    prompts = [[5, 6, 7], [8]]
    made = [Completion("", t, (0.0,) * len(t), "stop", 0, i) for i, t in ((0, (1, 2)), (1, (3,)))]
    rows = completion_rows(prompts, made, torch.device("cpu"))
    assert rows["input_ids"].tolist() == [[5, 6, 7, 1], [8, 0, 0, 0]]
    assert rows["labels"].tolist() == [[IGNORE, IGNORE, 1, 2], [3, IGNORE, IGNORE, IGNORE]]
    assert rows["mask"].tolist() == [[0, 0, 1, 1], [1, 0, 0, 0]]
