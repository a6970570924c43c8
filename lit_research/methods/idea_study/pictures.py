"""The figures of a report: ideas before and after, and every estimate of the fall."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lit_research.figures import panels
from lit_research.methods.idea_study.analysis import Results
from lit_research.methods.idea_study.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
