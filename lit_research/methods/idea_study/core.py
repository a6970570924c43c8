"""The tables of the study: pure functions of reviews, which need numpy and scipy only.

T-A compares the arms over reviews, T-B over ideas, T-C the change of each idea from before to after
its execution (the claim of the paper), T-D correlates before and after, T-E is T-C without some
ideas. Effects have the sign of the paper: treatment minus reference in T-A and T-B (AI - Human),
reference minus treatment in T-C (how much more the treatment's ideas fall).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lit_research.methods.idea_study.comparisons import CONFIDENCE, Comparison, Moments, compare
from lit_research.methods.idea_study.reviews import CONTROLS, SHARED_METRICS, Reviews
from lit_research.methods.idea_study.study import Study
from lit_research.stats import (
    paired_t,
    pearson,
    spearman,
)
from lit_research.stats.result import Array


@dataclass(frozen=True)
class Correlation:
    """Correlation of a metric before and after, over ideas; nan where a side is constant.

    Attributes:
        metric: its name.
        group: ``all``, or the name of an arm.
        n: ideas.
        r: Pearson's.
        r_p: its two-sided p-value.
        rho: Spearman's.
        rho_p: its two-sided p-value.
        interval: 95%, of Pearson's.
        undefined: why there is no correlation; empty where there is one.
    """

    metric: str
    group: str
    n: int
    r: float
    r_p: float
    rho: float
    rho_p: float
    interval: tuple[float, float]
    undefined: str = ""


@dataclass(frozen=True)
class Fall:
    """Whether the ideas of one arm fell.

    Attributes:
        metric: its name.
        arm: its name.
        n: ideas.
        change: mean of after minus before.
        interval: 95%.
        p: two-sided, of a change of 0; nan where all ideas changed alike.
        fell: ideas that have a lower mean score after execution.
    """

    metric: str
    arm: str
    n: int
    change: float
    interval: tuple[float, float]
    p: float
    fell: int


def by_review(study: Study) -> tuple[list[Comparison], list[Comparison]]:
    """Return T-A, which takes every review as a unit: the scores, and the controls.

    Reviews of one idea are not independent, so its p-values are too small; it is here because the
    paper has it.
    """
    after = study.after
    is_treatment = np.array([arm == study.treatment for arm in after.arms])
    moments = {
        metric: (Moments.of(values[~is_treatment]), Moments.of(values[is_treatment]))
        for metric, values in after.scores.items()
    }
    return scores_and_controls(moments)


def scores_and_controls(
    moments: Mapping[str, tuple[Moments, Moments]],
) -> tuple[list[Comparison], list[Comparison]]:
    """Return the comparisons of T-A, corrected apart: the scores, and the controls."""
    tables = [
        {metric: pair for metric, pair in moments.items() if (metric in CONTROLS) == controls}
        for controls in (False, True)
    ]
    scores, controls = (
        compare(table, direction="treatment-reference", alternative="less") for table in tables
    )
    return scores, controls


def by_idea(study: Study, stage: Literal["before", "after"]) -> list[Comparison]:
    """Return T-B of a stage, over the metrics of both stages: ideas are units."""
    reviews = study.before if stage == "before" else study.after
    return _of_ideas(study, reviews, study.metrics)


def other_metrics(study: Study) -> list[Comparison]:
    """Return the comparison over ideas of the metrics that are scored after execution only."""
    others = [metric for metric in study.after.scores if metric not in study.metrics]
    return _of_ideas(study, study.after, others)


def _of_ideas(study: Study, reviews: Reviews, metrics: Sequence[str]) -> list[Comparison]:
    moments = {
        metric: _moments(study, reviews.idea_means(metric, study.ideas)) for metric in metrics
    }
    return compare(moments, direction="treatment-reference", alternative="less")


def _moments(study: Study, values: Array) -> tuple[Moments, Moments]:
    return Moments.of(values[~study.is_treatment]), Moments.of(values[study.is_treatment])


def changes(study: Study, metric: str) -> Array:
    """Return after minus before of every idea, ``[N]``."""
    after, before = study.after, study.before
    return after.idea_means(metric, study.ideas) - before.idea_means(metric, study.ideas)


def change_scores(study: Study) -> list[Comparison]:
    """Return T-C: how much more the treatment's ideas fall, tested one-sided for more."""
    moments = {metric: _moments(study, changes(study, metric)) for metric in study.metrics}
    return compare(moments, direction="reference-treatment", alternative="greater")


def change_scores_without(study: Study, ideas: Iterable[str]) -> list[Comparison]:
    """Return T-E: T-C without some ideas.

    Raises:
        UserError: an idea is not in the study, or an arm is left with fewer than 3.
    """
    return change_scores(study.without(ideas))


def falls(study: Study) -> list[Fall]:
    """Return for each metric and arm whether the ideas fell."""
    found = []
    for metric in study.metrics:
        change = changes(study, metric)
        for arm, mask in _groups(study)[1:]:
            own = change[mask]
            test = paired_t(own, confidence=CONFIDENCE)
            p = test.p if (own != own[0]).any() else math.nan
            count = int((own < 0).sum())
            found.append(Fall(metric, arm, len(own), test.effect, test.interval, p, count))
    return found


def _groups(study: Study) -> list[tuple[str, np.ndarray]]:
    is_treatment = study.is_treatment
    return [
        ("all", np.ones(len(is_treatment), dtype=bool)),
        (study.treatment, is_treatment),
        (study.reference, ~is_treatment),
    ]


def correlations(study: Study) -> list[Correlation]:
    """Return T-D; a correlation with constant scores is undefined, which is not 0."""
    found = []
    for metric in study.metrics:
        x, y = (part.idea_means(metric, study.ideas) for part in (study.before, study.after))
        for group, mask in _groups(study):
            found.append(_correlation(metric, group, x[mask], y[mask]))
    return found


def _correlation(metric: str, group: str, x: Array, y: Array) -> Correlation:
    reason = ""
    if len(x) < 4:
        reason = f"{len(x)} ideas"
    for stage, values in (("before", x), ("after", y)):
        if (values == values[0]).all():
            reason = f"all scores {stage} are {values[0]:g}"
    if reason:
        nan = math.nan
        return Correlation(metric, group, len(x), nan, nan, nan, nan, (nan, nan), reason)
    r, rho = pearson(x, y, confidence=CONFIDENCE), spearman(x, y, confidence=CONFIDENCE)
    return Correlation(metric, group, len(x), r.effect, r.p, rho.effect, rho.p, r.interval)


def metric_order(metrics: Iterable[str]) -> list[str]:
    """Return metrics with those of the paper first, in its order."""
    names = list(metrics)
    return [m for m in SHARED_METRICS if m in names] + [m for m in names if m not in SHARED_METRICS]
