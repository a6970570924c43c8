"""From logits to tokens.

Legend: B sequences, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lit_research.lm.engines.base import Sampling


def sample_tokens(logits: Tensor, uniforms: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Draw a token for each row.

    The draw inverts the distribution function at a number that the caller gives, so that a sequence
    gets the same tokens in whatever batch it is.

    Args:
        logits: ``[B, V]``.
        uniforms: numbers in [0, 1), float64, ``[B]``.
        sampling: temperature, ``top_k`` and ``top_p``, applied in this order.

    Returns:
        The tokens ``[B]`` and their log-probabilities ``[B]`` in nats under ``logits`` themselves.
    """
    wide = logits if logits.dtype == torch.float64 else logits.float()
    log_probs = wide.log_softmax(dim=-1)
    if sampling.temperature == 0:
        tokens = log_probs.argmax(dim=-1)
    else:
        kept = _keep_likeliest(log_probs / sampling.temperature, sampling)
        # fp32 would round away rare tokens of a large vocabulary.
        cumulative = kept.softmax(dim=-1).double().cumsum(dim=-1)
        target = (uniforms * cumulative[:, -1]).unsqueeze(1)
        tokens = torch.searchsorted(cumulative, target, right=True).squeeze(1)
        tokens = tokens.clamp(max=logits.shape[-1] - 1)
    return tokens, log_probs.gather(1, tokens.unsqueeze(1)).squeeze(1)


def _keep_likeliest(scores: Tensor, sampling: Sampling) -> Tensor:
    """Set the scores ``[B, V]`` of tokens outside ``top_k`` and ``top_p`` to minus infinity."""
    if 0 < sampling.top_k < scores.shape[-1]:
        least = scores.topk(sampling.top_k, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < least, -torch.inf)
    if sampling.top_p < 1:
        ordered = scores.sort(dim=-1, descending=True).values
        probs = ordered.softmax(dim=-1)
        before = probs.cumsum(dim=-1) - probs
        least = ordered.masked_fill(before >= sampling.top_p, torch.inf).amin(dim=-1, keepdim=True)
        scores = scores.masked_fill(scores < least, -torch.inf)
    return scores
