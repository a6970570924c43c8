"""What was written, as rows that a policy gradient reads.

Legend: B completions, T tokens of the longest prompt with its completion, less one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lit_research.lm import IGNORE
from lit_research.lm.engines import Completion


def completion_rows(
    prompts: Sequence[Sequence[int]], completions: Sequence[Completion], device: torch.device
) -> dict[str, Tensor]:
    """Return ``input_ids``, ``labels`` and ``mask`` ``[B, T]``: labels are the written tokens.

    Rows are filled up at the right, which no token before sees.

    Args:
        prompts: token ids of each.
        completions: ``prompt_index`` says which prompt each continues.
        device: of the tensors.
    """
    pairs = [(list(prompts[c.prompt_index]), list(c.token_ids)) for c in completions]
    width = max(len(prompt) + len(written) for prompt, written in pairs) - 1
    inputs = torch.zeros(len(pairs), width, dtype=torch.long)
    labels = torch.full_like(inputs, IGNORE)
    for row, (prompt, written) in enumerate(pairs):
        whole = torch.tensor(prompt + written)
        inputs[row, : len(whole) - 1] = whole[:-1]
        labels[row, len(prompt) - 1 : len(whole) - 1] = whole[len(prompt) :]
    mask = (labels != IGNORE).float()
    return {"input_ids": inputs.to(device), "labels": labels.to(device), "mask": mask.to(device)}
