"""Baselines for a language model: unigram and bigram counts."""

from __future__ import annotations

import numpy as np

_PRIOR_WEIGHTS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)


def unigram_probabilities(train: np.ndarray, vocab_size: int, *, add: float = 1.0) -> np.ndarray:
    """Return the share of each token in ``train`` ``[N]`` with ``add`` to each count, ``[V]``."""
    counts = np.bincount(train, minlength=vocab_size) + add
    return counts / counts.sum()


def unigram_cross_entropy(train: np.ndarray, heldout: np.ndarray, vocab_size: int) -> float:
    """Return the loss in nats per token of predicting ``heldout`` by token frequencies alone.

    Args:
        train: token ids to count, ``[N]``.
        heldout: token ids to predict, except the first, ``[M]``.
        vocab_size: ``V``.
    """
    return float(-np.log(unigram_probabilities(train, vocab_size))[heldout[1:]].mean())


def bigram_cross_entropy(train: np.ndarray, heldout: np.ndarray, vocab_size: int) -> float:
    """Return the loss in nats per token of predicting each token from the one before.

    Pair counts are interpolated with the unigram (a Dirichlet prior of weight m):
    ``p(b|a) = (count(a, b) + m p(b)) / (count(a) + m)``. The weight is tuned on
    ``heldout``, so the baseline is, if anything, too strong.

    Args:
        train: token ids to count, ``[N]``.
        heldout: token ids to predict, except the first, ``[M]``.
        vocab_size: ``V``.
    """
    prior = unigram_probabilities(train, vocab_size)[heldout[1:]]
    before = np.bincount(train[:-1], minlength=vocab_size)[heldout[:-1]]
    pairs, counts = np.unique(_pairs(train, vocab_size), return_counts=True)
    heldout_pairs = _pairs(heldout, vocab_size)
    index = np.minimum(np.searchsorted(pairs, heldout_pairs), len(pairs) - 1)
    pair_counts = np.where(pairs[index] == heldout_pairs, counts[index], 0)
    return min(
        float(-np.log((pair_counts + weight * prior) / (before + weight)).mean())
        for weight in _PRIOR_WEIGHTS
    )


def _pairs(tokens: np.ndarray, vocab_size: int) -> np.ndarray:
    """Return one number for each pair of adjacent tokens, ``[N - 1]``."""
    return tokens[:-1].astype(np.int64) * vocab_size + tokens[1:]
