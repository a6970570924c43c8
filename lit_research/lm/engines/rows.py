"""What was written after a prompt, as rows that a loss reads.

Legend: B rows, T tokens of the longest prompt with what follows it, less one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lit_research.lm.engines.base import Completion
from lit_research.lm.scoring import IGNORE


def written_rows(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], device: torch.device
) -> dict[str, Tensor]:
    """Return ``input_ids``, ``labels`` and ``mask`` ``[B, T]``: labels are the written tokens.

    Rows are filled up at the right, which no token before sees.

    Args:
        pairs: token ids of a prompt, and of what was written after it.
        device: of the tensors.
    """
    width = max(len(prompt) + len(written) for prompt, written in pairs) - 1
    inputs = torch.zeros(len(pairs), width, dtype=torch.long)
    labels = torch.full_like(inputs, IGNORE)
    for row, (prompt, written) in enumerate(pairs):
        whole = torch.tensor([*prompt, *written])
        inputs[row, : len(whole) - 1] = whole[:-1]
        labels[row, len(prompt) - 1 : len(whole) - 1] = whole[len(prompt) :]
    mask = (labels != IGNORE).float()
    return {"input_ids": inputs.to(device), "labels": labels.to(device), "mask": mask.to(device)}


def completion_rows(
    prompts: Sequence[Sequence[int]], completions: Sequence[Completion], device: torch.device
) -> dict[str, Tensor]:
    """Return the rows (see ``written_rows``) of completions.

    Args:
        prompts: token ids of each.
        completions: ``prompt_index`` says which prompt each continues.
        device: of the tensors.
    """
    pairs = [(prompts[c.prompt_index], c.token_ids) for c in completions]
    return written_rows(pairs, device)
