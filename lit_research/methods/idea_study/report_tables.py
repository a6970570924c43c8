"""The tables of a report, with intervals and all corrections side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lit_research.methods.idea_study.analysis import Results
from lit_research.methods.idea_study.comparisons import Comparison
from lit_research.methods.idea_study.conclusions import NAMES
from lit_research.methods.idea_study.study import Study

if TYPE_CHECKING:
    pass

Table = Sequence[Sequence[str]]


def tables(study: Study, results: Results) -> list[tuple[str, Table]]:
    """Return every table with its title; the first row of a table is its header."""
    arms = (study.reference, study.treatment)
    found = [
        ("T-A: reviews as units, treatment minus reference (one-sided: lower)", results.by_review),
        ("T-A: controls", results.controls),
        ("T-B: ideas as units, before execution (one-sided: lower)", results.before),
        ("T-B: ideas as units, after execution (one-sided: lower)", results.after),
        ("T-B: scored after execution only", results.other),
        (
            "T-C: change of each idea, reference minus treatment (one-sided: falls more)",
            results.change,
        ),
        ("T-E: T-C without the excluded ideas", results.without),
    ]
    rendered = [(title, _comparisons(rows, arms)) for title, rows in found if rows]
    rendered += [
        ("T-C by resampling of ideas", _resampled(results)),
        ("Change of each arm", _falls(results)),
        ("T-D: correlation of before and after", _correlations(results)),
        ("ANCOVA: after on before and arm, HC3", _ancova(results)),
    ]
    for title, table in (
        ("Mixed models with an intercept for each idea", _mixed(results)),
        ("Agreement of the reviewers of one idea", _agreement(results)),
        ("Power at the effects and variances found, two-sided", _power(results)),
    ):
        if len(table) > 1:
            rendered.append((title, table))
    return rendered


def _comparisons(rows: Sequence[Comparison], arms: tuple[str, str]) -> Table:
    header = ["metric", *(f"{arm} (sd, n)" for arm in arms), "effect [95%]", "t", "d"]
    for side in ("1-sided", "2-sided"):
        header += [f"p {side}", *(f"{name}" for key, name in NAMES.items() if key != "none")]
    table = [header]
    for row in rows:
        cells = [row.metric]
        cells += [f"{m.mean:.3f} ({m.sd:.3f}, {m.n})" for m in (row.reference, row.treatment)]
        cells += [_with_interval(row.effect, row.interval), _number(row.t), _number(row.d, 2)]
        for side in ("one-sided", "two-sided"):
            cells += [_p(p) for p in row.p[side].values()]  # type: ignore[index]
        table.append(cells)
    return table


def _resampled(results: Results) -> Table:
    table = [["metric", "effect [95%, bootstrap]", "permutation p 1-sided", "2-sided"]]
    for one in results.resampled:
        effect = _with_interval(one.effect, one.interval)
        table.append([one.metric, effect, _p(one.one_sided), _p(one.two_sided)])
    return table


def _falls(results: Results) -> Table:
    table = [["metric", "arm", "change [95%]", "p", "fell"]]
    for one in results.falls:
        change = _with_interval(one.change, one.interval)
        table.append([one.metric, one.arm, change, _p(one.p), f"{one.fell} of {one.n}"])
    return table


def _correlations(results: Results) -> Table:
    table = [["metric", "ideas", "Pearson [95%]", "p", "Spearman", "p"]]
    for one in results.correlations:
        name = f"{one.group} ({one.n})"
        if one.undefined:
            table.append([one.metric, name, f"undefined: {one.undefined}", "-", "-", "-"])
            continue
        r = _with_interval(one.r, one.interval)
        table.append([one.metric, name, r, _p(one.r_p), f"{one.rho:.3f}", _p(one.rho_p)])
    return table


def _ancova(results: Results) -> Table:
    table = [["metric", "effect of the arm [95%]", "p", "slope on before", "p"]]
    for one in results.ancova:
        effect = _with_interval(one.effect, one.interval)
        table.append([one.metric, effect, _p(one.p), _number(one.slope, 2), _p(one.slope_p)])
    return table


def _mixed(results: Results) -> Table:
    table = [["metric", "effect", "estimate [95%]", "p", "variance: ideas", "reviews", "fit"]]
    for one in results.mixed:
        variances = ["-", "-"]
        if one.fit is not None:
            variances = [f"{one.fit.group_variance:.3f}", f"{one.fit.residual_variance:.3f}"]
        estimate = _with_interval(one.effect, one.interval)
        table.append([one.metric, one.model, estimate, _p(one.p), *variances, one.note])
    return table


def _agreement(results: Results) -> Table:
    table = [["metric", "stage", "ICC(1) [95%]", "ICC(1,k) of a mean", "alpha, ordinal [95%]"]]
    for one in results.agreement:
        if one.undefined:
            table.append([one.metric, one.stage, f"undefined: {one.undefined}", "-", "-"])
            continue
        single = _with_interval(one.icc, one.icc_interval)
        alpha = _with_interval(one.alpha, one.alpha_interval)
        table.append([one.metric, one.stage, single, f"{one.reliability:.3f}", alpha])
    return table


def _power(results: Results) -> Table:
    table = [["metric", "test", "power [95%]", "rejects without a difference [95%]"]]
    for metric, rows in results.power.items():
        for row in rows:
            share = _with_interval(row.share, row.interval)
            false = _with_interval(row.false_share, row.false_interval)
            table.append([metric, row.test, share, false])
    return table


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    if math.isnan(value):
        return "undefined"
    low, high = interval
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _number(value: float, digits: int = 3) -> str:
    return "undefined" if math.isnan(value) else f"{value:.{digits}f}"


def _p(p: float) -> str:
    if math.isnan(p):
        return "undefined"
    return f"{p:.4f}" if p >= 1e-4 else f"{p:.1e}"
