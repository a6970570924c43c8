"""Rank correlations with an interval."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.ranges import Range, check_range
from lit_research.stats.result import LEVEL, Alternative, Inference, check_alternative, sample


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
    check_range(LEVEL, "in stats", confidence=confidence)
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


def kendall(
    scores: ArrayLike,
    others: ArrayLike,
    *,
    confidence: float = 0.9,
    resamples: int = 2_000,
    seed: int = 0,
) -> Inference:
    """Return Kendall's tau (tau-b) of two orders of the same arms, each by their means over seeds.

    The interval is that of a bootstrap in which the seeds of both tables are drawn anew, with
    percentiles expanded for the few seeds (Hesterberg 2015). It says how far tau moves with the
    seeds; the arms are these ones, not a sample of others. No tau is above 1: where arms are well
    apart the interval is 1 to 1. A resample in which all arms have one mean counts as 0. The
    p-value is scipy's, of no association, with the arms as units.

    Args:
        scores: one for each seed and arm, ``[S, A]``; two seeds and three arms or more.
        others: of other seeds, or other scores, of the same arms, ``[T, A]``.
        confidence: of the interval.
        resamples: draws of the seeds.
        seed: of the draws.

    Raises:
        UserError: the tables do not fit each other or are too small, or all arms of one have the
            same mean.
    """
    from scipy import special, stats

    check_range(LEVEL, "in stats", confidence=confidence)
    check_range(Range(at_least=99), "in kendall", resamples=resamples)
    tables = [np.asarray(one, dtype=np.float64) for one in (scores, others)]
    shapes = [list(one.shape) for one in tables]
    if (
        any(one.ndim != 2 or len(one) < 2 or not np.isfinite(one).all() for one in tables)
        or shapes[0][1] != shapes[1][1]
        or shapes[0][1] < 3
    ):
        raise UserError(
            f"scores has the shape {shapes[0]} and others {shapes[1]}, in kendall; give finite "
            "numbers of two seeds or more each, for the same three arms or more"
        )
    for name, table in zip(("scores", "others"), tables, strict=True):
        if np.ptp(table.mean(axis=0)) == 0:
            raise UserError(
                f"{name} has the same mean for all arms, in kendall; they have no order"
            )
    orders = [table.mean(axis=0) for table in tables]
    tau, p = float(_taus(*(order[None] for order in orders))[0]), stats.kendalltau(*orders).pvalue
    rng = np.random.default_rng(seed)
    means = [_resampled(table, resamples, rng) for table in tables]
    taus = _taus(*means)
    n = min(map(len, tables))
    t = float(special.stdtrit(n - 1, (1 + confidence) / 2))
    tail = float(special.ndtr(-t * math.sqrt(n / (n - 1))))
    low, high = np.quantile(taus, [tail, 1 - tail])
    interval = (float(low), float(high))
    return Inference(tau, interval, confidence, float(p), n, 0.0, "two-sided")


def _resampled(table: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return the means of the arms over seeds drawn anew, ``[resamples, A]``."""
    seeds = len(table)
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) @ table / seeds


def _taus(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return tau-b of each pair of rows, ``[R, A]`` each; 0 where a row has no order."""
    one, other = np.triu_indices(first.shape[1], k=1)
    signs_a, signs_b = (np.sign(x[:, one] - x[:, other]) for x in (first, second))
    untied = np.sqrt((signs_a**2).sum(axis=1) * (signs_b**2).sum(axis=1))
    agreeing = (signs_a * signs_b).sum(axis=1)
    return np.divide(agreeing, untied, out=np.zeros_like(untied), where=untied > 0)
