"""``Law``: named parameters, a formula with its gradient, and starting points for a fit."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lit_research.errors import UserError

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Index: TypeAlias = NDArray[np.intp]

# A parameter that is searched on a log scale cannot be 0 or infinite: these stand for the two.
TINY, HUGE = 1e-300, 1e300


@dataclass(frozen=True)
class Parameter:
    """One parameter of a law.

    ``low`` and ``high`` bound it; with ``log`` the fit searches its logarithm, so that it stays
    positive and may span orders of magnitude. Such a parameter counts as infinite at ``horizon``.
    """

    name: str
    low: float = 0.0
    high: float = math.inf
    log: bool = False
    horizon: float = HUGE

    @property
    def box(self) -> tuple[float, float]:
        """Bounds in the coordinate that the fit searches (the logarithm when ``log``)."""
        if not self.log:
            return self.low, self.high
        return math.log(max(self.low, TINY)), math.log(min(self.high, self.horizon))


class Law(ABC):
    """A loss (or score) as a function of scale: a formula, without values for its parameters.

    A law is immutable and cheap. :func:`lit_research.laws.fit` finds its parameters;
    :class:`lit_research.laws.Curve` is a law with known ones. A subclass states the four class
    attributes and implements :meth:`evaluate` and :meth:`starts`; :meth:`invert` where the law is
    monotone.
    """

    formula: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    variables: ClassVar[tuple[str, ...]]
    limit: ClassVar[str]
    """Name of the parameter that is the value at infinite scale."""
    least: ClassVar[Mapping[str, float]] = {}
    """Smallest allowed value of a variable, if larger than 0."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of ``theta``."""
        return tuple(p.name for p in self.parameters)

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """Lower and upper bound of every parameter."""
        return {p.name: (p.low, p.high) for p in self.parameters}

    @abstractmethod
    def evaluate(self, x: Mapping[str, Array], theta: Array) -> tuple[Array, Array]:
        """Value ``[..., n]`` and gradient ``[..., n, P]`` with respect to the parameters.

        ``x`` holds an array ``[n]`` (or ``[..., n]``) for every variable, ``theta`` is
        ``[..., P]`` in the order of :attr:`names`; leading dimensions are a batch.
        """

    @abstractmethod
    def starts(self, x: Mapping[str, Array], y: Array) -> Array:
        """Parameters ``[S, P]`` from which a fit to the points ``(x, y)`` may start."""

    def invert(self, y: Array, params: Mapping[str, float], known: Mapping[str, Array]) -> Array:
        """The one variable that is not in ``known``, where the law takes the value ``y``.

        Raises:
            UserError: the law takes no such value, or has no inverse in that variable.
        """
        raise UserError(
            f"{type(self).__name__} has no inverse for unknown {self.unknown(known)}, in invert; "
            "search over predict() instead"
        )

    def unknown(self, known: Mapping[str, Array]) -> str:
        """The one variable that is not in ``known``; :class:`UserError` unless exactly one is."""
        extra = sorted(set(known) - set(self.variables))
        missing = [name for name in self.variables if name not in known]
        if extra or len(missing) != 1:
            raise UserError(
                f"known variables are {sorted(known) or 'none'}, in invert of "
                f"{type(self).__name__}, which has {list(self.variables)}; give all of them but one"
            )
        return missing[0]


def above(y: Array, floor: Array | float, what: str) -> Array:
    """``y - floor``; refuse values that a falling law with that floor never takes."""
    if not np.all(y > floor):
        raise UserError(
            f"loss {float(np.min(y)):.6g} is never reached, since {what} is "
            f"{float(np.max(floor)):.6g}; give a larger loss"
        )
    return np.asarray(y - floor)


def positive_coefficients(columns: Array, y: Array) -> Array:
    """Coefficients ``[S, M]`` of least squares of ``y [n]`` on ``columns [S, n, M]``, positive.

    As in variable projection: laws are linear in most of their parameters once the exponents are
    given. Negative coefficients are replaced by a hundredth of the column's natural size, from
    where the search continues.
    """
    size = np.maximum(np.linalg.norm(columns, axis=-2), TINY)
    solution = (np.linalg.pinv(columns / size[:, None, :]) @ y[:, None])[..., 0]
    floor = 0.01 * np.linalg.norm(y)
    return np.where(solution > 0, solution, floor) / size


class PartlyFixed(Law):
    """A law with fixed values for some of its parameters; the others are its parameters.

    Args:
        law: the full law.
        fixed: a value for each known parameter.

    Raises:
        UserError: the law has no such parameter, the value is out of its bounds, or no parameter is
            left to fit.
    """

    def __init__(self, law: Law, fixed: Mapping[str, float]) -> None:
        self.law = law
        for name, value in fixed.items():
            if name not in law.names:
                raise UserError(
                    f"fixed holds {name!r}, in fit of {type(law).__name__}; must be one of "
                    f"{list(law.names)}"
                )
            low, high = law.bounds[name]
            if not low <= value <= high or not np.isfinite(value):
                raise UserError(
                    f"fixed holds {name}={value}, in fit; must be from {low:g} to {high:g}"
                )
        self._free: Mask = np.array([name not in fixed for name in law.names])
        if not self._free.any():
            raise UserError(
                f"fixed holds every parameter of {type(law).__name__}, in fit; must leave one to "
                "fit"
            )
        self._known = np.array([fixed.get(name, 0.0) for name in law.names], dtype=float)
        # The class attributes of a law, which here depend on the fixed parameters.
        self.formula = law.formula  # type: ignore[misc]
        self.parameters = tuple(p for p in law.parameters if p.name not in fixed)  # type: ignore[misc]
        self.variables, self.limit = law.variables, law.limit  # type: ignore[misc]
        self.least = law.least  # type: ignore[misc]

    def evaluate(self, x: Mapping[str, Array], theta: Array) -> tuple[Array, Array]:
        """See :meth:`Law.evaluate`; ``theta`` holds only the free parameters."""
        all_parameters = np.broadcast_to(self._known, (*theta.shape[:-1], len(self._known))).copy()
        all_parameters[..., self._free] = theta
        value, gradient = self.law.evaluate(x, all_parameters)
        return value, gradient[..., self._free]

    def starts(self, x: Mapping[str, Array], y: Array) -> Array:
        """The starts of the full law, restricted to the free parameters."""
        return np.unique(self.law.starts(x, y)[:, self._free], axis=0)
