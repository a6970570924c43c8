"""The mathematics of next-token training that is not the model: who decays, and the schedule.

Pure functions, no Lightning. The decay mask is levanter's default, which "Pre-training under
infinite compute" (Kim et al. 2025) trains with; its learning rate is a warm-up, then a cosine to 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

Schedule = Literal["cosine", "linear", "constant"]
"""Learning rate after the warm-up: a cosine or a line to its end, or the peak throughout."""

# What FSDP, torch.compile and activation checkpointing add to the names of parameters.
WRAPPERS = re.compile(r"_fsdp_wrapped_module\.|_orig_mod\.|_checkpoint_wrapped_module\.")


def decay_mask(model: nn.Module) -> dict[str, bool]:
    """Say for every trainable parameter, by name, whether weight decay applies to it.

    Decayed: every matrix, the untied output head included. Not decayed: embeddings (and so a head
    that is tied to them), norms, biases.
    """
    embeddings = {
        id(p)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for p in module.parameters()
    }
    return {
        name: p.ndim >= 2 and id(p) not in embeddings
        for name, p in model.named_parameters()
        if p.requires_grad
    }


def param_groups(model: nn.Module, mask: dict[str, bool]) -> list[dict[str, Any]]:
    """Return two parameter groups for an optimiser: decayed, and ``weight_decay`` 0.

    The mask is taken before a strategy wraps the model: FSDP flattens the parameters, and
    compilation and sharding put words of their own into the names.
    """
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if (key := WRAPPERS.sub("", name)) in mask:
            (decayed if mask[key] else kept).append(parameter)
    groups: list[dict[str, Any]] = [
        {"name": "decayed", "params": decayed},
        {"name": "kept", "params": kept, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def learning_rate_factor(
    step: int,
    total_steps: int,
    warmup_steps: int,
    schedule: Schedule = "cosine",
    *,
    end: float = 0.0,
    warmup_from_zero: bool = False,
) -> float:
    """Return the factor of the peak learning rate at ``step`` (0 is the first update).

    Warm-up is linear and reaches the peak at update ``warmup_steps``; the cosine or line would
    reach ``end`` at update ``total_steps``, one past the last. With ``warmup_from_zero`` this is
    optax's ``warmup_cosine_decay_schedule`` with ``decay_steps=total_steps``.

    Args:
        step: update, from 0.
        total_steps: updates of the run.
        warmup_steps: updates of the warm-up.
        schedule: what follows the warm-up.
        end: factor at the end of a cosine or line.
        warmup_from_zero: begin the warm-up at 0, so that the first update changes nothing; else at
            ``1 / (warmup_steps + 1)``.
    """
    if step < warmup_steps:
        return step / warmup_steps if warmup_from_zero else (step + 1) / (warmup_steps + 1)
    if schedule == "constant":
        return 1.0
    if step >= total_steps:
        return end
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    left = 0.5 * (1.0 + math.cos(math.pi * done)) if schedule == "cosine" else 1.0 - done
    return end + (1.0 - end) * left


def sums_by_length(
    losses: Tensor, counted: Tensor, lengths: Tensor, edges: Sequence[int]
) -> Tensor:
    """Sum token losses by the length of the document that each token is from.

    Args:
        losses: nats, ``[B, T]``.
        counted: which of them count, ``[B, T]``.
        lengths: length in tokens of each token's document, ``[B, T]``.
        edges: longest length of each bin but the last, rising, ``[n]``.

    Returns:
        Sums and counts of each bin, ``[2, n + 1]`` in float64.
    """
    bins = torch.bucketize(lengths, torch.tensor(edges, device=lengths.device)).flatten()
    sums = torch.zeros(2, len(edges) + 1, dtype=torch.float64, device=losses.device)
    values = torch.stack([losses * counted, counted.to(losses.dtype)]).flatten(1).double()
    return sums.index_add_(1, bins, values)
