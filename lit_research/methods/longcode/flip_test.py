"""``flip_p``: the exact paired test of items that were asked several times in two conditions."""

from __future__ import annotations

import math

import numpy as np

from lit_research.methods.longcode.outcomes import Column

# Differences of shares of up to 8 answers are whole numbers of 1/840; others are rounded to them.
_GRID = 840


def flip_p(differences: Column, *, one_sided: bool) -> float:
    """Return the p-value of the mean of paired differences, if their signs are flips of a coin.

    That they are follows if an item's answers in the two conditions could be exchanged. The sum of
    all flips is counted out, not drawn. Where each item was asked once, a difference is -1, 0 or 1,
    and the test is McNemar's exact one.

    Args:
        differences: of shares of right answers, one for each item, ``[I]``.
        one_sided: whether only a mean above 0 is looked for.
    """
    from scipy import special

    steps = np.rint(differences * _GRID).astype(np.int64)
    steps = steps[steps != 0]
    if not len(steps):
        return 1.0
    steps //= math.gcd(*np.abs(steps).tolist())
    total = int(steps.sum())
    total = total if one_sided else abs(total)
    sizes, counts = np.unique(np.abs(steps), return_counts=True)
    if sizes[-1] == 1:
        n = len(steps)
        p = float(special.bdtrc((n + total) // 2 - 1, n, 0.5)) if total > -n else 1.0
    else:
        p = _tail(sizes, counts, total)
    return min(1.0, p if one_sided else 2 * p)


def _tail(sizes: Column, counts: Column, total: int) -> float:
    """Return the chance that a sum of sizes with random signs is at least ``total``."""
    most = int(sizes @ counts)
    places = 2 * most + 1
    # The sum's characteristic function is a product of cosines; its transform are the chances.
    angle = 2 * np.pi / places * np.arange(places // 2 + 1)
    product = np.ones(len(angle))
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        product *= np.cos(size * angle) ** count
    chances = np.fft.irfft(product, places)
    # Negative sums stand at the end.
    ordered = np.roll(chances, most)
    return float(np.clip(ordered[most + total :].sum(), 0.0, 1.0))
