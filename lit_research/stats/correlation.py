"""Rank correlation with an interval."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.stats.result import Alternative, Inference, check_alternative, check_share, sample


def spearman(
    x: ArrayLike,
    y: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    confidence: float = 0.9,
) -> Inference:
    """Return Spearman's rank correlation, tested against 0.

    The interval is Fisher's with the variance of Bonett and Wright (2000), good up to correlations
    of about 0.95; the p-value is scipy's, by Student's t.

    Args:
        x: one value for each unit, ``[n]``, four or more.
        y: the same units, ``[n]``.
        alternative: direction.
        confidence: of the interval.

    Raises:
        UserError: fewer than four pairs, lists of different length, or one that is constant.
    """
    from scipy import special, stats

    check_alternative(alternative)
    check_share("confidence", confidence)
    first, second = sample("x", x), sample("y", y)
    if len(first) != len(second) or len(first) < 4:
        raise UserError(
            f"x has {len(first)} values and y {len(second)}, in spearman; give four pairs or more"
        )
    for name, values in (("x", first), ("y", second)):
        if (values == values[0]).all():
            raise UserError(f"{name} is {values[0]:g} everywhere, in spearman; it has no ranks")
    found = stats.spearmanr(first, second, alternative=alternative)
    rho, n = float(found.statistic), len(first)
    half = float(special.ndtri((1 + confidence) / 2)) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    center = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, rho)))
    interval = (math.tanh(center - half), math.tanh(center + half))
    return Inference(rho, interval, confidence, float(found.pvalue), n, 0.0, alternative)
