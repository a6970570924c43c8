"""A fit as text, as JSON data, and as a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lit_research.errors import UserError
from lit_research.figures import log_scale, panels
from lit_research.laws.base import Array, Law
from lit_research.laws.objective import Method
from lit_research.laws.points import Points, Values
from lit_research.laws.uncertainty import Intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Predictor(Protocol):
    """A law with values of its parameters."""

    def predict(self, x: Values | Mapping[str, Values]) -> Array:
        """Return the law's value at ``x``."""


class Reportable(Protocol):
    """What a report says of a :class:`Fit`, which reports itself."""

    @property
    def law(self) -> Law:
        """The law that was fitted."""

    @property
    def curve(self) -> Predictor:
        """The law with the fitted parameters."""

    @property
    def points(self) -> Points:
        """The points that it was fitted to."""

    @property
    def method(self) -> Method:
        """How."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """Reasons not to extrapolate."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Doubts and milder remarks."""

    @property
    def intervals(self) -> Mapping[str, tuple[float, float]]:
        """Of the parameters."""

    @property
    def inference(self) -> Intervals | None:
        """Where the intervals are from."""

    @property
    def fixed(self) -> Mapping[str, float]:
        """Known parameters."""

    @property
    def standard_errors(self) -> Mapping[str, float]:
        """Of the others."""

    @property
    def params(self) -> dict[str, float]:
        """All parameters."""

    @property
    def asymptote(self) -> float:
        """The value at infinite scale."""

    @property
    def residuals(self) -> Array:
        """At the points ``[n]``."""

    @property
    def r2(self) -> float:
        """Share of variance explained."""

    @property
    def degrees_of_freedom(self) -> int:
        """Points minus fitted parameters."""

    @property
    def residual_sd(self) -> float:
        """Of the residuals."""

    def interval(self, name: str) -> tuple[float, float]:
        """Return that of a parameter."""

    def predict_interval(self, x: Values | Mapping[str, Values]) -> tuple[Array, Array]:
        """Return the ends of the law's interval at ``x``."""


def report(fit: Reportable) -> str:
    """See :meth:`Fit.report`."""
    n, degrees = len(fit.points), fit.degrees_of_freedom
    lines = [
        f"{type(fit.law).__name__}: {fit.law.formula}",
        f"{n} points, {n - degrees} parameters, "
        f"{degrees} degree{'' if degrees == 1 else 's'} of freedom; method {fit.method}",
        "",
        *_table(_parameter_rows(fit)),
        "",
        *_table(_point_rows(fit)),
        "",
        f"r2 {fit.r2:.6f}   residual s.d. {fit.residual_sd:.3g}",
    ]
    return "\n".join(lines + [f"warning: {text}" for text in fit.warnings])


def to_dict(fit: Reportable) -> dict[str, Any]:
    """See :meth:`Fit.to_dict`."""
    law, points = fit.law, fit.points
    trusted = not fit.doubts
    return {
        "law": type(law).__name__,
        "formula": law.formula,
        "constants": asdict(law) if is_dataclass(law) else {},
        "method": fit.method,
        "params": {name: _plain(value) for name, value in fit.params.items()},
        "fixed": dict(fit.fixed),
        "standard_errors": {name: _plain(e) for name, e in fit.standard_errors.items()},
        "intervals": {name: [_plain(a), _plain(b)] for name, (a, b) in fit.intervals.items()},
        "level": fit.inference.level if fit.inference else None,
        "interval_method": fit.inference.method if fit.inference else None,
        "asymptote": _plain(fit.asymptote) if trusted else None,
        "degrees_of_freedom": fit.degrees_of_freedom,
        "r2": _plain(fit.r2),
        "residual_sd": _plain(fit.residual_sd),
        "x": {name: column.tolist() for name, column in points.x.items()},
        "y": points.y.tolist(),
        "noise": None if points.noise is None else points.noise.tolist(),
        "residuals": fit.residuals.tolist(),
        "warnings": list(fit.warnings),
    }


def _parameter_rows(fit: Reportable) -> list[list[str]]:
    rows = [["parameter", "value", "s.e."]]
    if fit.inference is not None:
        rows[0].append(f"{100 * fit.inference.level:g}% interval ({fit.inference.method})")
    for name, value in fit.params.items():
        is_fixed = name in fit.fixed
        error = fit.standard_errors.get(name, math.nan)
        rows.append([name, f"{value:.6g}", "fixed" if is_fixed else f"{error:.2g}"])
        if fit.inference is not None:
            low, high = fit.interval(name)
            rows[-1].append("" if is_fixed else f"{low:.6g} to {high:.6g}")
    return rows


def _point_rows(fit: Reportable) -> list[list[str]]:
    columns = [*fit.points.x.values(), fit.points.y, fit.points.y - fit.residuals]
    rows = [[*fit.law.variables, "y", "fitted", "residual"]]
    for *numbers, residual in zip(*columns, fit.residuals, strict=True):
        rows.append([*(f"{number:.6g}" for number in numbers), f"{residual:+.2e}"])
    return rows


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


TITLE_WIDTH = 46  # characters


def figure(fit: Reportable) -> Figure:
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
    title = "\n".join(text_line for line in lines for text_line in wrap(line, TITLE_WIDTH))
    top.set_title(title, fontsize="medium")
    top.legend(frameon=False, fontsize="small")
    return canvas


def _draw_law(axes: Axes, fit: Reportable, x: np.ndarray) -> None:
    """Draw the curve over the points' range, its band, and the asymptote unless it is in doubt."""
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
