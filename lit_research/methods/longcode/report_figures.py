"""Figures of an exam: accuracy by length, and by the depth of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lit_research.figures import log_scale, panels, with_unit
from lit_research.methods.longcode.report_parts import DepthReport, LengthReport
from lit_research.methods.longcode.share_intervals import Share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def length_figure(lengths: Sequence[LengthReport], chance: float) -> Figure:
    """Return the accuracy at each length with its interval.

    Args:
        lengths: of one task.
        chance: accuracy of a solver that guesses.
    """
    figure, [axes] = panels()
    known = [at for at in lengths if at.accuracy.n]
    _draw(axes, [float(at.length) for at in known], [at.accuracy for at in known], chance)
    if known:
        log_scale(axes, [at.length for at in known])
    axes.set_xlabel("longest prompt (tokens)")
    return figure


def depth_figure(depths: Sequence[DepthReport], chance: float) -> Figure:
    """Return the accuracy by depth of the evidence with its interval.

    Args:
        depths: of one task.
        chance: accuracy of a solver that guesses.
    """
    figure, [axes] = panels()
    known = [part for part in depths if part.accuracy.n]
    middles = [(part.low + part.high) / 2 for part in known]
    _draw(axes, middles, [part.accuracy for part in known], chance)
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel("depth of the evidence (0 first, 1 last)")
    return figure


def _draw(axes: Axes, x: list[float], shares: list[Share], chance: float) -> None:
    value = [share.value for share in shares]
    ends = [
        [share.value - share.low for share in shares],
        [share.high - share.value for share in shares],
    ]
    axes.errorbar(x, value, yerr=ends, marker="o", markersize=4, capsize=2)
    if chance:
        axes.axhline(chance, linestyle=":", linewidth=1, color="0.4", label="chance")
        axes.legend(frameon=False)
    axes.set_ylim(0.0, 1.02)
    axes.set_ylabel(with_unit("accuracy"))
