"""Correlation, of values and of ranks, with an interval."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.ranges import check_range
from lit_research.stats.result import (
    LEVEL,
    Alternative,
    Array,
    Inference,
    check_alternative,
    sample,
)


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
    from scipy import stats

    first, second = _pairs(x, y, "spearman", alternative, confidence)
    found = stats.spearmanr(first, second, alternative=alternative)
    rho, n = float(found.statistic), len(first)
    return _by_fisher(rho, float(found.pvalue), n, 1 + rho**2 / 2, alternative, confidence)


def pearson(
    x: ArrayLike,
    y: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    confidence: float = 0.9,
) -> Inference:
    """Return Pearson's correlation, tested against 0.

    The interval is Fisher's; the p-value is exact for normal values (Student's t).

    Args:
        x: one value for each unit, ``[n]``, four or more.
        y: the same units, ``[n]``.
        alternative: direction.
        confidence: of the interval.

    Raises:
        UserError: fewer than four pairs, lists of different length, or one that is constant.
    """
    from scipy import stats

    first, second = _pairs(x, y, "pearson", alternative, confidence)
    found = stats.pearsonr(first, second, alternative=alternative)
    r, n = float(found.statistic), len(first)
    return _by_fisher(r, float(found.pvalue), n, 1.0, alternative, confidence)


def _pairs(
    x: ArrayLike, y: ArrayLike, name: str, alternative: str, confidence: float
) -> tuple[Array, Array]:
    """Return both lists, checked."""
    check_alternative(alternative)
    check_range(LEVEL, "in stats", confidence=confidence)
    first, second = sample("x", x), sample("y", y)
    if len(first) != len(second) or len(first) < 4:
        raise UserError(
            f"x has {len(first)} values and y {len(second)}, in {name}; give four pairs or more"
        )
    for which, values in (("x", first), ("y", second)):
        if (values == values[0]).all():
            raise UserError(
                f"{which} is {values[0]:g} everywhere, in {name}; its correlation is undefined"
            )
    return first, second


def _by_fisher(
    r: float,
    p: float,
    n: int,
    widening: float,
    alternative: Alternative,
    confidence: float,
) -> Inference:
    """Return the inference for a correlation; ``widening`` is its variance times n - 3, in z."""
    from scipy import special

    half = float(special.ndtri((1 + confidence) / 2)) * math.sqrt(widening / (n - 3))
    center = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, r)))
    interval = (math.tanh(center - half), math.tanh(center + half))
    return Inference(r, interval, confidence, p, n, 0.0, alternative)
