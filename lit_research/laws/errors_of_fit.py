"""Standard errors of fitted parameters."""

import numpy as np

from lit_research.laws.base import Array
from lit_research.laws.inference import Best
from lit_research.laws.points import Points


def standard_errors(best: Best, points: Points) -> Array:
    """Return the standard error ``[P]`` of each free parameter, in the parameter itself.

    They are local: from the curvature of the law at the best fit, as for a linear one. Profiles,
    which see how the law bends, are wider where the points say little.

    ``ls``: ``s^2 (J' W J)^-1`` with the noise given, else with ``s^2`` from the residuals.
    ``huber_log``: that of an M-estimator, ``mean(psi^2) / mean(psi')^2 (J' J)^-1``. Where most
    residuals lie beyond Huber's delta, ``psi'`` is counted within a wider band (Silverman's), since
    few points lie within delta itself.

    nan where there is no degree of freedom, or the points do not determine the parameter.
    """
    objective = best.objective
    r, J = (part[0] for part in objective.residuals(best.coords[None]))
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
