"""How much a fit hangs on its points: refits without the last ones, and to random subsets.

The report of SGS on its asymptotes (Bailey et al. 2026, arXiv 2604.20209, appendix A). For the
sigmoid, :func:`lit_research.laws.anchor` comes first: it drops the early points and fixes ``R0``::

    law, C, rate = anchor(generations, solved)
    print(robustness(law, C, rate).report())
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.laws.base import Array, Law
from lit_research.laws.fitting import fit
from lit_research.laws.objective import Method
from lit_research.laws.points import Values, gather
from lit_research.laws.registry import AnyLaw, as_law
from lit_research.laws.result import Fit
from lit_research.ranges import NOT_NEGATIVE, Range, check_range


@dataclass(frozen=True)
class Robustness:
    """A fit and its refits.

    Attributes:
        full: the fit to all points.
        dropped: share of the points that was left out at the end -> the fit to the others.
        subsets: parameters of the refits to random subsets, ``[R, P]`` in the order of
            ``full.law.names``; those with doubts are among them.
        share: of the points in a subset.
        doubtful: how many of the subsets' fits had doubts (a parameter on its bound, a direction
            that the points do not determine).
    """

    full: Fit
    dropped: Mapping[float, Fit]
    subsets: Array
    share: float
    doubtful: int

    @property
    def mean(self) -> dict[str, float]:
        """Mean of every parameter over the subsets; nan without any, or with an infinite one."""
        return self._over_subsets(np.mean, least=1)

    @property
    def std(self) -> dict[str, float]:
        """Standard deviation (n - 1) of every parameter over the subsets; nan below two."""
        return self._over_subsets(lambda values: np.std(values, ddof=1), least=2)

    def _over_subsets(self, statistic: Callable[[Array], Any], least: int) -> dict[str, float]:
        found = {}
        for name, column in zip(self.full.law.names, self.subsets.T, strict=True):
            # A parameter without an end may be 1e200, whose square is too large, or infinite.
            size = np.abs(column).max(initial=1e-300)
            known = len(column) >= least and bool(np.isfinite(size))
            found[name] = float(size * statistic(column / size)) if known else float("nan")
        return found

    def report(self) -> str:
        """A plain-text table: the fit, the refits, what is wrong with them."""
        law = self.full.law
        rows = [["points", *law.names]]
        rows.append([f"all {len(self.full.points)}", *_cells(self.full.params)])
        for share, found in self.dropped.items():
            rows.append([f"without the last {100 * share:g}%", *_cells(found.params)])
        if len(self.subsets):
            name = f"{len(self.subsets)} subsets of {100 * self.share:g}%"
            mean, std = self.mean, self.std
            rows.append([name, *(f"{mean[p]:.6g} ± {std[p]:.2g}" for p in law.names)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{type(law).__name__}: {law.formula}", ""]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
        lines += [f"warning: all points: {text}" for text in self.full.warnings]
        for share, found in self.dropped.items():
            lines += [f"warning: without the last {100 * share:g}%: {d}" for d in found.doubts]
        if self.doubtful:
            lines.append(
                f"warning: {self.doubtful} of {len(self.subsets)} subsets do not determine the law"
            )
        return "\n".join(lines)


def _cells(params: Mapping[str, float]) -> list[str]:
    return [f"{value:.6g}" for value in params.values()]


def robustness(
    law: AnyLaw,
    x: Values | Mapping[str, Values],
    y: Values,
    *,
    drop: Sequence[float] = (0.1, 0.2, 0.3),
    subsets: int = 100,
    share: float = 0.5,
    seed: int = 0,
    method: Method = "ls",
    **options: Any,
) -> Robustness:
    """Fit a law to all points, without the last ones, and to random subsets.

    Args:
        law: a law of one variable, its class, its name or its class path.
        x: positive numbers ``[n]``.
        y: losses or rates ``[n]``.
        drop: shares of the points, those with the largest ``x``, to leave out one after the other.
        subsets: number of random subsets.
        share: of the points that a subset has.
        seed: of the subsets.
        method: of the fits; ``"ls"`` is the paper's.
        **options: of :func:`lit_research.laws.fit` for every fit; refits have no intervals.

    Raises:
        UserError: a law of several variables (their points have no end), shares outside (0, 1), a
            negative number of subsets, or too few points for a refit.
    """
    form = as_law(law)
    _check(form, drop, subsets, share)
    if options.get("noise") is not None and np.ndim(options["noise"]):
        raise UserError(
            "noise is an array, given to robustness, where points are left out: give one number"
        )
    points = gather(form, x, y, None, method)
    name = form.variables[0]
    order = np.argsort(points.x[name], kind="stable")
    ordered, values = points.x[name][order], points.y[order]
    n = values.size
    refit_options: dict[str, Any] = {**options, "method": method, "interval_method": None}

    def refit(kept: Any) -> Fit:
        return fit(form, ordered[kept], values[kept], **refit_options)

    dropped = {part: refit(slice(0, n - round(part * n))) for part in drop}
    rng = np.random.default_rng(seed)
    size = round(share * n)
    fits = [refit(np.sort(rng.choice(n, size, replace=False))) for _ in range(subsets)]
    params = np.array([list(found.params.values()) for found in fits]).reshape(
        len(fits), len(form.names)
    )
    full = fit(form, ordered, values, method=method, **options)
    return Robustness(full, dropped, params, share, sum(bool(found.doubts) for found in fits))


def _check(law: Law, drop: Sequence[float], subsets: int, share: float) -> None:
    if len(law.variables) > 1:
        raise UserError(
            f"{type(law).__name__} has the variables {list(law.variables)}, in robustness: its "
            "points have no end to drop; give a law of one variable"
        )
    for part in drop:
        check_range(Range(above=0, below=1), "given to robustness", drop=part)
    check_range(Range(above=0, below=1), "given to robustness", share=share)
    check_range(NOT_NEGATIVE, "given to robustness", subsets=subsets)
