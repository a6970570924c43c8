"""A linear model with an intercept for each group, by restricted maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lit_research.errors import UserError
from lit_research.stats.result import Array

_BOUNDARY = 1e-5  # of the residual variance


@dataclass(frozen=True)
class Intercepts:
    """A linear model with an intercept for each group.

    Attributes:
        beta: coefficients, ``[P]``.
        errors: their standard errors, ``[P]``.
        group_variance: of the intercepts.
        residual_variance: within a group.
        optimizer: what found it.
    """

    beta: Array
    errors: Array
    group_variance: float
    residual_variance: float
    optimizer: str

    @property
    def on_boundary(self) -> bool:
        """Whether the groups' variance is 0: groups differ no more than their members do."""
        return self.group_variance <= _BOUNDARY * self.residual_variance


def random_intercept(y: Array, design: Array, groups: np.ndarray) -> Intercepts:
    """Fit a linear model with an intercept for each group by restricted maximum likelihood.

    Given the ratio of the groups' variance to the residual one, all else is least squares; the
    ratio is searched over the whole range, 0 included, so it always ends.

    Args:
        y: ``[R]``.
        design: of full rank, ``[R, P]``.
        groups: number of the group of each row, 0 to G - 1, ``[R]``.

    Raises:
        UserError: there are no more rows than coefficients.
    """
    from scipy import optimize

    rows, columns = design.shape
    if rows <= columns:
        raise UserError(
            f"there are {rows} rows for {columns} coefficients, in random_intercept; must be more"
        )
    sums = _Sums(y, design, groups)

    def loss(share: float) -> float:
        return sums.at(share)[0]

    # The likelihood may have two peaks: the best of a grid, refined.
    grid = np.linspace(0, 1, 101)[:-1]
    best = int(np.argmin([loss(share) for share in grid]))
    ends = grid[max(best - 1, 0)], min(grid[best] + 0.01, 1 - 1e-9)
    refined = optimize.minimize_scalar(
        loss, bounds=ends, method="bounded", options={"xatol": 1e-10}
    )
    share = float(refined.x) if refined.fun < loss(0.0) else 0.0
    _, beta, inverse, residual = sums.at(share)
    errors = np.sqrt(residual * np.diag(inverse))
    return Intercepts(beta, errors, residual * share / (1 - share), residual, "profile likelihood")


class _Sums:
    """What the likelihood needs of the data, summed over rows and over the rows of each group."""

    def __init__(self, y: Array, design: Array, groups: np.ndarray) -> None:
        both = np.column_stack([design, y])
        self.products = both.T @ both  # [P + 1, P + 1]
        self.sizes = np.bincount(groups)
        self.totals = np.stack([np.bincount(groups, column) for column in both.T], axis=1)
        self.degrees = len(y) - design.shape[1]

    def at(self, share: float) -> tuple[float, Array, Array, float]:
        """Return -2 log likelihood, coefficients, their covariance over the residual variance, it.

        Args:
            share: groups' variance over the sum of both, from 0 and below 1.
        """
        ratio = share / (1 - share)
        weights = ratio / (1 + self.sizes * ratio)  # (I + ratio 11')^-1 = I - weight 11'
        whitened = self.products - np.einsum("g,gp,gq->pq", weights, self.totals, self.totals)
        inner, cross = whitened[:-1, :-1], whitened[:-1, -1]
        inverse = np.linalg.inv(inner)
        beta = inverse @ cross
        residual = max(0.0, float(whitened[-1, -1] - cross @ beta)) / self.degrees
        logs = float(np.log1p(self.sizes * ratio).sum()) + float(np.linalg.slogdet(inner)[1])
        value = self.degrees * math.log(max(residual, 1e-300)) + logs
        return value, beta, inverse, residual
