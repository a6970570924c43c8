"""Profile intervals: how far one quantity can move while the parameters compensate for it.

Shapes: P parameters, Q searches (down and up for each quantity), m predictions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from lit_research.laws.base import Array, Index, Mask
from lit_research.laws.objective import Objective, minimise

TIGHT = 1e-4
"""Relative precision of an interval's end, as a share of its distance from the estimate."""

# (which searches, value of the quantity, coordinates to start from) -> (coordinates, cost)
Solve: TypeAlias = Callable[[Index, Array, Array], tuple[Array, Array]]


@dataclass(frozen=True)
class _Linear:
    """What a linear law would have: the half-width ``[m]`` of the interval of every quantity, and
    the change ``[m, P]`` of the coordinates along it, per unit of the quantity."""

    reach: Array
    tangent: Array


@dataclass
class _Ends:
    """The state of Q searches: the last value inside, the first one outside, and their heights.

    A height is the square root of the rise in cost over the level, 1 at the end sought. It is
    nearly linear in the quantity, so that interpolation converges quickly.
    """

    inside: Array
    step: Array
    edge: Array
    coords: Array
    tangent: Array
    inside_height: Array
    outside: Array
    outside_height: Array
    done: Mask


def parameter_ends(objective: Objective, best: Array, lowest: float, rise: Array) -> Array:
    """Ends ``[P, 2]`` between which the profiled cost stays below ``lowest + rise``.

    ``best [P]`` are the coordinates of the fit, ``lowest`` its cost, and ``rise [P]`` the rise of
    the cost that the level of confidence allows. An end beyond the box is set to its edge.
    """
    low, high = objective.box
    name = np.repeat(np.arange(best.size), 2)

    def solve(todo: Index, value: Array, start: Array) -> tuple[Array, Array]:
        rows, held = np.arange(todo.size), name[todo]
        start[rows, held] = value
        free = np.ones(start.shape, dtype=bool)
        free[rows, held] = False
        return minimise(objective, start, free=free, tolerance=1e-7, max_steps=60)

    local = _linear(objective, best, np.eye(best.size), rise)
    return _search(solve, best, best, local, low, high, lowest, rise)


def prediction_ends(
    objective: Objective, best: Array, lowest: float, rise: float, x: Mapping[str, Array]
) -> Array:
    """Ends ``[m, 2]`` of the law's value at ``x``, in the same way as :func:`parameter_ends`.

    The value is held by one more point with a weight so large that the law must pass through it.
    """
    at_x = replace(objective, method="ls", x=x, y=np.zeros((1, 1)))
    (value,), (slope,) = at_x.residuals(best[None])
    level = np.full(value.size, rise)
    local = _linear(objective, best, slope, level)
    unit = 1.0 if objective.method == "ls" else value
    # Passing the point to 1e-5 of the reach takes this weight, and adds 1e-5 of the rise.
    pinned = _with_point(objective, x, 2e5 * rise * (unit / local.reach) ** 2)

    def solve(todo: Index, value: Array, start: Array) -> tuple[Array, Array]:
        subset = pinned.rows(todo)
        y = np.column_stack([np.broadcast_to(subset.y, (todo.size, subset.y.shape[-1])), value])
        return minimise(replace(subset, y=y), start, tolerance=1e-7, max_steps=60)

    floor = np.full(value.size, -np.inf if objective.method == "ls" else 0.0)
    return _search(solve, value, best, local, floor, np.full(value.size, np.inf), lowest, level)


def _with_point(objective: Objective, x: Mapping[str, Array], weight: Array) -> Objective:
    """Two objectives for each position of ``x [m]``, with one more point there, still without y."""
    shape = (2 * weight.size, objective.y.shape[-1])

    def append(points: Array, point: Array) -> Array:
        return np.column_stack([np.broadcast_to(points, shape), np.repeat(point, 2)])

    columns = {name: append(objective.x[name], column) for name, column in x.items()}
    return replace(objective, x=columns, weight=append(objective.weight, weight))


def _linear(objective: Objective, best: Array, directions: Array, rise: Array) -> _Linear:
    """The intervals of quantities with gradients ``directions [m, P]`` if the law were linear."""
    curvature = objective.at(best[None]).curvature[0]
    size = np.sqrt(np.maximum(np.diagonal(curvature), 1e-300))
    inverse = np.linalg.pinv(curvature / np.outer(size, size), rcond=1e-12, hermitian=True)
    moves = (directions / size) @ inverse / size
    variance = np.sum(moves * directions, axis=-1)
    known = variance > 0
    scale = np.maximum(np.abs(directions @ best), 1e-3)
    reach = np.where(known, np.sqrt(2.0 * rise * np.where(known, variance, 0.0)), 0.1 * scale)
    tangent = np.where(known[:, None], moves / np.where(known, variance, 1.0)[:, None], 0.0)
    return _Linear(np.clip(reach, 1e-12 * scale, 10.0 * scale), tangent)


def _search(
    solve: Solve,
    centre: Array,
    best: Array,
    local: _Linear,
    low: Array,
    high: Array,
    lowest: float,
    rise: Array,
) -> Array:
    """Move outwards from every centre in doubling steps, then interpolate to the level."""
    Q = 2 * centre.size
    level = np.repeat(rise, 2)
    ends = _Ends(
        inside=np.repeat(centre, 2),
        step=np.repeat(local.reach, 2) * np.tile([-1.0, 1.0], centre.size),
        edge=np.stack([low, high], axis=-1).reshape(-1),
        coords=np.tile(best, (Q, 1)),
        tangent=np.repeat(local.tangent, 2, axis=0),
        inside_height=np.zeros(Q),
        outside=np.full(Q, np.nan),
        outside_height=np.full(Q, np.nan),
        done=np.zeros(Q, dtype=bool),
    )
    for _ in range(100):
        todo = np.flatnonzero(~ends.done)
        if todo.size == 0:
            break
        value = _propose(ends)[todo]
        ahead = (value - ends.inside[todo])[:, None] * ends.tangent[todo]
        coords, cost = solve(todo, value, ends.coords[todo] + ahead)
        height = np.sqrt(np.maximum(cost - lowest, 0.0) / level[todo])
        _record(ends, todo, value, height, coords)
    return ends.inside.reshape(-1, 2)


def _propose(ends: _Ends) -> Array:
    """The next value of every search: outwards, or between inside and outside."""
    onwards = ends.inside + ends.step
    beyond = np.where(ends.step < 0, onwards < ends.edge, onwards > ends.edge)
    onwards = np.where(beyond, ends.edge, onwards)
    share = (1.0 - ends.inside_height) / (ends.outside_height - ends.inside_height)
    between = ends.inside + np.clip(share, 0.05, 0.95) * (ends.outside - ends.inside)
    return np.where(np.isnan(ends.outside), onwards, between)


def _record(ends: _Ends, todo: Index, value: Array, height: Array, coords: Array) -> None:
    """Update the searches with the heights of the profile at the proposed values."""
    out = height >= 1.0
    gone, kept = todo[out], todo[~out]
    moved = (value[~out] - ends.inside[kept])[:, None]
    ends.tangent[kept] = np.where(
        moved == 0, 0.0, (coords[~out] - ends.coords[kept]) / np.where(moved == 0, 1.0, moved)
    )
    ends.outside[gone], ends.outside_height[gone] = value[out], np.minimum(height[out], 1e6)
    ends.inside[kept], ends.inside_height[kept] = value[~out], height[~out]
    ends.coords[kept] = coords[~out]
    ends.step[kept] *= 2.0
    close = np.abs(height - 1.0) <= TIGHT
    width = np.abs(ends.outside[todo] - ends.inside[todo])
    narrow = width <= 1e-13 * np.abs(value)
    ends.inside[todo[close]] = value[close]
    ends.done[todo] = close | narrow | (~out & (value == ends.edge[todo]))
