"""The recipe of next-token training as pure functions: decay mask and learning-rate schedule.

No Lightning. The decay mask is levanter's default, which "Pre-training under
infinite compute" (Kim et al. 2025) trains with; its learning rate is a warm-up, then a cosine to 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lit_research.metrics import sum_dtype

Schedule = Literal["cosine", "linear", "constant"]
"""Learning rate after the warm-up: cosine or linear decay, or constant."""

# Prefixes that FSDP, torch.compile and activation checkpointing add to parameter names.
WRAPPERS = re.compile(r"_fsdp_wrapped_module\.|_orig_mod\.|_checkpoint_wrapped_module\.")


def decay_mask(model: nn.Module) -> dict[str, bool]:
    """Return for every trainable parameter, by name, whether weight decay applies to it.

    Decayed: every matrix, including an untied output head. Not decayed: embeddings (and a head tied
    to them), norms, biases.
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
    """Return two parameter groups for an optimiser: decayed, and with ``weight_decay`` 0.

    The mask comes from the model before a strategy wraps it: FSDP flattens the parameters, and
    compilation and sharding add prefixes to the names.
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

    The warm-up is linear and reaches the peak at update ``warmup_steps``; the decay would reach
    ``end`` at update ``total_steps``, one past the last. With ``warmup_from_zero`` this is
    optax's ``warmup_cosine_decay_schedule`` with ``decay_steps=total_steps``.

    Args:
        step: update, from 0.
        total_steps: updates of the run.
        warmup_steps: updates of the warm-up.
        schedule: schedule after the warm-up.
        end: factor at the end of ``cosine`` or ``linear``.
        warmup_from_zero: start the warm-up at 0, so that the first update changes nothing; else at
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
    """Sum token losses by the length of each token's document.

    Args:
        losses: nats, ``[B, T]``.
        counted: which of them count, ``[B, T]``.
        lengths: length in tokens of each token's document, ``[B, T]``.
        edges: largest length of each bin except the last, ascending, ``[n]``.

    Returns:
        Sums and counts of each bin, ``[2, n + 1]`` in float64.
    """
    bins = torch.bucketize(lengths, torch.tensor(edges, device=lengths.device)).flatten()
    sums = torch.zeros(2, len(edges) + 1, dtype=torch.float64, device=losses.device)
    values = torch.stack([losses * counted, counted.to(losses.dtype)]).flatten(1).double()
    return sums.index_add_(1, bins, values)


def sums_by_group(losses: Tensor, groups: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Sum token losses by group.

    Args:
        losses: nats, ``[B, T]``.
        groups: of each token, 0 to ``count - 1``; -1 for none; ``[B, T]``.
        count: number of groups, G.

    Returns:
        Sums in the dtype for sums, and counts, ``[G]`` each.
    """
    index = (groups + 1).flatten()  # row 0 takes what has no group
    sums = torch.zeros(count + 1, dtype=sum_dtype(losses.device), device=losses.device)
    counts = torch.zeros(count + 1, dtype=torch.int64, device=losses.device)
    sums.index_add_(0, index, losses.flatten().to(sums.dtype))
    counts.index_add_(0, index, torch.ones_like(index))
    return sums[1:], counts[1:]
