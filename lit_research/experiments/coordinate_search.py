"""Coordinate descent over a grid of hyper-parameters, with a certificate of local optimality.

Pure: the loss of a point comes from ``evaluate``. "Pre-training under infinite compute" (Kim et al.
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
    """The state of a search after the neighbours of one point were tried.

    Args:
        number: 1, 2, ...
        best: the best of the round's centre and its neighbours; the next round's centre.
        loss: its loss; infinite if every trial so far diverged.
        done: whether the search has ended, because no neighbour is better.
        certificate: whether the search has ended at a point with a finite loss.
        at_edge: neighbours of ``best`` that do not exist, because they are beyond the grid.
        losses: every point tried so far and its loss, in the order of evaluation.
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


def mean_loss(losses: Sequence[float]) -> float:
    """Return the mean over seeds; infinite if one of them diverged (NaN or infinite)."""
    if not all(map(math.isfinite, losses)):
        return math.inf
    return sum(losses) / len(losses)


def coordinate_descent(
    grid: Grid, start: Mapping[str, float], evaluate: Callable[[list[Point]], list[float]]
) -> Iterator[Round]:
    """Yield rounds until no neighbour of the best point is strictly better.

    Args:
        grid: the points to search.
        start: the first point, by name.
        evaluate: returns the losses of points; called at most once for each point. Points of one
            call may be tried in parallel. A loss that is not finite counts as infinite.
    """
    losses: dict[Point, float] = {}
    centre = grid.point(start)
    for number in count(1):
        # The centre comes first, so that `min` moves only to a strictly better point.
        candidates = [centre, *grid.neighbours(centre)]
        new = [point for point in candidates if point not in losses]
        if new:
            new_losses = (mean_loss([loss]) for loss in evaluate(new))
            losses.update(zip(new, new_losses, strict=True))
        best = min(candidates, key=losses.__getitem__)
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
