"""The mathematics of the losses: of the Solver, of the Conjecturer; and the Solver's entropy.

Bailey et al. 2026, arXiv 2604.20209, appendix G, and the official trainers where they differ. What
is paid for is in ``rewards``; which loss is of which texts is said in ``objectives``.

Legend: B sequences, T tokens of a sequence, P problems, k rollouts of each, K likeliest tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Normaliser = Literal["tokens", "sequences"]


def weighted_nll(
    log_probs: Tensor,
    mask: Tensor,
    weights: Tensor,
    normaliser: Normaliser,
    total: int | float | Tensor | None = None,
) -> Tensor:
    """Return the weighted negative log-likelihood (REINFORCE with the weights as rewards).

    ``sequences``: ``-(1/B) sum_i w_i (1/|y_i|) sum_t log p``, the paper's equation. ``tokens``:
    ``-(1/sum_i |y_i|) sum_i w_i sum_t log p``, the official trainer. Sequences of weight 0 or less
    count in the normaliser like others.

    Args:
        log_probs: of the tokens, ``[B, T]``.
        mask: 1 where a token was generated, ``[B, T]``.
        weights: ``[B]``.
        normaliser: ``tokens`` or ``sequences``.
        total: tokens (or sequences) of the whole optimiser batch, all micro-batches and devices
            together; None if this is the whole. The losses of the parts then add up to the whole's
            (where gradients are averaged over devices, multiply by their number).
    """
    kept = mask.to(torch.bool)
    counts_B = kept.sum(1)
    sums_B = log_probs.masked_fill(~kept, 0.0).sum(1)
    if normaliser == "sequences":
        sums_B = sums_B / counts_B.clamp(min=1)
        whole = torch.as_tensor(len(counts_B) if total is None else total)
    else:
        whole = torch.as_tensor(counts_B.sum() if total is None else total)
    return -(weights * sums_B).sum() / whole.to(sums_B.device).clamp(min=1)


def cispo_advantages(rewards: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return ``(r - mean) / (std + 1e-6)`` of each group, ``[P, k]``.

    The deviation is that of the population. A group whose rewards are all alike has advantages of
    exactly 0: it teaches nothing, and whoever makes the batches leaves it out (the official code
    drops those whose rewards are all 0).

    Args:
        rewards: shaped ones, ``[P, k]``: 1 for a proof, 0 for one with ``try``, the negative value
            of ``rewards.overlong_weight`` for any overlong text, right or wrong.
    """
    found = []
    for group in rewards:
        mean = math.fsum(group) / len(group)
        centred = [0.0 if min(group) == max(group) else reward - mean for reward in group]
        deviation = math.sqrt(math.fsum(c * c for c in centred) / len(group))
        found.append([c / (deviation + 1e-6) for c in centred])
    return found


def cispo_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    clip: float = 4.0,
    scale: Tensor | None = None,
) -> Tensor:
    """Return the CISPO loss: REINFORCE whose tokens are weighted by clipped ratios.

    ``-(1/P) sum_groups (1/sum_i |y_i|) sum_i sum_t sg(min(ratio, clip)) A_i log p``; no gradient
    flows through the ratio, so that a clipped token goes on to teach.

    Args:
        log_probs: of the tokens under the policy, ``[B, T]``.
        old_log_probs: under the policy that wrote them, ``[B, T]``.
        advantages: ``[P, k]``, the rows of a group one after the other (B = P k); or ``[B]`` with
            ``scale``.
        mask: 1 where a token was generated, ``[B, T]``.
        clip: largest ratio; the smallest is 0.
        scale: for parts of a batch, ``[B]``: one over (generated tokens of the row's whole group,
            times groups of the whole optimiser batch). The losses of the parts then add up to the
            whole's.

    Raises:
        ValueError: flat advantages without ``scale``.
    """
    kept = mask.to(torch.bool)
    if scale is None:
        if advantages.dim() != 2:
            raise ValueError(
                f"advantages of shape {tuple(advantages.shape)} in cispo_loss: give [P, k], or "
                "scale too"
            )
        groups, k = advantages.shape
        tokens = kept.sum(1).view(groups, k).sum(1).repeat_interleave(k)
        scale = 1 / (tokens.clamp(min=1) * max(groups, 1)).to(log_probs.dtype)
    log_ratio = (log_probs - old_log_probs).detach().masked_fill(~kept, 0.0)
    ratio = log_ratio.clamp(max=math.log(clip)).exp()
    gain = (ratio * log_probs.masked_fill(~kept, 0.0)).sum(1)
    return -(gain * advantages.flatten() * scale).sum()


def stp_weight(proof_length: int, verify_seconds: float = 0.0) -> float:
    """Return STP's weight of a proof, ``exp(-0.001 length - 0.01 seconds)``.

    Args:
        proof_length: characters of the proof.
        verify_seconds: wall time that Lean took.
    """
    return math.exp(-0.001 * proof_length - 0.01 * verify_seconds)


def sampled_entropy(log_probs: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of ``-log p`` of sampled tokens in nats, an unbiased estimate of entropy.

    The mean over the tokens of each rollout, then over rollouts, as the official estimate.

    Args:
        log_probs: of the sampled tokens at temperature 1, ``[B, T]``.
        mask: 1 where a token was generated, ``[B, T]``.
    """
    return _rollout_mean(-log_probs, mask)


def top_entropy(
    top_log_probs: Tensor, log_probs: Tensor, sampled_in_top: Tensor, mask: Tensor
) -> Tensor:
    """Return the official entropy estimate from the K likeliest tokens (there K = 10), in nats.

    ``-sum p log(p + 1e-10)`` over these and the sampled token, renormalised; the mean over the
    tokens of each rollout, then over rollouts. It is too low by what lies in the tail.

    Args:
        top_log_probs: of the likeliest tokens, ``[B, T, K]``.
        log_probs: of the sampled tokens, ``[B, T]``.
        sampled_in_top: whether the sampled token is among the likeliest, ``[B, T]``.
        mask: 1 where a token was generated, ``[B, T]``.
    """
    sampled = log_probs.masked_fill(sampled_in_top.to(torch.bool), -math.inf)
    known = torch.cat([top_log_probs, sampled[..., None]], -1)
    share = known.masked_fill(~mask.to(torch.bool)[..., None], 0.0).softmax(-1)
    return _rollout_mean(-(share * (share + 1e-10).log()).sum(-1), mask)


def _rollout_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over rollouts of the mean over tokens; empty rollouts are left out."""
    kept = mask.to(torch.bool)
    counts = kept.sum(1)
    means = values.masked_fill(~kept, 0.0).sum(1) / counts.clamp(min=1)
    written = counts > 0
    return means[written].mean() if bool(written.any()) else values.new_tensor(math.nan)
