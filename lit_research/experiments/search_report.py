"""What a recipe search says of itself: a table, the certificate in words, JSON and a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lit_research.experiments.coordinate_search import Round
from lit_research.experiments.grid import Grid, Point
from lit_research.figures import panels, text_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXIS_UNITS = {"lr": "1", "weight_decay": "1", "epochs": "passes"}

# {point: final validation loss of each seed, in nats per token}
SeedLosses = Mapping[Point, Sequence[float]]


def table(grid: Grid, found: Round, of_seeds: SeedLosses) -> str:
    """Return all trials as plain text, the best first."""
    rows = [[*grid.axes, "loss", "of each seed"]]
    for point, loss in _sorted(found):
        values = [f"{value:g}" for value in point]
        rows.append([*values, f"{loss:.5f}", " ".join(f"{v:.5f}" for v in of_seeds[point])])
    return text_table(rows)


def verdict(grid: Grid, found: Round) -> str:
    """Return in words what the search ended with, and what to do where that is not enough."""
    best = ", ".join(f"{name} {value:g}" for name, value in grid.named(found.best).items())
    here = f"{best}: {found.loss:.5f} nats per token"
    if not found.done:
        return (
            f"{here}. No certificate: the rounds were used up. Run it again with a larger "
            "data.init_args.max_rounds; finished trials are kept."
        )
    if not found.certificate:
        return f"No certificate: every trial diverged around {best}. Start with a smaller lr."
    number = len(grid.neighbours(found.best))
    if found.interior:
        return f"{here}. Certificate: all {number} neighbours exist and none is better."
    return (
        f"{here}. Certificate of this grid alone: none of the {number} neighbours is better, but "
        f"others are beyond its edge ({', '.join(found.at_edge)}). Widen it there to know more."
    )


def recipe(grid: Grid, found: Round, of_seeds: SeedLosses) -> dict[str, Any]:
    """Return the content of ``recipe.json``; a loss that is not finite is ``null``."""
    trials = [
        {
            **grid.named(point),
            "loss": _plain(loss),
            "losses": [_plain(value) for value in of_seeds[point]],
        }
        for point, loss in _sorted(found)
    ]
    return {
        "best": grid.named(found.best),
        "loss": _plain(found.loss),
        "certificate": found.certificate,
        "interior": found.interior,
        "at_edge": list(found.at_edge),
        "frozen": list(grid.frozen),
        "rounds": found.number,
        "trials": trials,
    }


def figure(grid: Grid, found: Round) -> Figure:
    """Draw the loss along each free axis through the best point, the other values fixed."""
    drawing, places_of = panels(len(grid.free), size=(4.0, 2.2), sharey=True)
    for axes, name in zip(places_of, grid.free, strict=True):
        axis, values = list(grid.axes).index(name), grid.axes[name]
        # Places on the grid, not values: a weight decay of 0 has no place on a log scale.
        line = {
            values.index(point[axis]): loss
            for point, loss in found.losses.items()
            if _differs_in(point, found.best) <= {axis} and math.isfinite(loss)
        }
        places = sorted(line)
        axes.plot(places, [line[place] for place in places], "o-")
        axes.plot([values.index(found.best[axis])], [found.loss], "o", color="C1")
        axes.set_xticks(range(len(values)), [f"{value:g}" for value in values])
        axes.set_xlabel(f"{name} ({AXIS_UNITS[name]})")
    drawing.suptitle(f"round {found.number}")
    drawing.supylabel("validation loss (nats per token)", fontsize="medium")
    return drawing


def _sorted(found: Round) -> list[tuple[Point, float]]:
    return sorted(found.losses.items(), key=lambda item: (item[1], item[0]))


def _differs_in(left: Point, right: Point) -> set[int]:
    return {axis for axis, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1]}


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
