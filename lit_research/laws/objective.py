"""What a fit minimises, for a whole batch of fits at once, and the search for its minimum.

Starts, bootstrap samples and profile points are all rows of one batch: with three to seven
parameters, the number of calls dominates the cost, not the arithmetic.

Shapes: S fits, n points, P parameters. A coordinate is a parameter, or its logarithm if the
parameter has ``log``.
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


LONGEST_STEP = 3.0
"""Largest change of a bounded coordinate (an exponent or a logarithm) in one step."""


def minimise(
    objective: Objective,
    start: Array,
    *,
    free: Mask | None = None,
    tolerance: float = 1e-18,
    max_steps: int = 200,
) -> tuple[Array, Array]:
    """Minimise every objective of the batch from its row of ``start [S, P]``.

    Coordinates where ``free [S, P]`` is false keep their values. A search ends when the local
    model predicts that a step lowers the cost by less than ``tolerance`` of it. For ``huber_log``
    the Gauss-Newton search, whose convergence is slow where the cost is nearly an absolute value,
    is followed by Newton steps.

    Returns:
        Coordinates ``[S, P]`` and costs ``[S]``.
    """
    free = np.ones(start.shape, dtype=bool) if free is None else free
    phases = ["gauss"] if objective.method == "ls" else ["gauss", "newton"]
    coords = start
    for phase in phases:
        rough = len(phases) > 1 and phase == "gauss"
        coords, cost = _descend(
            objective,
            coords,
            free,
            newton=phase == "newton",
            tolerance=max(tolerance, 1e-4) if rough else tolerance,
            max_steps=min(max_steps, 40) if rough else max_steps,
        )
    return coords, cost


def _descend(
    objective: Objective,
    start: Array,
    free: Mask,
    *,
    newton: bool,
    tolerance: float,
    max_steps: int,
) -> tuple[Array, Array]:
    """Take damped steps until every search has ended; those that have ended leave the batch."""
    low, high = objective.box
    coords = np.clip(start, low, high)
    local = objective.at(coords)
    cost, slope, curvature = local.cost.copy(), local.slope.copy(), local.curvature.copy()
    damping = np.full(len(coords), 1e-3)
    todo = np.flatnonzero(np.isfinite(cost))
    for _ in range(max_steps):
        if todo.size == 0:
            break
        active = objective.rows(todo)
        here, g, C = coords[todo], slope[todo], curvature[todo]
        held = ~free[todo] | ((here <= low) & (g > 0)) | ((here >= high) & (g < 0))
        bend = _absolute_hessian(active, here, g, held) if newton else C
        room = (low - here, high - here)
        move = _step(bend, C, g, held, damping[todo], room)
        # Exactly on the edge, where rounding would leave it next to it.
        there = np.where(move <= room[0], low, np.where(move >= room[1], high, here + move))
        trial = active.at(there)
        predicted_gain = -np.einsum("sp,sp->s", g, move)
        better = trial.cost < cost[todo]
        improved = todo[better]
        coords[improved] = there[better]
        cost[improved], slope[improved], curvature[improved] = (
            trial.cost[better],
            trial.slope[better],
            trial.curvature[better],
        )
        damping[todo] = np.clip(damping[todo] * np.where(better, 0.1, 8.0), 1e-13, 1e13)
        still = np.abs(move).max(axis=-1) <= 1e-15 * np.abs(here).max(axis=-1)
        small = predicted_gain <= tolerance * cost[todo]
        todo = todo[~(still | small | (damping[todo] > 1e12))]
    return coords, cost


def _step(
    bend: Array,
    scale: Array,
    slope: Array,
    held: Mask,
    damping: Array,
    room: tuple[Array, Array],
) -> Array:
    """The damped step of every search, within the ``room`` that the box leaves below and above.

    A coordinate whose step would leave the box is set to its edge, and the others are solved again
    given that: merely shortening the step would spoil a direction along a valley.
    """
    size = np.sqrt(np.diagonal(scale, axis1=-2, axis2=-1))
    size = np.maximum(size, 1e-10 * size.max(axis=-1, keepdims=True) + 1e-150)
    matrix = bend / (size[:, :, None] * size[:, None, :])
    matrix = matrix + damping[:, None, None] * np.eye(size.shape[-1])
    move = _shorten(_solve(matrix, slope, size, held, np.zeros_like(slope)), room)
    leaves = ~held & ((move < room[0]) | (move > room[1]))
    if leaves.any():
        known = np.where(leaves, np.clip(move, *room), 0.0)
        move = _shorten(_solve(matrix, slope, size, held | leaves, known), room)
    return np.clip(move, *room)


def _solve(matrix: Array, slope: Array, size: Array, held: Mask, known: Array) -> Array:
    """Solve ``matrix (size * step) = -slope / size`` where not held; the others take ``known``."""
    fixed = known * size
    right = -slope / size - np.matmul(matrix, fixed[..., None])[..., 0]
    both = ~held[:, :, None] & ~held[:, None, :]
    reduced = np.where(both, matrix, np.eye(size.shape[-1]))
    solved = np.linalg.solve(reduced, np.where(held, 0.0, right)[..., None])[..., 0]
    return np.where(held, fixed, solved) / size


def _shorten(move: Array, room: tuple[Array, Array]) -> Array:
    """Scale every step so that no bounded coordinate moves by more than LONGEST_STEP."""
    bounded = np.isfinite(room[0]) & np.isfinite(room[1])
    longest = np.abs(np.where(bounded, move, 0.0)).max(axis=-1, keepdims=True)
    return move * np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-300))


def _absolute_hessian(objective: Objective, coords: Array, slope: Array, held: Mask) -> Array:
    """The Hessian by differences of the exact slope, with its eigenvalues made positive."""
    P = coords.shape[-1]
    columns = []
    for k in range(P):
        h = 1e-6 * np.maximum(1.0, np.abs(coords[:, k]))
        shifted = coords.copy()
        shifted[:, k] += h
        columns.append((objective.at(shifted).slope - slope) / h[:, None])
    hessian = np.stack(columns, axis=-1)
    hessian = np.where(held[:, :, None] | held[:, None, :], np.eye(P), hessian)
    finite = np.isfinite(hessian).all(axis=(-1, -2), keepdims=True)
    hessian = np.where(finite, 0.5 * (hessian + np.swapaxes(hessian, -1, -2)), np.eye(P))
    values, vectors = np.linalg.eigh(hessian)
    return np.matmul(vectors * np.abs(values)[:, None, :], np.swapaxes(vectors, -1, -2))
