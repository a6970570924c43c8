"""A law with values for its parameters: ``Curve``, and ``Fit``, the result of ``fit``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.errors import UserError
from lit_research.laws import report
from lit_research.laws.base import Array, Law
from lit_research.laws.objective import Method
from lit_research.laws.points import Points, Values, as_columns, as_known
from lit_research.laws.uncertainty import Intervals

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Curve:
    """A law with values of its parameters, such as published ones.

    Example::

        Curve(PowerLaw(), {"E": 1.89, "A": 1.30, "alpha": 0.23}).predict(0.2097152)

    Raises:
        UserError: ``params`` does not hold exactly the law's parameters.
    """

    law: Law
    params: Mapping[str, float]

    def __post_init__(self) -> None:
        if set(self.params) != set(self.law.names):
            raise UserError(
                f"params are {sorted(self.params)}, in Curve of {type(self.law).__name__}; must be "
                f"a value for each of {list(self.law.names)}"
            )

    @property
    def theta(self) -> Array:
        """The parameters ``[P]`` in the law's order."""
        return np.array([self.params[name] for name in self.law.names], dtype=float)

    def predict(self, x: Values | Mapping[str, Values]) -> Array:
        """The law's value at ``x``: a number, an array, or one of them for every variable."""
        columns = as_columns(self.law, x)
        flat = {name: column.reshape(-1) for name, column in columns.items()}
        # A parameter on its bound is exactly 0, whose logarithm drops its term as it should.
        with np.errstate(divide="ignore", invalid="ignore"):
            value, _ = self.law.evaluate(flat, self.theta)
        return value.reshape(next(iter(columns.values())).shape)[()]

    def invert(self, y: Values, **known: Values) -> Array:
        """Where the law takes the value ``y``: the one variable that is not in ``known``.

        Raises:
            UserError: the law takes no such value there, or has no inverse in that variable.
        """
        target, given = as_known(y, known)
        params = {name: np.float64(value) for name, value in self.params.items()}
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            inverse = np.asarray(self.law.invert(target, params, given))
        if not np.all(np.isfinite(inverse)):
            raise UserError(
                f"{np.asarray(y).tolist()} is not reached at any finite scale by "
                f"{type(self.law).__name__} with {dict(self.params)}; give a larger loss"
            )
        return inverse[()]

    @property
    def asymptote(self) -> float:
        """The value at infinite scale."""
        return float(self.params[self.law.limit])


@dataclass(frozen=True)
class Fit:
    """A fitted law, its intervals, and what is wrong with it.

    ``doubts`` are reasons not to trust the fit beyond its points (a parameter on its bound, a
    direction that the points do not determine, no degree of freedom): with any of them, every
    extrapolation is refused. ``warnings`` holds these and milder remarks. ``fixed`` are the known
    parameters; ``standard_errors`` those of the others, local (see
    ``uncertainty.standard_errors``), 0 where fixed and nan where the points do not determine the
    parameter.
    """

    curve: Curve
    points: Points
    method: Method
    doubts: tuple[str, ...]
    warnings: tuple[str, ...]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    inference: Intervals | None = None
    fixed: Mapping[str, float] = field(default_factory=dict)
    standard_errors: Mapping[str, float] = field(default_factory=dict)

    @property
    def law(self) -> Law:
        """The law that was fitted."""
        return self.curve.law

    @property
    def params(self) -> dict[str, float]:
        """The fitted parameters by name, even if the fit has doubts."""
        return dict(self.curve.params)

    def interval(self, name: str) -> tuple[float, float]:
        """Lower and upper end of a parameter's interval; the bound (0.0, inf) where it reaches it.

        Raises:
            UserError: no such parameter, or the fit has no intervals.
        """
        if name not in self.law.names:
            raise UserError(
                f"{type(self.law).__name__} has no parameter {name!r}; "
                f"must be one of {list(self.law.names)}"
            )
        self._require_inference()
        return self.intervals[name]

    def predict(self, x: Values | Mapping[str, Values], *, extrapolate: bool = False) -> Array:
        """The law's value at ``x``.

        Raises:
            UserError: ``x`` is outside the range of the points, the fit has doubts, and
                ``extrapolate`` is false.
        """
        self._guard(as_columns(self.law, x), extrapolate)
        return self.curve.predict(x)

    def predict_interval(
        self, x: Values | Mapping[str, Values], *, extrapolate: bool = False
    ) -> tuple[Array, Array]:
        """Lower and upper ends of the interval of the law's value at ``x`` (not of a new run's).

        Raises:
            UserError: as :meth:`predict`, or the fit has no intervals.
        """
        columns = as_columns(self.law, x)
        self._guard(columns, extrapolate)
        shape = next(iter(columns.values())).shape
        flat = {name: column.reshape(-1) for name, column in columns.items()}
        ends = self._require_inference().predictions(flat)
        return ends[:, 0].reshape(shape)[()], ends[:, 1].reshape(shape)[()]

    def invert(self, y: Values, *, extrapolate: bool = False, **known: Values) -> Array:
        """Where the law takes the value ``y``: the one variable that is not in ``known``.

        Raises:
            UserError: the law never takes the value; or the answer is outside the range of the
                points, the fit has doubts, and ``extrapolate`` is false.
        """
        inverse = self.curve.invert(y, **known)
        given = {name: np.asarray(value, dtype=float) for name, value in known.items()}
        self._guard({**given, self.law.unknown(given): inverse}, extrapolate)
        return inverse

    @property
    def asymptote(self) -> float:
        """The law's value at infinite scale.

        Raises:
            UserError: the fit has doubts; ``params`` still holds the number.
        """
        self._refuse(f"asymptote {self.law.limit}={self.curve.asymptote:.6g}", "read params")
        return self.curve.asymptote

    @property
    def asymptote_interval(self) -> tuple[float, float]:
        """Interval of :attr:`asymptote`; also refused if the fit has doubts."""
        self._refuse(f"interval of the asymptote {self.law.limit}", "call interval()")
        return self.interval(self.law.limit)

    @cached_property
    def residuals(self) -> Array:
        """``y - law`` at the points ``[n]``."""
        return np.asarray(self.points.y - self.curve.predict(self.points.x))

    @property
    def r2(self) -> float:
        """Share of the variance of ``y`` that the law explains; nan for constant ``y``."""
        total = float(np.sum((self.points.y - self.points.y.mean()) ** 2))
        return 1.0 - float(np.sum(self.residuals**2)) / total if total > 0 else float("nan")

    @property
    def degrees_of_freedom(self) -> int:
        """Number of points minus number of fitted parameters."""
        return len(self.points) - len(self.law.parameters) + len(self.fixed)

    @property
    def residual_sd(self) -> float:
        """Root of the sum of squared residuals over the degrees of freedom; nan without any."""
        degrees = self.degrees_of_freedom
        return float(np.sqrt(np.sum(self.residuals**2) / degrees)) if degrees else float("nan")

    def report(self) -> str:
        """A plain-text table: parameters with intervals, points with residuals, warnings."""
        return report.report(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; infinite ends of intervals and missing numbers are None."""
        return report.to_dict(self)

    def figure(self) -> "Figure":
        """Points, law with its band, asymptote, residuals; y by fitted y for several variables."""
        return report.figure(self)

    def _require_inference(self) -> Intervals:
        if self.inference is None:
            raise UserError(
                f"this fit of {type(self.law).__name__} to {len(self.points)} points has no "
                "intervals, which were switched off or need a degree of freedom; give an interval "
                "method, and noise or more points, to fit"
            )
        return self.inference

    def _guard(self, x: Mapping[str, Array], extrapolate: bool) -> None:
        """Refuse positions outside the points' range when the fit has doubts."""
        if extrapolate:
            return
        for name, column in x.items():
            seen = self.points.x[name]
            slack = 1e-9 * seen.max()
            outside = (column < seen.min() - slack) | (column > seen.max() + slack)
            if np.any(outside):
                position = np.asarray(column)[outside].flat[0]
                self._refuse(
                    f"{name}={position:.6g} is outside the points ({seen.min():.6g} to "
                    f"{seen.max():.6g})",
                    "pass extrapolate=True",
                )

    def _refuse(self, what: str, override: str) -> None:
        if self.doubts:
            raise UserError(
                f"{what}, refused because {', and '.join(self.doubts)}; give more points over a "
                f"wider range, or {override} to get it nevertheless"
            )
