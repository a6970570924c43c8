"""Coordinate descent over a grid of hyper-parameters, with a certificate of local optimality.

Pure: what a point costs is asked of ``evaluate``. "Pre-training under infinite compute" (Kim et al.
2025, arXiv 2509.14786) tunes learning rate, weight decay and epochs in this way for every model
size: train the neighbours of the best point on the grid, move to the best of them, stop where none
is better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from lit_research.experiments.grid import Grid, Point


@dataclass(frozen=True)
class Round:
    """What is known after the neighbours of one point were tried.

    Args:
        number: 1, 2, ...
        best: the best of the round's centre and its neighbours; the next round's centre.
        loss: its loss; infinite where every trial so far diverged.
        done: no neighbour is better: the search is at its end.
        certificate: the search is at its end, and its best point has a finite loss.
        at_edge: neighbours of ``best`` that do not exist, because they are beyond the grid.
        losses: every point tried so far and its loss, in the order in which they were asked for.
    """

    number: int
    best: Point
    loss: float
    done: bool
    certificate: bool
    at_edge: tuple[str, ...]
    losses: dict[Point, float]

    @property
    def interior(self) -> bool:
        """Whether all neighbours exist: the paper's certificate is ``certificate and interior``."""
        return not self.at_edge


def mean_loss(of_seeds: Sequence[float]) -> float:
    """Return the mean over seeds; infinite where one of them diverged (NaN or infinite)."""
    if not all(map(math.isfinite, of_seeds)):
        return math.inf
    return sum(of_seeds) / len(of_seeds)


def coordinate_descent(
    grid: Grid, start: Mapping[str, float], evaluate: Callable[[list[Point]], list[float]]
) -> Iterator[Round]:
    """Yield rounds until no neighbour of the best point is strictly better.

    Args:
        grid: the points there are.
        start: where to begin, by name.
        evaluate: returns the losses of points; asked for each point at most once. Points of one
            call may be tried side by side. A loss that is not finite counts as infinite.
    """
    losses: dict[Point, float] = {}
    centre = grid.point(start)
    for number in count(1):
        # The centre comes first, so that `min` leaves it for nothing but a strictly better point.
        around = [centre, *grid.neighbours(centre)]
        new = [point for point in around if point not in losses]
        if new:
            found = (mean_loss([loss]) for loss in evaluate(new))
            losses.update(zip(new, found, strict=True))
        best = min(around, key=losses.__getitem__)
        done = best == centre
        yield Round(
            number=number,
            best=best,
            loss=losses[best],
            done=done,
            certificate=done and math.isfinite(losses[best]),
            at_edge=grid.at_edge(best),
            losses=dict(losses),
        )
        if done:
            return
        centre = best
