"""A fit as a figure, drawn without global state."""

from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lit_research.errors import UserError
from lit_research.figures import log_scale, panels
from lit_research.laws.result import Fit

TITLE_WIDTH = 46  # characters


def figure(fit: Fit) -> Figure:
    """See :meth:`Fit.figure`."""
    canvas, (top, bottom) = panels(2, size=(4.0, 1.9), height_ratios=[3, 1], sharex=True)
    y, residuals = fit.points.y, fit.residuals
    if len(fit.law.variables) == 1:
        (name,) = fit.law.variables
        x = fit.points.x[name]
        _draw_law(top, fit, x)
        log_scale(top, x)
        top.set(ylabel="y")
        bottom.set(xlabel=name)
    else:
        x = y - residuals
        top.plot([y.min(), y.max()], [y.min(), y.max()], color="C0", label="y = fitted")
        top.set(ylabel="y")
        bottom.set(xlabel="fitted")
    top.plot(x, y, "o", color="C1", label="points")
    bottom.axhline(0.0, color="0.7", linewidth=0.8)
    bottom.plot(x, residuals, "o", color="C1", markersize=4)
    bottom.set(ylabel="residual")
    values = ", ".join(f"{key}={value:.4g}" for key, value in fit.params.items())
    lines = [fit.law.formula, values, *(f"! {text}" for text in fit.doubts)]
    title = "\n".join(part for line in lines for part in wrap(line, TITLE_WIDTH))
    top.set_title(title, fontsize="medium")
    top.legend(frameon=False, fontsize="small")
    return canvas


def _draw_law(axes: Axes, fit: Fit, x: np.ndarray) -> None:
    """The curve over the points' range, its band, and the asymptote where it can be trusted."""
    grid = np.geomspace(x.min(), x.max(), 60)
    axes.plot(grid, fit.curve.predict(grid), color="C0", label="law")
    if fit.inference is not None:
        level = f"{100 * fit.inference.level:g}%"
        try:
            low, high = fit.predict_interval(grid)
        except UserError:
            return
        axes.fill_between(
            grid, low, high, color="C0", alpha=0.2, label=f"{level} interval of the law"
        )
    if not fit.doubts:
        axes.axhline(fit.asymptote, color="C2", linestyle="--", label=f"limit {fit.asymptote:.4g}")
