"""What is wrong with a fit, in words."""

from dataclasses import dataclass

import numpy as np

from lit_research.laws.base import Array, Parameter
from lit_research.laws.points import Points
from lit_research.laws.uncertainty import Best

SINGULAR = 1e-8
"""Directions in which the law changes less than this, relative to others, are undetermined."""

HARDLY = 30.0
"""A decay constant whose interval spans this factor is hardly identified."""


@dataclass(frozen=True)
class Diagnosis:
    """``doubts`` rule out extrapolation; ``warnings`` are all that a reader should know."""

    doubts: tuple[str, ...]
    warnings: tuple[str, ...]


def on_bounds(best: Best) -> dict[str, float]:
    """Parameters on a bound, and the bound.

    A parameter searched on a log scale never reaches 0; it counts as 0 once its term is negligible
    compared with the data.
    """
    objective = best.objective
    low, high = objective.box
    _, J = objective.residuals(best.coords[None])
    unit = np.abs(objective.y).max() if objective.method == "ls" else 1.0
    size = np.abs(J[0]).max(axis=0) / unit
    at_bound = {}
    for k, p in enumerate(objective.law.parameters):
        if best.coords[k] <= low[k] or (p.log and p.low == 0.0 and size[k] < 1e-9):
            at_bound[p.name] = p.low
        elif best.coords[k] >= high[k]:
            at_bound[p.name] = p.high
    return at_bound


def diagnose(best: Best, points: Points, bounds: dict[str, float]) -> Diagnosis:
    """Judge a fit: parameters on bounds, undetermined directions, degrees of freedom, noise."""
    law = best.objective.law
    doubts = [f"{name} is on its bound {bound:g}" for name, bound in bounds.items()]
    tied = _undetermined(best)
    if tied:
        doubts.append(f"the points do not determine {' and '.join(tied)} (singular Jacobian)")
    n, P = len(points), len(law.parameters)
    if n == P:
        doubts.append(
            f"too few points: {n} for {P} parameters, the law passes through all of them "
            "(0 degrees of freedom)"
        )
    warnings = list(doubts)
    if n == P + 1:
        warnings.append(
            f"1 degree of freedom: {n} points for {P} parameters; "
            "intervals rest on the law being exactly right"
        )
    warnings += _noise_warnings(best, points)
    return Diagnosis(tuple(doubts), tuple(warnings))


def interval_warnings(
    parameters: tuple[Parameter, ...],
    intervals: dict[str, tuple[float, float]],
    bounds: dict[str, float],
) -> list[str]:
    """Warnings of intervals that reach a bound (unless the parameter is on it) or span decades."""
    warnings = []
    for p in parameters:
        if p.name in bounds:
            continue
        for end, bound in zip(intervals[p.name], (p.low, p.high), strict=True):
            if end == bound:
                warnings.append(f"the interval of {p.name} runs to its bound {bound:g}")
        low, high = intervals[p.name]
        if p.name.startswith("R_") and high > HARDLY * low:
            warnings.append(
                f"{p.name} is hardly identified: its interval is {low:.3g} to {high:.3g}; give "
                "more passes, or fix the other parameters (fit_data_constrained)"
            )
    return warnings


def _undetermined(best: Best) -> list[str]:
    """Names of the parameters that can change, together or alone, without changing the law."""
    _, J = best.objective.residuals(best.coords[None])
    columns = J[0]
    size = np.linalg.norm(columns, axis=0)
    flat = size <= SINGULAR * size.max()
    unit = columns / np.where(flat, 1.0, size)
    unit[:, flat] = 0.0
    _, values, rows = np.linalg.svd(unit, full_matrices=True)
    padded = np.zeros(len(size))
    padded[: len(values)] = values
    moved: Array = np.abs(rows[padded <= SINGULAR * padded[0]]).max(axis=0, initial=0.0)
    return [
        name for name, share in zip(best.objective.law.names, moved, strict=True) if share > 0.1
    ]


def _noise_warnings(best: Best, points: Points) -> list[str]:
    degrees = len(points) - best.coords.size
    if points.noise is None or degrees == 0:
        return []
    from scipy import stats

    value, _ = best.objective.law.evaluate(points.x, best.objective.theta(best.coords))
    chi2 = float(np.sum(((value - points.y) / points.noise) ** 2))
    if stats.chi2.sf(chi2, degrees) >= 0.01:
        return []
    return [
        f"residuals are {np.sqrt(chi2 / degrees):.1f} times the noise given: the law does not "
        "describe these points, or the noise is larger"
    ]
