"""Means and their differences by Student's t: paired, Welch's, and tests against a margin."""

from __future__ import annotations

import math

import numpy as np
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


def paired_t(
    differences: ArrayLike,
    *,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    confidence: float = 0.9,
) -> Inference:
    """Test the mean of one difference a unit, such as arm A minus arm B of each seed.

    Exact if the differences are normal. One unit alone has no interval and no p-value. Differences
    that are all alike have an interval of width 0, and a p-value of 0 or 1: look at them.

    Args:
        differences: one for each seed, ``[n]``.
        null: mean under the null hypothesis; the smallest effect of interest tests "at least so".
        alternative: direction.
        confidence: of the interval; 0.9 belongs to a one-sided test at 0.05.

    Raises:
        UserError: a difference is not finite, or an option is out of range.
    """
    check_alternative(alternative)
    check_range(LEVEL, "in stats", confidence=confidence)
    values = sample("differences", differences)
    if not len(values):
        raise UserError("differences is empty, in paired_t; give one for each seed")
    mean, n = float(values.mean()), len(values)
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return _by_t(mean, error, n - 1, n, null, alternative, confidence)


def welch_t(
    a: ArrayLike,
    b: ArrayLike,
    *,
    null: float = 0.0,
    alternative: Alternative = "two-sided",
    confidence: float = 0.9,
) -> Inference:
    """Test the mean of ``a`` minus that of ``b`` where their units are not the same.

    Variances may differ (Welch 1947, with Satterthwaite's degrees of freedom); close to exact from
    five units each. Arms that share their seeds are compared with ``paired_t``, which sees more.

    Args:
        a: one value for each unit, ``[n]``, two or more.
        b: those of the other arm, ``[m]``, two or more.
        null: difference under the null hypothesis.
        alternative: direction.
        confidence: of the interval.

    Raises:
        UserError: an arm has fewer than two values, or one that is not finite.
    """
    check_alternative(alternative)
    check_range(LEVEL, "in stats", confidence=confidence)
    first, second = sample("a", a), sample("b", b)
    if min(len(first), len(second)) < 2:
        raise UserError(
            f"a has {len(first)} values and b {len(second)}, in welch_t; give two or more of each"
        )
    parts = [arm.var(ddof=1) / len(arm) for arm in (first, second)]
    error = math.sqrt(sum(parts))
    spread = sum(part**2 / (len(arm) - 1) for part, arm in zip(parts, (first, second), strict=True))
    df = sum(parts) ** 2 / spread if spread else len(first) + len(second) - 2
    mean = float(first.mean() - second.mean())
    return _by_t(mean, error, df, len(first) + len(second), null, alternative, confidence)


def welch_statistic(
    means: tuple[ArrayLike, ArrayLike],
    variances: tuple[ArrayLike, ArrayLike],
    counts: tuple[ArrayLike, ArrayLike],
) -> tuple[Array, Array]:
    """Return Welch's t of the first mean minus the second, and its degrees of freedom.

    From what a paper prints of each arm, or of many studies at once: the arguments broadcast.

    Args:
        means: of both arms.
        variances: of both arms, with ``n - 1`` in the denominator.
        counts: units of both arms, two or more.

    Returns:
        t and Satterthwaite's degrees of freedom; both nan where neither arm varies.
    """
    (a, b), (v, w), (m, n) = (
        tuple(np.asarray(one, dtype=np.float64) for one in pair)
        for pair in (means, variances, counts)
    )
    first, second = v / m, w / n
    with np.errstate(divide="ignore", invalid="ignore"):
        varies = first + second > 0
        t = np.where(varies, (a - b) / np.sqrt(first + second), np.nan)
        spread = first**2 / (m - 1) + second**2 / (n - 1)
        df = np.where(varies, (first + second) ** 2 / spread, np.nan)
    return t, df


def no_worse(differences: ArrayLike, margin: float, *, confidence: float = 0.9) -> Inference:
    """Test that the mean difference is above ``-margin``: "no worse than, by the margin".

    Args:
        differences: one for each seed, ``[n]``, with higher values for better.
        margin: the loss that would not matter, above 0.
        confidence: of the interval.

    Raises:
        UserError: the margin is not above 0.
    """
    _check_margin(margin)
    return paired_t(differences, null=-margin, alternative="greater", confidence=confidence)


def equivalent(differences: ArrayLike, margin: float, *, confidence: float = 0.9) -> Inference:
    """Test that the mean difference is within ``margin`` of 0: two one-sided tests.

    The p-value is the larger of the two (Schuirmann 1987). It is below 0.05 exactly where the 90%
    interval lies within the margin. A difference that is merely not significant is no evidence of
    equality; this is.

    Args:
        differences: one for each seed, ``[n]``.
        margin: the difference that would not matter, above 0.
        confidence: of the interval.

    Raises:
        UserError: the margin is not above 0.
    """
    _check_margin(margin)
    above = paired_t(differences, null=-margin, alternative="greater", confidence=confidence)
    below = paired_t(differences, null=margin, alternative="less", confidence=confidence)
    return max(above, below, key=lambda side: side.p)


def _check_margin(margin: float) -> None:
    if not margin > 0:
        raise UserError(f"margin is {margin}; give the difference that would not matter, above 0")


def _by_t(
    effect: float,
    error: float,
    df: float,
    n: int,
    null: float,
    alternative: Alternative,
    confidence: float,
) -> Inference:
    """Return the inference for an estimate with a standard error and degrees of freedom."""
    from scipy import special

    if math.isnan(error):
        interval, p = (math.nan, math.nan), math.nan
    else:
        half = float(special.stdtrit(df, (1 + confidence) / 2)) * error
        interval = (effect - half, effect + half)
        t = (effect - null) / error if error else math.copysign(math.inf, effect - null)
        if effect == null:
            t = 0.0
        tail = float(special.stdtr(df, -abs(t)))
        one_sided = tail if (t > 0) == (alternative != "less") else 1 - tail
        p = 2 * tail if alternative == "two-sided" else one_sided
    return Inference(effect, interval, confidence, p, n, null, alternative)
