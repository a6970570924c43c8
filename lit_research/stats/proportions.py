"""Shares of yes-or-no outcomes: Wilson's interval, and McNemar's exact test of two models."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.ranges import NOT_NEGATIVE, SHARE, check_range
from lit_research.stats.result import LEVEL, Alternative, Inference, check_alternative


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share (Wilson 1927), which stays within 0 and 1.

    Its coverage is near the nominal one on average over shares, and above 0.83 everywhere for
    95% (it dips next to 0 and 1); the textbook interval falls to 0 there. Without outcomes it is
    [0, 1].

    Args:
        successes: outcomes that are a success.
        n: outcomes, independent of each other.
        confidence: of the interval.

    Raises:
        UserError: there are fewer outcomes than successes.
    """
    if not 0 <= successes <= n:
        raise UserError(f"successes is {successes} of n {n}, in wilson; give 0 to n")
    return wilson_of_share(successes / n if n else 0.5, n, confidence=confidence)


def wilson_of_share(share: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share that has the variance of ``n`` independent outcomes.

    Outcomes that come in clusters, such as answers to one item, are worth fewer independent ones:
    ``n`` is then their effective number, which need not be whole.

    Args:
        share: of successes.
        n: independent outcomes, or what others are worth.
        confidence: of the interval.

    Raises:
        UserError: the share is not from 0 to 1, or ``n`` is negative.
    """
    from scipy import special

    check_range(LEVEL, "in stats", confidence=confidence)
    check_range(SHARE, "in wilson_of_share", share=share)
    check_range(NOT_NEGATIVE, "in wilson_of_share", n=n)
    z = float(special.ndtri((1 + confidence) / 2))
    center = (share * n + z**2 / 2) / (n + z**2)
    half = z * math.sqrt(share * (1 - share) * n + z**2 / 4) / (n + z**2)
    return max(0.0, center - half), min(1.0, center + half)


def mcnemar(
    first: ArrayLike,
    second: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    confidence: float = 0.9,
) -> Inference:
    """Test whether the first of two models is right more often on the same items.

    The exact test on the items of which one model is right and the other wrong (a binomial with
    share 1/2), so its size is at most the nominal one. It speaks of these two models: whether
    training again would give the same difference, only seeds can tell. The interval is that of
    Bonett and Price (2012).

    Args:
        first: whether the first model is right, one for each item, ``[n]``.
        second: the same for the second, in the same order.
        alternative: direction of the share of the first minus that of the second.
        confidence: of the interval.

    Raises:
        UserError: the lists are empty or of different length, or hold more than right and wrong.
    """
    from scipy import special, stats

    check_alternative(alternative)
    check_range(LEVEL, "in stats", confidence=confidence)
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise UserError(
            f"first has the shape {list(a.shape)} and second {list(b.shape)}, in mcnemar; give one "
            "right or wrong for each item, of the same items"
        )
    if not np.isin(np.concatenate([a, b]), (0, 1)).all():
        raise UserError("first or second holds other values than 0 and 1, in mcnemar; give these")
    n, wins, losses = len(a), int((a > b).sum()), int((a < b).sum())
    test = stats.binomtest(wins, wins + losses, 0.5, alternative) if wins + losses else None
    up, down = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    half = float(special.ndtri((1 + confidence) / 2))
    half *= math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    interval = (max(-1.0, up - down - half), min(1.0, up - down + half))
    p = float(test.pvalue) if test else 1.0
    return Inference((wins - losses) / n, interval, confidence, p, n, 0.0, alternative)
