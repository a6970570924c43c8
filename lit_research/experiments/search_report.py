"""The report of a recipe search: a table, the certificate as text, JSON and a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lit_research.experiments.coordinate_search import Round
from lit_research.experiments.grid import Grid, Point
from lit_research.figures import panels, text_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXIS_UNITS = {"lr": "1", "weight_decay": "1", "epochs": "passes", "passes": "passes", "share": "1"}

# {point: final validation loss of each seed, in nats per token}
SeedLosses = Mapping[Point, Sequence[float]]


def table(grid: Grid, last_round: Round, seed_losses: SeedLosses) -> str:
    """Return all trials as plain text, the best first."""
    rows = [[*grid.axes, "loss", "of each seed"]]
    for point, loss in _best_first(last_round):
        values = [f"{value:g}" for value in point]
        rows.append([*values, f"{loss:.5f}", " ".join(f"{v:.5f}" for v in seed_losses[point])])
    return text_table(rows)


def verdict(grid: Grid, last_round: Round) -> str:
    """Return as text how the search ended, and what to do if that is not enough."""
    best = ", ".join(f"{name} {value:g}" for name, value in grid.named(last_round.best).items())
    result = f"{best}: {last_round.loss:.5f} nats per token"
    if not last_round.done:
        return (
            f"{result}. No certificate: the rounds were used up. Run it again with a larger "
            "data.init_args.max_rounds; finished trials are kept."
        )
    if not last_round.certificate and math.isfinite(last_round.loss):
        return (
            f"{result}. No certificate: the budget of {len(last_round.losses)} trials was used up "
            "before all of its neighbours were tried. Give all arms the same larger budget, or "
            "begin nearer."
        )
    if not last_round.certificate:
        return f"No certificate: every trial diverged around {best}. Start with a smaller lr."
    number = len(grid.neighbours(last_round.best))
    if last_round.interior:
        return f"{result}. Certificate: all {number} neighbours exist and none is better."
    return (
        f"{result}. Certificate of this grid alone: none of the {number} neighbours is better, but "
        f"others are beyond its edge ({', '.join(last_round.at_edge)}). Widen it there to know "
        "more."
    )


def recipe(grid: Grid, last_round: Round, seed_losses: SeedLosses) -> dict[str, Any]:
    """Return the content of ``recipe.json``; a loss that is not finite is ``null``."""
    trials = [
        {
            **grid.named(point),
            "loss": _finite_or_none(loss),
            "losses": [_finite_or_none(value) for value in seed_losses[point]],
        }
        for point, loss in _best_first(last_round)
    ]
    return {
        "best": grid.named(last_round.best),
        "loss": _finite_or_none(last_round.loss),
        "certificate": last_round.certificate,
        "interior": last_round.interior,
        "at_edge": list(last_round.at_edge),
        "frozen": list(grid.frozen),
        "rounds": last_round.number,
        "trials": trials,
    }


def figure(grid: Grid, last_round: Round) -> Figure:
    """Draw the loss along each free axis through the best point, the other values fixed."""
    drawing, axes_list = panels(len(grid.free), size=(4.0, 2.2), sharey=True)
    for axes, name in zip(axes_list, grid.free, strict=True):
        axis, values = list(grid.axes).index(name), grid.axes[name]
        # Indices on the grid, not values: a weight decay of 0 cannot be shown on a log scale.
        line = {
            values.index(point[axis]): loss
            for point, loss in last_round.losses.items()
            if _differing_axes(point, last_round.best) <= {axis} and math.isfinite(loss)
        }
        indices = sorted(line)
        axes.plot(indices, [line[index] for index in indices], "o-")
        axes.plot([values.index(last_round.best[axis])], [last_round.loss], "o", color="C1")
        axes.set_xticks(range(len(values)), [f"{value:g}" for value in values])
        axes.set_xlabel(f"{name} ({AXIS_UNITS[name]})")
    drawing.suptitle(f"round {last_round.number}")
    drawing.supylabel("validation loss (nats per token)", fontsize="medium")
    return drawing


def _best_first(last_round: Round) -> list[tuple[Point, float]]:
    return sorted(last_round.losses.items(), key=lambda item: (item[1], item[0]))


def _differing_axes(left: Point, right: Point) -> set[int]:
    return {axis for axis, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1]}


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
