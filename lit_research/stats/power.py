"""How many seeds a comparison needs: the power of the paired t-test (non-central t)."""

from __future__ import annotations

import math

import numpy as np

from lit_research.errors import UserError
from lit_research.ranges import check_range
from lit_research.stats.result import LEVEL, Alternative, check_alternative


def t_power(
    effect: float,
    sd: float,
    n: int,
    *,
    alpha: float = 0.05,
    alternative: Alternative = "greater",
) -> float:
    """Return the probability that ``paired_t`` finds an effect.

    Args:
        effect: true mean of the differences minus the null's, in the unit of ``sd``.
        sd: true standard deviation of the differences over seeds.
        n: number of seeds, 2 or more.
        alpha: level of the test.
        alternative: its direction.

    Raises:
        UserError: a value is out of range.
    """
    from scipy import special

    check_alternative(alternative)
    check_range(LEVEL, "in stats", alpha=alpha)
    if n < 2 or not sd > 0:
        raise UserError(f"n is {n} and sd {sd}, in t_power; give 2 or more, and a number above 0")
    df, shift = n - 1, effect / sd * math.sqrt(n)
    if alternative == "two-sided":
        critical = -float(special.stdtrit(df, alpha / 2))
        return _beyond(critical, df, shift) + _beyond(critical, df, -shift)
    critical = -float(special.stdtrit(df, alpha))
    return _beyond(critical, df, shift if alternative == "greater" else -shift)


def _beyond(critical: float, df: int, shift: float) -> float:
    """Return the probability that a non-central t is above ``critical``."""
    from scipy import stats

    with np.errstate(all="ignore"):
        chance = float(stats.nct.sf(critical, df, shift))
    if math.isnan(chance):  # scipy's, where it is 0 or 1 to the last digit
        return float(shift > critical)
    return chance


def seeds_needed(
    effect: float,
    sd: float,
    *,
    power: float = 0.9,
    alpha: float = 0.05,
    alternative: Alternative = "greater",
    most: int = 10_000,
) -> int:
    """Return the smallest number of seeds with which ``paired_t`` has a power.

    Args:
        effect: as for ``t_power``; its sign is that of the alternative.
        sd: as for ``t_power``, from a pilot whose seeds are not used again.
        power: to reach.
        alpha: level of the test; with k claims and Holm's correction, take alpha / k.
        alternative: its direction.
        most: seeds that are thinkable.

    Raises:
        UserError: even ``most`` seeds do not reach it.
    """
    check_range(LEVEL, "in stats", power=power)

    def reaches(n: int) -> bool:
        return t_power(effect, sd, n, alpha=alpha, alternative=alternative) >= power

    if not reaches(most):
        raise UserError(
            f"{most} seeds do not find an effect of {effect:g} with sd {sd:g} and power "
            f"{power:g}, in seeds_needed; give a larger effect of interest, of the sign of the "
            f"alternative ({alternative})"
        )
    low, high = 1, most  # the power rises with n, so the first that reaches it lies between
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def smallest_effect(
    n: int, *, power: float = 0.9, alpha: float = 0.05, alternative: Alternative = "greater"
) -> float:
    """Return the smallest effect that ``n`` seeds find with a power, in standard deviations.

    With three seeds and the defaults it is 2.8: what three seeds do not find may still be large.

    Args:
        n: number of seeds, 2 or more.
        power: to reach.
        alpha: level of the test.
        alternative: its direction; the effect returned is above 0.

    Raises:
        UserError: a value is out of range.
    """
    from scipy.optimize import brentq

    check_range(LEVEL, "in stats", power=power)
    side: Alternative = "two-sided" if alternative == "two-sided" else "greater"

    def missing(effect: float) -> float:
        return t_power(effect, 1.0, n, alpha=alpha, alternative=side) - power

    high = 1.0
    while missing(high) < 0:
        high *= 2
    return float(brentq(missing, 0.0, high)) if missing(0.0) < 0 else 0.0
