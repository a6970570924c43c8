"""The arms of the comparison, the inner rate's warm-up, and the synthetic task; no Lightning.

Tandon et al. 2025 (arXiv 2512.23675).

Legend: B sequences, T tokens.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from lit_research.methods.ttt.inner_loop import InnerLoop, Recompute

ArmName = Literal["e2e", "first_order", "naive", "swa", "full"]


def training_inner(arm: ArmName, inner: InnerLoop) -> InnerLoop:
    """Return the inner loop for training this arm."""
    if arm == "first_order":
        return InnerLoop(inner.lr, inner.clip, True, inner.recompute)
    return inner if arm == "e2e" else without_steps(inner.recompute)


def evaluation_inner(arm: ArmName, inner: InnerLoop) -> InnerLoop:
    """Return the inner loop at test time: ``naive`` trains without steps and runs with them."""
    return without_steps("none") if arm in ("swa", "full") else inner


def without_steps(recompute: Recompute) -> InnerLoop:
    """Return an inner loop that leaves the fast weights unchanged."""
    return InnerLoop(lr=0.0, recompute=recompute)


def inner_lr_factor(step: int, warmup_steps: int) -> float:
    """Return the factor of eta at an outer step: ``0.1 + 0.9 min(1, (step + 1) / warmup)``."""
    return 0.1 + 0.9 * min(1.0, (step + 1) / warmup_steps) if warmup_steps > 0 else 1.0


def permutation_batch(
    rng: np.random.Generator, *, batch: int, length: int, vocabulary: int, noise: float
) -> tuple[Tensor, Tensor]:
    """Draw sequences that each follow a random permutation: ``x[t + 1] = pi(x[t])``.

    With probability ``noise`` the next token is uniform instead. A token returns after about
    ``vocabulary`` others, so a window shorter than that has not seen its successor; a model that
    remembers more can predict it. The lowest possible loss is the entropy of the noise.

    Args:
        rng: random generator of the permutations and the noise.
        batch: number of sequences, B.
        length: tokens per sequence, T.
        vocabulary: number of tokens, V.
        noise: probability of a uniform token.

    Returns:
        ``input_ids`` and ``labels``, both ``[B, T]``.
    """
    successor = rng.permuted(np.tile(np.arange(vocabulary), (batch, 1)), axis=1)
    tokens = np.empty((batch, length + 1), dtype=np.int64)
    tokens[:, 0] = rng.integers(vocabulary, size=batch)
    uniform = rng.integers(vocabulary, size=(batch, length))
    jumps = rng.random((batch, length)) < noise
    rows = np.arange(batch)
    for t in range(length):  # each token depends on the one before
        next_token = successor[rows, tokens[:, t]]
        tokens[:, t + 1] = np.where(jumps[:, t], uniform[:, t], next_token)
    sequences = torch.from_numpy(tokens)
    return sequences[:, :-1].clone(), sequences[:, 1:].clone()
