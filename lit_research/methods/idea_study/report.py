"""The report of a study: every table in Markdown, with intervals and all corrections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lit_research.figures import panels
from lit_research.methods.idea_study.analysis import Analysis, Results
from lit_research.methods.idea_study.conclusions import NAMES, Conclusion, conclude, paragraph
from lit_research.methods.idea_study.core import Comparison
from lit_research.methods.idea_study.reviews import Study
from lit_research.methods.idea_study.simulated import TESTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = Sequence[Sequence[str]]


def render(study: Study, results: Results, analysis: Analysis, frozen: str | None) -> str:
    """Return the report.

    Args:
        study: the reviews.
        results: of the analysis.
        analysis: its options.
        frozen: the file that the analysis was frozen in; None where it was not.
    """
    conclusions = conclude(study, results, analysis)
    parts = ["# Ideas before and after their execution", *_head(study, analysis, frozen)]
    parts += ["## Conclusions", paragraph(study, results, conclusions, analysis)]
    parts.append(_markdown(_support_rows(conclusions)))
    for title, table in tables(study, results):
        parts += [f"## {title}", _markdown(table)]
    return "\n\n".join(parts) + "\n"


def _head(study: Study, analysis: Analysis, frozen: str | None) -> list[str]:
    count = int(study.is_treatment.sum())
    sizes = (
        f"{len(study.ideas) - count} ideas of {study.reference} and {count} of {study.treatment}"
    )
    reviews = (
        "only the means of each idea's reviews are known: tests over reviews, mixed models, "
        "agreement and power need the reviews"
        if study.after.are_means
        else f"{len(study.before)} reviews before and {len(study.after)} after execution"
    )
    left_out = f" Left out: {'; '.join(study.left_out)}." if study.left_out else ""
    was = f"frozen in `{frozen}`" if frozen else "not frozen before the reviews were in"
    chosen = (
        f"Main claim: T-C {analysis.side}, {NAMES[analysis.correction]}, at {analysis.alpha:g}. "
        f"The analysis has the hash `{analysis.hash}` and was {was}."
    )
    return [f"{sizes}; {reviews}.{left_out}", chosen]


def tables(study: Study, results: Results) -> list[tuple[str, Table]]:
    """Return every table with its title; the first row of a table is its header."""
    arms = (study.reference, study.treatment)
    found = [
        ("T-A: reviews as units, treatment minus reference", results.by_review),
        ("T-A: controls", results.controls),
        ("T-B: ideas as units, before execution", results.before),
        ("T-B: ideas as units, after execution", results.after),
        ("T-B: scored after execution only", results.other),
        ("T-C: change of each idea, reference minus treatment", results.change),
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


def _support_rows(conclusions: Sequence[Conclusion]) -> Table:
    table = [["claim", "metric", "support", "tests that find it", "p from", "to"]]
    for one in conclusions:
        values = list(one.p.values())
        ends = [_p(min(values)), _p(max(values))] if values else ["-", "-"]
        count = f"{len(values) - len(one.failing(0.05))} of {len(values)}"
        table.append([one.claim, one.metric, one.support, count, *ends])
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


def _markdown(table: Table) -> str:
    header, *rows = table
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def gap_figure(study: Study) -> Figure:
    """Draw each idea's score before and after, a panel a metric, with the means of the arms."""
    figure, axes = panels(len(study.metrics), 1, sharex=True)
    for metric, axis in zip(study.metrics, axes, strict=True):
        before, after = (
            part.idea_means(metric, study.ideas) for part in (study.before, study.after)
        )
        for arm, mask, color, shift in (
            (study.reference, ~study.is_treatment, "C0", 0.0),
            (study.treatment, study.is_treatment, "C1", 0.06),
        ):
            x = [shift, 1 + shift]
            both = (before[mask], after[mask])
            axis.plot(x, both, color=color, alpha=0.15, linewidth=0.8)
            axis.plot(x, [v.mean() for v in both], "o-", color=color, label=arm)
        axis.set(ylabel=metric)
        axis.set_xticks([0, 1], ["before", "after"])
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def fall_figure(study: Study, results: Results) -> Figure:
    """Draw how much more the treatment falls, by each way to estimate it, with 95% intervals."""
    figure, axes = panels(len(study.metrics), 1, sharex=True)
    for metric, axis in zip(study.metrics, axes, strict=True):
        rows = _estimates(results, metric)
        for place, (_, effect, (low, high)) in enumerate(rows):
            axis.plot([low, high], [place, place], color="C0")
            axis.plot([effect], [place], "o", color="C0")
        axis.axvline(0, color="grey", linewidth=0.8)
        axis.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=7)
        axis.invert_yaxis()
        axis.set_title(metric, fontsize=9)
    axes[-1].set(xlabel=f"how much more {study.treatment} falls than {study.reference}")
    return figure


def _estimates(results: Results, metric: str) -> list[tuple[str, float, tuple[float, float]]]:
    found: list[Any] = []
    for name, rows in (
        ("T-C", results.change),
        ("T-C bootstrap", results.resampled),
        ("T-E", results.without),
    ):
        found += [(name, r.effect, r.interval) for r in rows if r.metric == metric]
    for one in results.mixed:
        if (one.metric, one.model) == (metric, "stage x arm"):
            low, high = one.interval
            found.append(("mixed", -one.effect, (-high, -low)))
    return [row for row in found if not math.isnan(row[1])]


def scalars(study: Study, results: Results, analysis: Analysis) -> dict[str, float]:
    """Return the numbers to log, by name, without those that are undefined."""
    values: dict[str, float] = {}
    for row in results.change:
        values[f"test/fall_{row.metric}"] = row.effect
        low, high = row.interval
        values[f"test/fall_{row.metric}_low"], values[f"test/fall_{row.metric}_high"] = low, high
        values[f"test/fall_{row.metric}_p"] = row.p[analysis.side][analysis.correction]
    for stage, table_b in (("before", results.before), ("after", results.after)):
        values |= {f"test/lead_{stage}_{row.metric}": row.effect for row in table_b}
    for metric, table in results.power.items():
        rows = {row.test: row for row in table}
        for told, test in (("review", TESTS[0]), ("change", TESTS[3])):
            values[f"test/power_{told}_{metric}"] = rows[test].share
            values[f"test/false_{told}_{metric}"] = rows[test].false_share
    return {name: value for name, value in values.items() if not math.isnan(value)}
