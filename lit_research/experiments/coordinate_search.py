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
from itertools import count, islice
from math import prod

from lit_research.experiments.grid import Grid, Point
from lit_research.ranges import Range, check_range


@dataclass(frozen=True)
class Round:
    """The state of a search after the neighbours of one point were tried.

    Args:
        number: 1, 2, ...
        best: the best of the round's centre and its neighbours; the next round's centre.
        loss: its loss; infinite if every trial so far diverged.
        done: whether the search has ended: no neighbour is better, or the budget is used up.
        certificate: whether it has ended at a point with a finite loss, all neighbours of which
            were tried.
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
    grid: Grid,
    start: Mapping[str, float],
    evaluate: Callable[[list[Point]], list[float]],
    budget: int | None = None,
) -> Iterator[Round]:
    """Yield rounds until no neighbour of the best point is strictly better.

    With a budget the search goes on from there to the points nearest to the best one, or ends
    early, so that it tries exactly that many points; settings that are searched with equal budgets
    had equal chances.

    Args:
        grid: the points to search.
        start: the first point, by name.
        evaluate: returns the losses of points; called at most once for each point. Points of one
            call may be tried in parallel. A loss that is not finite counts as infinite.
        budget: points to try, exactly; at most those that the grid has along its free axes.

    Raises:
        UserError: the budget is no such number.
    """
    check_budget(grid, budget)
    losses: dict[Point, float] = {}
    centre = grid.point(start)
    for number in count(1):
        neighbours = grid.neighbours(centre)
        new = [point for point in [centre, *neighbours] if point not in losses]
        if budget is not None:
            others = (point for point in grid.nearest(centre) if point not in losses)
            new = (new or list(islice(others, len(neighbours))))[: budget - len(losses)]
        if new:
            new_losses = (mean_loss([loss]) for loss in evaluate(new))
            losses.update(zip(new, new_losses, strict=True))
        # The centre comes first, so that `min` moves only to a strictly better point.
        best = min([centre, *losses], key=losses.__getitem__)
        done = best == centre if budget is None else len(losses) == budget
        tried = all(point in losses for point in grid.neighbours(best))
        yield Round(
            number=number,
            best=best,
            loss=losses[best],
            done=done,
            certificate=done and tried and math.isfinite(losses[best]),
            at_edge=grid.at_edge(best),
            losses=dict(losses),
        )
        if done:
            return
        centre = best


def check_budget(grid: Grid, budget: int | None, where: str = "in coordinate_descent") -> None:
    """Refuse a number of points that a search cannot try.

    Raises:
        UserError: it is below 1, or more than the grid has along its free axes.
    """
    points = prod(len(grid.axes[name]) for name in grid.free)
    check_range(Range(at_least=1, at_most=points), where, budget=budget)
