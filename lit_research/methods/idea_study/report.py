"""The report of a study: every table in Markdown, with intervals and all corrections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lit_research.methods.idea_study.analysis import Results
from lit_research.methods.idea_study.conclusions import NAMES, Conclusion, conclude
from lit_research.methods.idea_study.options import Analysis
from lit_research.methods.idea_study.simulated import TESTS
from lit_research.methods.idea_study.study import Study
from lit_research.methods.idea_study.wording import paragraph

if TYPE_CHECKING:
    pass
from lit_research.methods.idea_study.report_tables import Table, _p, tables


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
    parts.append(_markdown(_support_rows(conclusions, analysis.alpha)))
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


def _support_rows(conclusions: Sequence[Conclusion], alpha: float) -> Table:
    table = [["claim", "metric", "support", "tests that find it", "p from", "to"]]
    for one in conclusions:
        values = list(one.p.values())
        ends = [_p(min(values)), _p(max(values))] if values else ["-", "-"]
        count = f"{len(values) - len(one.failing(alpha))} of {len(values)}"
        table.append([one.claim, one.metric, one.support, count, *ends])
    return table


def _markdown(table: Table) -> str:
    header, *rows = table
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
