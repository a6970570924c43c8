"""A fit as text and as JSON data."""

import math
from dataclasses import asdict, is_dataclass
from typing import Any

from lit_research.laws.result import Fit


def report(fit: Fit) -> str:
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


def to_dict(fit: Fit) -> dict[str, Any]:
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


def _parameter_rows(fit: Fit) -> list[list[str]]:
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


def _point_rows(fit: Fit) -> list[list[str]]:
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
