"""ANCOVA: after on before and the arm, with errors that are robust to unequal variances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.comparisons import CONFIDENCE
from lit_research.methods.idea_study.study import Study
from lit_research.stats.result import Array


@dataclass(frozen=True)
class Ancova:
    """Whether the treatment's executed ideas are worse than as good ideas of the reference.

    Attributes:
        metric: its name.
        effect: of the arm, treatment minus reference, at equal scores before execution.
        interval: 95%, normal.
        p: two-sided, normal (that of HC3 errors in statsmodels).
        slope: of the score after on the score before.
        slope_p: two-sided; 1 minus the slope is the share by which a high start regresses.
    """

    metric: str
    effect: float
    interval: tuple[float, float]
    p: float
    slope: float
    slope_p: float


def ancova(study: Study) -> list[Ancova]:
    """Return the analysis of covariance over ideas, with HC3 errors (MacKinnon, White 1985).

    Change scores and ANCOVA answer different questions (Lord's paradox): where an arm began higher,
    its ideas fall more by regression to the mean alone, which ANCOVA takes out.
    """
    found = []
    for metric in study.metrics:
        before, after = (
            part.idea_means(metric, study.ideas) for part in (study.before, study.after)
        )
        design = np.column_stack([np.ones(len(before)), before, study.is_treatment])
        if np.linalg.matrix_rank(design) < 3:
            nan = math.nan
            found.append(Ancova(metric, nan, (nan, nan), nan, nan, nan))
            continue
        beta, covariance = hc3(design, after)
        (slope_p, _), (p, interval) = (
            _normal(float(beta[k]), float(covariance[k, k])) for k in (1, 2)
        )
        found.append(Ancova(metric, float(beta[2]), interval, p, float(beta[1]), slope_p))
    return found


def hc3(design: Array, y: Array) -> tuple[Array, Array]:
    """Return least squares coefficients ``[P]`` and their HC3 covariance ``[P, P]``.

    Args:
        design: of full rank, ``[N, P]``.
        y: ``[N]``.

    Raises:
        UserError: one unit alone decides a coefficient, so that it has no error.
    """
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("np,pq,nq->n", design, inverse, design)
    if leverage.max() > 1 - 1e-9:
        raise UserError(
            f"unit {int(leverage.argmax())} alone decides a coefficient, in hc3; must be at least "
            "two units of each kind"
        )
    scaled = design * ((y - design @ beta) / (1 - leverage))[:, None]
    return beta, inverse @ (scaled.T @ scaled) @ inverse


def _normal(value: float, variance: float) -> tuple[float, tuple[float, float]]:
    """Return the two-sided p-value against 0, and the interval."""
    from scipy import special

    error = math.sqrt(variance)
    half = float(special.ndtri((1 + CONFIDENCE) / 2)) * error
    p = 2 * float(special.ndtr(-abs(value) / error)) if error else math.nan
    return p, (value - half, value + half)
