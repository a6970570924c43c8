"""Uncertainty of the parameters of a fit: standard errors and intervals.

Shapes: n points, P parameters, m predictions, R simulated data sets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

import numpy as np

from lit_research.errors import UserError
from lit_research.laws.base import Array
from lit_research.laws.objective import Objective, minimise
from lit_research.laws.points import Points
from lit_research.laws.profile import parameter_ends, prediction_ends

IntervalMethod: TypeAlias = Literal["auto", "profile", "parametric_bootstrap", "case_bootstrap"]
FEWEST_CASES = 15
"""Number of points below which a bootstrap of them says little about their spread."""


@dataclass(frozen=True)
class Best:
    """The best fit of an objective: coordinates ``[P]`` and cost."""

    objective: Objective
    coords: Array
    cost: float

    @property
    def exact(self) -> bool:
        """Whether the law passes through all points to ten digits, so that no noise is left."""
        value = self.objective.residuals(self.coords[None])[0]
        scale = np.abs(self.objective.y).max() if self.objective.method == "ls" else 1.0
        return bool(np.abs(value).max() <= 1e-10 * scale)


class Intervals(Protocol):
    """An interval method: its name, and its ends in the coordinates of the fit."""

    @property
    def method(self) -> str:
        """Name of the method."""
        ...

    @property
    def level(self) -> float:
        """Confidence level."""
        ...

    def parameters(self) -> Array:
        """Ends ``[P, 2]`` of the interval of every coordinate."""
        ...

    def predictions(self, x: Mapping[str, Array]) -> Array:
        """Ends ``[m, 2]`` of the interval of the law's value at ``x``."""
        ...


@dataclass(frozen=True)
class Profile:
    """Intervals by profile: ``rise [P]`` is what the cost may rise above the best."""

    level: float
    best: Best
    rise: Array
    method: str = "profile"

    def parameters(self) -> Array:
        """See :class:`Intervals`."""
        best = self.best
        if not self.rise.any():
            return np.stack([best.coords, best.coords], axis=-1)
        return parameter_ends(best.objective, best.coords, best.cost, self.rise)

    def predictions(self, x: Mapping[str, Array]) -> Array:
        """See :class:`Intervals`; where the levels differ between parameters, by the largest."""
        best = self.best
        if not self.rise.any():
            value, _ = best.objective.law.evaluate(x, best.objective.theta(best.coords))
            return np.stack([value, value], axis=-1)
        return prediction_ends(best.objective, best.coords, best.cost, float(np.max(self.rise)), x)


@dataclass(frozen=True)
class Bootstrap:
    """Intervals by the percentiles of refits, whose coordinates are ``draws [R, P]``."""

    level: float
    method: str
    objective: Objective
    draws: Array

    def parameters(self) -> Array:
        """See :class:`Intervals`."""
        return self._central(self.draws)

    def predictions(self, x: Mapping[str, Array]) -> Array:
        """See :class:`Intervals`."""
        value, _ = self.objective.law.evaluate(x, self.objective.theta(self.draws))
        return self._central(value)

    def _central(self, values: Array) -> Array:
        tail = 0.5 * (1.0 - self.level)
        return np.quantile(values, [tail, 1.0 - tail], axis=0).T


def find_intervals(
    best: Best, points: Points, method: IntervalMethod, level: float, n_boot: int, seed: int
) -> Intervals | None:
    """The requested intervals, or None without a degree of freedom to estimate the noise from.

    Raises:
        UserError: a bootstrap that the points do not support.
    """
    if method == "parametric_bootstrap":
        if points.noise is None:
            raise UserError(
                "interval_method is 'parametric_bootstrap' without noise, in fit, and it simulates "
                "points with their known s.d.; give noise, or use 'profile'"
            )
        samples = simulate(best.objective, best.coords, points.noise, n_boot, seed)
        return _bootstrap(best, samples, method, level, n_boot)
    if method == "case_bootstrap":
        if len(points) < FEWEST_CASES:
            raise UserError(
                f"interval_method is 'case_bootstrap' with {len(points)} points, in fit, and "
                f"resampling fewer than {FEWEST_CASES} says little about them; use 'profile', or "
                "'parametric_bootstrap' with the noise"
            )
        samples = resample(best.objective, n_boot, seed)
        return _bootstrap(best, samples, method, level, n_boot)
    if points.noise is None and len(points) == best.coords.size:
        return None
    return Profile(level, best, _rise(best, points, level, n_boot, seed))


def _bootstrap(
    best: Best, samples: Objective, method: IntervalMethod, level: float, n_boot: int
) -> Bootstrap:
    draws = refit(samples, best.coords, n_boot)
    return Bootstrap(level, method, best.objective, draws)


def _rise(best: Best, points: Points, level: float, n_boot: int, seed: int) -> Array:
    """The rise of the cost below which a true parameter stays with probability ``level``."""
    P = best.coords.size
    degrees = len(points) - P
    if points.noise is None and best.exact:
        return np.zeros(P)
    if best.objective.method == "ls":
        from scipy import stats

        if points.noise is not None:
            return np.full(P, 0.5 * stats.chi2.ppf(level, 1))
        return np.full(P, best.cost * stats.f.ppf(level, 1, degrees) / degrees)
    noise, lowest = points.noise, None
    if noise is None:
        residuals, _ = best.objective.residuals(best.coords[None])
        spread = np.sqrt(np.sum(residuals**2) / degrees)
        noise, lowest = points.y * spread, best.cost
    samples = simulate(best.objective, best.coords, noise, n_boot, seed)
    return huber_rise(samples, best.coords, n_boot, level, lowest)


LOOSE = 1e-8
"""Tolerance of refits: errors are a ten-thousandth of the spread of the estimates."""


def simulate(objective: Objective, best: Array, noise: Array, count: int, seed: int) -> Objective:
    """``count`` data sets drawn from the fit ``best [P]`` with noise of s.d. ``noise [n]``.

    For ``huber_log`` the noise is applied to the logarithm of the law, so that no simulated loss
    is negative.
    """
    value, _ = objective.law.evaluate(objective.x, objective.theta(best))
    drawn = noise * np.random.default_rng(seed).standard_normal((count, value.size))
    if objective.method == "ls":
        return replace(objective, y=value + drawn)
    return replace(objective, y=value * np.exp(drawn / value))


def resample(objective: Objective, count: int, seed: int) -> Objective:
    """``count`` data sets drawn with replacement from the points, as counts in the weights."""
    n = objective.y.shape[-1]
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=count)
    return replace(objective, weight=objective.weight * counts)


def refit(samples: Objective, best: Array, count: int) -> Array:
    """Coordinates ``[count, P]`` of the fits to simulated data sets, searched from ``best``."""
    start = np.tile(best, (count, 1))
    coords, _ = minimise(samples, start, tolerance=LOOSE, max_steps=100)
    return coords


def huber_rise(
    samples: Objective, best: Array, count: int, level: float, lowest: float | None
) -> Array:
    """Rise ``[P]`` of the Huber cost below which a true value stays with probability ``level``.

    Huber's cost is not a likelihood, so that this number is simulated: each simulated data set is
    fitted with all parameters free and with one held at its true value, and the result is the
    quantile of the difference. With unknown noise (``lowest`` is the cost of the fit, not None) the
    difference is in units of the free fit's cost, which hardly depends on the noise, as in an
    F-test.
    """
    P = best.size
    start = np.tile(best, (count, 1))
    _, free_cost = minimise(samples, start, tolerance=LOOSE, max_steps=60)
    rise = np.empty(P)
    for k in range(P):
        free = np.ones((count, P), dtype=bool)
        free[:, k] = False
        _, held_cost = minimise(samples, start, free=free, tolerance=LOOSE, max_steps=60)
        gain = np.maximum(held_cost - free_cost, 0.0)
        if lowest is None:
            rise[k] = np.quantile(gain, level)
        else:
            rise[k] = lowest * np.quantile(gain / np.maximum(free_cost, 1e-300), level)
    return rise


def standard_errors(best: Best, points: Points) -> Array:
    """Return the standard error ``[P]`` of each free parameter, in the parameter itself.

    They are local: from the gradient of the law at the best fit, as for a linear one. Profiles,
    which take its curvature into account, are wider where the points say little.

    ``ls``: ``s^2 (J' W J)^-1`` with the noise given, else with ``s^2`` from the residuals.
    ``huber_log``: that of an M-estimator, ``mean(psi^2) / mean(psi')^2 (J' J)^-1``. Where most
    residuals lie beyond Huber's delta, ``psi'`` is counted within a wider band (Silverman's), since
    few points lie within delta itself.

    They are nan without a degree of freedom, or where the points do not determine the parameter.
    """
    objective = best.objective
    r, J = (array[0] for array in objective.residuals(best.coords[None]))
    n, P = J.shape
    if objective.method == "ls" and points.noise is not None:
        J, scale = J / points.noise[:, None], 1.0
    elif n == P:
        return np.full(P, np.nan)
    elif objective.method == "ls":
        scale = float(np.sum(r * r)) / (n - P)
    else:
        scale = _huber_scale(r, objective.delta) * n / (n - P)
    with np.errstate(invalid="ignore", divide="ignore"):
        try:
            variance = scale * np.diagonal(np.linalg.inv(J.T @ J))
        except np.linalg.LinAlgError:
            return np.full(P, np.nan)
        in_coords = np.sqrt(np.where(variance >= 0, variance, np.nan))
    theta = objective.theta(best.coords)
    is_log = np.array([p.log for p in objective.law.parameters])
    return np.asarray(np.where(is_log, theta, 1.0) * in_coords)


def _huber_scale(r: Array, delta: float) -> float:
    psi = np.clip(r, -delta, delta)
    low, high = np.quantile(r, [0.25, 0.75])
    spread = min(float(np.std(r)), float(high - low) / 1.349) or float(np.std(r))
    band = max(delta, 1.06 * spread * len(r) ** -0.2)
    slope = min(1.0, delta / band) * float(np.mean(np.abs(r) <= band))
    return float(np.mean(psi * psi)) / slope**2 if slope else float("nan")
