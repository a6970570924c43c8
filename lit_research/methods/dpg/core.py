"""Advantages and policy loss: GRPO, as the paper uses it.

Legend: G groups (prompts), n completions of each, B = G n, T tokens of a row.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Scale = Literal["relative", "official"]
_ROUNDING = 1e-6  # of the largest reward: a smaller spread is rounding


def advantages(rewards: Tensor, scale: Scale = "relative") -> Tensor:
    """Return rewards minus their group's mean, over its standard deviation (unbiased), ``[G, n]``.

    ``relative`` divides by the deviation itself, whatever the scale of the rewards, and gives 0 to
    a group whose rewards differ by rounding alone. ``official`` adds 1e-6 to the deviation, as GRPO
    in the official code does. That depends on the scale: the rewards there, as small as 1e-9, are
    derivatives by undivided losses (``Rewards.undivided``), so the result is close to the centred
    rewards times 1e6.

    Args:
        rewards: ``[G, n]``; one group, ``[1, B]``, standardises over the batch.
        scale: ``relative`` or ``official``.
    """
    rewards = rewards.double()
    centred = rewards - rewards.mean(1, keepdim=True)
    if rewards.shape[1] < 2:
        return torch.zeros_like(centred).float()
    deviation = rewards.std(1, keepdim=True)
    if scale == "official":
        return (centred / (deviation + 1e-6)).float()
    equal = deviation <= _ROUNDING * rewards.abs().amax(1, keepdim=True)
    return torch.where(equal, 0.0, centred / torch.where(equal, 1.0, deviation)).float()


def policy_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, mask: Tensor, *, clip: float
) -> Tensor:
    """Return the clipped policy loss, the mean over all tokens.

    Args:
        log_probs: of the tokens under the policy, ``[B, T]``.
        old_log_probs: under the policy that wrote them, ``[B, T]``.
        advantages: of the rows, ``[B]``.
        mask: 1 where a token was written by the policy, ``[B, T]``.
        clip: the ratio is clipped to 1 - clip and 1 + clip.
    """
    ratio = (log_probs - old_log_probs).exp()
    advantage = advantages[:, None]
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    return -(gain * mask).sum() / mask.sum().clamp(min=1)


def shuffled(rewards: Tensor, seed: int) -> Tensor:
    """Return the rewards shuffled among all rows, ``[G, n]``: a control."""
    order = torch.randperm(rewards.numel(), generator=torch.Generator().manual_seed(seed))
    return rewards.flatten()[order.to(rewards.device)].view_as(rewards)
