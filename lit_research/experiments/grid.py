"""A grid of hyper-parameters: its points, their neighbours and its edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product

from lit_research.errors import UserError

# Values in the order of the grid's axes.
Point = tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """Values that each hyper-parameter may take.

    Args:
        axes: name of each axis and its values, increasing.
        frozen: axes along which the search does not move.

    Raises:
        UserError: an axis has no values or they do not increase, or no axis is left to move along.
    """

    axes: Mapping[str, tuple[float, ...]]
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, values in self.axes.items():
            rising = all(a < b for a, b in pairwise(values))
            if not values or not rising:
                raise UserError(
                    f"{name} has the values {list(values)}, in the grid; must be at least one, "
                    "each larger than the one before"
                )
        unknown = [name for name in self.frozen if name not in self.axes]
        if unknown:
            raise UserError(
                f"frozen names {unknown}, in the grid; must be among the axes "
                f"{', '.join(self.axes)}"
            )
        if not self.free:
            raise UserError(
                f"frozen names {list(self.frozen)}, in the grid; must leave one axis to move along"
            )

    @property
    def free(self) -> list[str]:
        """Names of the axes along which the search moves."""
        return [name for name in self.axes if name not in self.frozen]

    def point(self, values: Mapping[str, float]) -> Point:
        """Return the point with these values.

        Raises:
            UserError: an axis is missing or unknown, or a value is not on the grid.
        """
        if set(values) != set(self.axes):
            raise UserError(
                f"start gives {', '.join(values) or 'nothing'}, for the grid; must be a value for "
                f"each of {', '.join(self.axes)}"
            )
        for name, known in self.axes.items():
            if values[name] not in known:
                raise UserError(
                    f"start has {name} {values[name]:g}, for the grid; must be one of its values, "
                    f"{', '.join(f'{value:g}' for value in known)}"
                )
        return tuple(float(values[name]) for name in self.axes)

    def named(self, point: Point) -> dict[str, float]:
        """Return the values of a point by name."""
        return dict(zip(self.axes, point, strict=True))

    def neighbours(self, point: Point) -> list[Point]:
        """Return the points one step away along a free axis; beyond the edge there is none."""
        return [neighbour for _, neighbour in self._around(point) if neighbour is not None]

    def nearest(self, point: Point) -> list[Point]:
        """Return all points with the same frozen values, by the number of steps to them."""
        places = [
            range(len(values)) if name in self.free else [values.index(value)]
            for (name, values), value in zip(self.axes.items(), point, strict=True)
        ]
        here = [values.index(v) for values, v in zip(self.axes.values(), point, strict=True)]

        def steps(place: tuple[int, ...]) -> int:
            return sum(abs(a - b) for a, b in zip(place, here, strict=True))

        return [
            tuple(values[i] for values, i in zip(self.axes.values(), place, strict=True))
            for place in sorted(product(*places), key=steps)
        ]

    def at_edge(self, point: Point) -> tuple[str, ...]:
        """Return which neighbours are beyond the grid, such as ``("lr > 0.03",)``."""
        return tuple(side for side, neighbour in self._around(point) if neighbour is None)

    def _around(self, point: Point) -> Iterator[tuple[str, Point | None]]:
        """Yield both sides of each free axis, as text, and the neighbour there, if any."""
        for axis, (name, values) in enumerate(self.axes.items()):
            if name in self.frozen:
                continue
            current = values.index(point[axis])
            for index, sign in ((current - 1, "<"), (current + 1, ">")):
                inside = 0 <= index < len(values)
                neighbour = (*point[:axis], values[index], *point[axis + 1 :]) if inside else None
                yield f"{name} {sign} {point[axis]:g}", neighbour


PAPER_GRID = Grid(
    {
        "lr": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
        "weight_decay": (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4),
        "epochs": (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
    }
)
"""The grid of section 3 of the paper, and of its code (``convex_certificate_scaling.py``)."""
