"""``Inference``: an effect with its interval and its p-value, as every test returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
"""What the effect is if it is not the null's: other than it, greater, or less."""

Array: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"


@dataclass(frozen=True)
class Inference:
    """What the data say of an effect.

    Attributes:
        effect: its estimate, in the unit of the data.
        interval: low and high end of its interval; always two-sided, nan where there is none.
        confidence: of the interval, a share of 1.
        p: probability of data as extreme if the effect were ``null``; nan where there is too little
            to tell.
        n: independent units behind it.
        null: the effect that is tested against.
        alternative: the direction of the test.
    """

    effect: float
    interval: tuple[float, float]
    confidence: float
    p: float
    n: int
    null: float = 0.0
    alternative: Alternative = "two-sided"

    def __str__(self) -> str:
        low, high = self.interval
        sign = {"two-sided": "!=", "greater": ">", "less": "<"}[self.alternative]
        return (
            f"{self.effect:.4g}, {self.confidence:.0%} interval [{low:.4g}, {high:.4g}], "
            f"p = {self.p:.3g} for {sign} {self.null:g}, n = {self.n}"
        )


def sample(name: str, values: ArrayLike) -> Array:
    """Return values as an array ``[n]`` of float64.

    Raises:
        UserError: they are not a list of finite numbers.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise UserError(
            f"{name} has the shape {list(array.shape)} and {int((~np.isfinite(array)).sum())} "
            "values that are not finite; give a list of finite numbers, one for each unit"
        )
    return array


def check_share(name: str, value: float) -> None:
    """Refuse a confidence, a power or a level that is not between 0 and 1.

    Raises:
        UserError: it is not.
    """
    if not 0 < value < 1:
        raise UserError(f"{name} is {value}; give a share above 0 and below 1")


def check_alternative(alternative: str) -> None:
    """Refuse an unknown direction.

    Raises:
        UserError: it is unknown.
    """
    if alternative not in ("two-sided", "greater", "less"):
        raise UserError(f"alternative is {alternative!r}; give two-sided, greater or less")
