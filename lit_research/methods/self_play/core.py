"""The losses of both players, and estimates of the Solver's entropy, as pure functions.

Bailey et al. 2026, arXiv 2604.20209, appendix G, and the official trainers where they differ.
``rewards`` has the rewards; ``objectives`` says which loss is computed on which samples.

Legend: B sequences, T tokens of a sequence, P problems, k rollouts of each, K most likely tokens.
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
    count in the normaliser, too.

    Args:
        log_probs: of the tokens, ``[B, T]``.
        mask: 1 for generated tokens, ``[B, T]``.
        weights: ``[B]``.
        normaliser: ``tokens`` or ``sequences``.
        total: tokens (or sequences) of the whole batch, over all micro-batches and devices; None
            if this is the whole batch. The losses of the micro-batches then sum to that of the
            batch (if gradients are averaged over devices, multiply by their number).
    """
    kept = mask.to(torch.bool)
    counts_B = kept.sum(1)
    sums_B = log_probs.masked_fill(~kept, 0.0).sum(1)
    if normaliser == "sequences":
        sums_B = sums_B / counts_B.clamp(min=1)
        divisor = torch.as_tensor(len(counts_B) if total is None else total)
    else:
        divisor = torch.as_tensor(counts_B.sum() if total is None else total)
    return -(weights * sums_B).sum() / divisor.to(sums_B.device).clamp(min=1)


def cispo_advantages(rewards: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return ``(r - mean) / (std + 1e-6)`` of each group, ``[P, k]``.

    The standard deviation is that of the population. A group with equal rewards has advantages of
    exactly 0 and carries no signal: the caller should drop it (the official code drops groups whose
    rewards are all 0).

    Args:
        rewards: shaped rewards, ``[P, k]``: 1 for a proof, 0 for one with ``try``,
            ``rewards.overlong_weight`` for any overlong text, proof or not.
    """
    advantages = []
    for group in rewards:
        mean = math.fsum(group) / len(group)
        centred = [0.0 if min(group) == max(group) else reward - mean for reward in group]
        deviation = math.sqrt(math.fsum(c * c for c in centred) / len(group))
        advantages.append([c / (deviation + 1e-6) for c in centred])
    return advantages


def cispo_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    *,
    clip: float = 4.0,
    scale: Tensor | None = None,
) -> Tensor:
    """Return the CISPO loss: REINFORCE with clipped importance weights of the tokens.

    ``-(1/P) sum_groups (1/sum_i |y_i|) sum_i sum_t sg(min(ratio, clip)) A_i log p``; no gradient
    flows through the ratio, so that clipped tokens still contribute a gradient.

    Args:
        log_probs: of the tokens under the policy, ``[B, T]``.
        old_log_probs: under the policy that generated them, ``[B, T]``.
        advantages: ``[P, k]``, with the rows of a group adjacent (B = P k); or ``[B]`` with
            ``scale``.
        mask: 1 for generated tokens, ``[B, T]``.
        clip: largest ratio; the smallest is 0.
        scale: for a micro-batch, ``[B]``: one over (generated tokens of the row's whole group
            times groups of the whole batch). The losses of the micro-batches then sum to that of
            the batch.

    Raises:
        ValueError: one-dimensional advantages without ``scale``.
    """
    kept = mask.to(torch.bool)
    if scale is None:
        if advantages.dim() != 2:
            raise ValueError(
                f"advantages have shape {tuple(advantages.shape)} without scale, in cispo_loss; "
                "must be [P, k]"
            )
        groups, k = advantages.shape
        tokens = kept.sum(1).view(groups, k).sum(1).repeat_interleave(k)
        scale = 1 / (tokens.clamp(min=1) * max(groups, 1)).to(log_probs.dtype)
    log_ratio = (log_probs - old_log_probs).detach().masked_fill(~kept, 0.0)
    ratio = log_ratio.clamp(max=math.log(clip)).exp()
    weighted = (ratio * log_probs.masked_fill(~kept, 0.0)).sum(1)
    return -(weighted * advantages.flatten() * scale).sum()


def stp_weight(proof_length: int, verify_seconds: float = 0.0) -> float:
    """Return STP's weight of a proof, ``exp(-0.001 length - 0.01 seconds)``.

    Args:
        proof_length: characters of the proof.
        verify_seconds: wall time that Lean took.
    """
    return math.exp(-0.001 * proof_length - 0.01 * verify_seconds)


def sampled_entropy(log_probs: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of ``-log p`` of sampled tokens in nats, an unbiased estimate of entropy.

    Averaged over the tokens of each rollout, then over rollouts, as in the official code.

    Args:
        log_probs: of the sampled tokens at temperature 1, ``[B, T]``.
        mask: 1 for generated tokens, ``[B, T]``.
    """
    return _rollout_mean(-log_probs, mask)


def top_entropy(
    top_log_probs: Tensor, log_probs: Tensor, sampled_in_top: Tensor, mask: Tensor
) -> Tensor:
    """Return the official entropy estimate from the K most likely tokens (K = 10), in nats.

    ``-sum p log(p + 1e-10)`` over these and the sampled token, renormalised, averaged over the
    tokens of each rollout, then over rollouts. It is biased low: the tail is missing.

    Args:
        top_log_probs: of the most likely tokens, ``[B, T, K]``.
        log_probs: of the sampled tokens, ``[B, T]``.
        sampled_in_top: whether the sampled token is among the most likely, ``[B, T]``.
        mask: 1 for generated tokens, ``[B, T]``.
    """
    sampled = log_probs.masked_fill(sampled_in_top.to(torch.bool), -math.inf)
    known = torch.cat([top_log_probs, sampled[..., None]], -1)
    share = known.masked_fill(~mask.to(torch.bool)[..., None], 0.0).softmax(-1)
    return _rollout_mean(-(share * (share + 1e-10).log()).sum(-1), mask)


def _rollout_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over rollouts of the mean over tokens, without empty rollouts."""
    kept = mask.to(torch.bool)
    counts = kept.sum(1)
    means = values.masked_fill(~kept, 0.0).sum(1) / counts.clamp(min=1)
    has_tokens = counts > 0
    return means[has_tokens].mean() if bool(has_tokens.any()) else values.new_tensor(math.nan)
