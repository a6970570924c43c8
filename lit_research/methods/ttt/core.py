"""The arms of the comparison, the inner rate's warm-up, and the synthetic task; no Lightning.

Tandon et al. 2025 (arXiv 2512.23675).

Legend: B sequences, T tokens.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from lit_research.methods.ttt.inner_loop import Inner, Recompute

Arm = Literal["e2e", "first_order", "naive", "swa", "full"]


def training_inner(arm: Arm, inner: Inner) -> Inner:
    """Return how the inner loop steps while this arm is trained."""
    if arm == "first_order":
        return Inner(inner.lr, inner.clip, True, inner.recompute)
    return inner if arm == "e2e" else without_steps(inner.recompute)


def evaluation_inner(arm: Arm, inner: Inner) -> Inner:
    """Return how it steps at test time: ``naive`` is trained without steps and run with them."""
    return without_steps("none") if arm in ("swa", "full") else inner


def without_steps(recompute: Recompute) -> Inner:
    """Return an inner loop that leaves the fast weights as they are."""
    return Inner(lr=0.0, recompute=recompute)


def inner_lr_factor(step: int, warmup_steps: int) -> float:
    """Return the factor of eta at an outer step: ``0.1 + 0.9 min(1, (step + 1) / warmup)``."""
    return 0.1 + 0.9 * min(1.0, (step + 1) / warmup_steps) if warmup_steps > 0 else 1.0


def permutation_batch(
    rng: np.random.Generator, *, batch: int, length: int, vocabulary: int, noise: float
) -> tuple[Tensor, Tensor]:
    """Draw sequences that follow a random permutation each: ``x[t + 1] = pi(x[t])``.

    With probability ``noise`` the next token is uniform instead. A token comes back after about
    ``vocabulary`` others, so a window shorter than that cannot know where it leads; a model that
    remembers further back can. The least loss is that of the noise alone.

    Args:
        rng: of the permutations and the noise.
        batch: sequences, B.
        length: tokens, T.
        vocabulary: number of tokens, V.
        noise: probability of a uniform token.

    Returns:
        ``input_ids`` and ``labels``, both ``[B, T]``.
    """
    leads_to = rng.permuted(np.tile(np.arange(vocabulary), (batch, 1)), axis=1)
    tokens = np.empty((batch, length + 1), dtype=np.int64)
    tokens[:, 0] = rng.integers(vocabulary, size=batch)
    uniform = rng.integers(vocabulary, size=(batch, length))
    jumps = rng.random((batch, length)) < noise
    rows = np.arange(batch)
    for t in range(length):  # each token depends on the one before
        followed = leads_to[rows, tokens[:, t]]
        tokens[:, t + 1] = np.where(jumps[:, t], uniform[:, t], followed)
    both = torch.from_numpy(tokens)
    return both[:, :-1].clone(), both[:, 1:].clone()
