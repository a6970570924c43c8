"""What a fit minimises, for a whole batch of fits at once.

Shapes: S fits (starts, bootstrap samples, profile points), n points, P parameters. A coordinate is
a parameter, or its logarithm where the law says ``log``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from lit_research.laws.base import Array, Index, Law, Mask

Method: TypeAlias = Literal["huber_log", "ls"]
HUBER_DELTA = 1e-3
"""Residuals of log loss beyond this count linearly (Hoffmann et al. 2022, section 3.3)."""


@dataclass(frozen=True)
class Local:
    """A batch of objectives at a batch of coordinates."""

    cost: Array
    """``[S]``; infinite where the law has no value."""
    slope: Array
    """``[S, P]``"""
    curvature: Array
    """``[S, P, P]``: Gauss-Newton, so never negative."""


@dataclass(frozen=True)
class Objective:
    """Sum over points of ``weight * rho(residual)``.

    ``y`` and ``weight`` are ``[S, n]``, or ``[1, n]`` for one that all fits share; every column of
    ``x`` is ``[n]`` or ``[S, n]``.

    ``ls``: the residual is ``law - y`` and ``rho(r) = r^2 / 2``. ``huber_log``: the residual is
    ``log(law) - log(y)`` and rho is Huber's with ``delta``. Sums, never means: the mean
    of such small terms makes optimisers stop early.
    """

    law: Law
    x: Mapping[str, Array]
    y: Array
    weight: Array
    method: Method
    delta: float = HUBER_DELTA

    @property
    def box(self) -> tuple[Array, Array]:
        """Lower and upper bounds ``[P]`` of the coordinates."""
        low, high = zip(*(p.box for p in self.law.parameters), strict=True)
        return np.array(low), np.array(high)

    def theta(self, coords: Array) -> Array:
        """Parameters ``[..., P]`` at ``coords``."""
        return np.where(self._log, np.exp(np.where(self._log, coords, 0.0)), coords)

    def coords(self, theta: Array) -> Array:
        """Coordinates ``[..., P]`` of parameters, moved into the box."""
        logs = np.log(np.where(self._log, np.maximum(theta, 1e-300), 1.0))
        return np.clip(np.where(self._log, logs, theta), *self.box)

    def rows(self, index: Index) -> "Objective":
        """The objectives of some of the fits."""

        def pick(batch: Array) -> Array:
            return batch[index] if batch.ndim > 1 and len(batch) > 1 else batch

        x = {name: pick(column) for name, column in self.x.items()}
        return replace(self, x=x, y=pick(self.y), weight=pick(self.weight))

    def residuals(self, coords: Array) -> tuple[Array, Array]:
        """Residuals ``[S, n]`` and their gradient ``[S, n, P]`` in the coordinates ``[S, P]``."""
        theta = self.theta(coords)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, gradient = self.law.evaluate(self.x, theta)
            gradient = gradient * np.where(self._log, theta, 1.0)[..., None, :]
            if self.method == "ls":
                return value - self.y, gradient
            return np.log(value) - np.log(self.y), gradient / value[..., None]

    def at(self, coords: Array) -> Local:
        """Cost, slope and curvature at ``coords [S, P]``."""
        r, J = self.residuals(coords)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.method == "ls":
                rho, bend = 0.5 * r * r, np.ones_like(r)
            else:
                size = np.abs(r)
                delta = self.delta
                bend = delta / np.maximum(size, delta)
                rho = np.where(bend < 1.0, delta * (size - 0.5 * delta), 0.5 * r * r)
            weighted = (self.weight * bend)[..., None] * J
            cost = np.sum(self.weight * rho, axis=-1)
            slope = np.matmul(r[..., None, :], weighted)[..., 0, :]
            curvature = np.matmul(np.swapaxes(J, -1, -2), weighted)
        usable = np.isfinite(cost) & np.isfinite(curvature).all(axis=(-1, -2))
        return Local(np.where(usable, cost, np.inf), slope, curvature)

    @property
    def _log(self) -> Mask:
        return np.array([p.log for p in self.law.parameters])
