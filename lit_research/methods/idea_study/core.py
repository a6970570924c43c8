"""The tables of the study: pure functions of reviews, which need numpy and scipy only.

T-A compares the arms over reviews, T-B over ideas, T-C the change of each idea from before to after
its execution (the claim of the paper), T-D correlates before and after, T-E is T-C without some
ideas. Effects have the sign of the paper: treatment minus reference in T-A and T-B (AI - Human),
reference minus treatment in T-C (how much more the treatment's ideas fall).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from lit_research.methods.idea_study.reviews import CONTROLS, SHARED_METRICS, Reviews, Study
from lit_research.stats import (
    benjamini_hochberg,
    bonferroni,
    holm,
    paired_t,
    pearson,
    spearman,
    welch_statistic,
)
from lit_research.stats.result import Array

Side: TypeAlias = Literal["one-sided", "two-sided"]
CONFIDENCE = 0.95  # as in the paper
CORRECTIONS: dict[str, Callable[[Array], Array]] = {
    "none": np.array,
    "bh": benjamini_hochberg,
    "holm": holm,
    "bonferroni": bonferroni,
}
"""What a p-value is adjusted by, for the number of metrics of its table."""


@dataclass(frozen=True)
class Moments:
    """What Welch's test reads of an arm: units, their mean and their s.d. (``n - 1``)."""

    n: int
    mean: float
    sd: float

    @classmethod
    def of(cls, values: Array) -> Moments:
        """Return the moments of values ``[n]``, two or more."""
        return cls(len(values), float(values.mean()), float(values.std(ddof=1)))

    @property
    def population_sd(self) -> float:
        """The s.d. with ``n`` in the denominator, which the paper prints of reviews."""
        return self.sd * math.sqrt((self.n - 1) / self.n)


@dataclass(frozen=True)
class Comparison:
    """Welch's test of one metric.

    Attributes:
        metric: its name.
        reference: moments of the reference arm.
        treatment: moments of the treatment arm.
        effect: difference of the means, with the table's sign.
        interval: 95%, two-sided.
        t: Welch's statistic of the effect; nan where no unit of either arm differs.
        df: Satterthwaite's degrees of freedom.
        d: effect over the pooled s.d.; nan where that is 0.
        p: by side and correction; one-sided in the table's direction. nan where ``t`` is.
    """

    metric: str
    reference: Moments
    treatment: Moments
    effect: float
    interval: tuple[float, float]
    t: float
    df: float
    d: float
    p: Mapping[Side, Mapping[str, float]]


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


def compare(
    moments: Mapping[str, tuple[Moments, Moments]],
    *,
    direction: Literal["treatment-reference", "reference-treatment"],
    alternative: Literal["greater", "less"],
) -> list[Comparison]:
    """Compare arms in every metric by Welch's test, with the p-values corrected over the metrics.

    Args:
        moments: of each metric, those of the reference arm and of the treatment arm.
        direction: of the effect.
        alternative: direction of the one-sided test.
    """
    metrics = list(moments)
    sign = 1.0 if direction == "treatment-reference" else -1.0
    pairs = [moments[metric] for metric in metrics]
    arms = [[pair[side] for pair in pairs] for side in (1, 0)]
    t, df = welch_statistic(
        *(
            (
                np.array([getattr(m, name) for m in arms[0]]) ** power,
                np.array([getattr(m, name) for m in arms[1]]) ** power,
            )
            for name, power in (("mean", 1), ("sd", 2), ("n", 1))
        )
    )
    t = sign * t
    p = p_values(t, df, alternative)
    corrected = {side: corrections(values) for side, values in p.items()}
    found = []
    for number, (metric, (reference, treatment)) in enumerate(zip(metrics, pairs, strict=True)):
        effect = sign * (treatment.mean - reference.mean)
        found.append(
            Comparison(
                metric,
                reference,
                treatment,
                effect,
                _interval(effect, reference, treatment, float(df[number])),
                float(t[number]),
                float(df[number]),
                _standardised(effect, reference, treatment),
                {
                    side: {name: float(values[number]) for name, values in by_name.items()}
                    for side, by_name in corrected.items()
                },
            )
        )
    return found


def p_values(t: Array, df: Array, alternative: Literal["greater", "less"]) -> dict[Side, Array]:
    """Return one- and two-sided p-values of Student's t, of any shape; nan stays nan."""
    from scipy import special

    one = special.stdtr(df, t if alternative == "less" else -t)
    return {"one-sided": one, "two-sided": 2 * special.stdtr(df, -np.abs(t))}


def corrections(p: Array) -> dict[str, Array]:
    """Return p-values ``[m]`` by every correction; those that are nan do not count as tests."""
    known = np.isfinite(p)
    found: dict[str, Array] = {}
    for name, correct in CORRECTIONS.items():
        found[name] = np.full(len(p), np.nan)
        found[name][known] = correct(p[known])
    return found


def _interval(
    effect: float, reference: Moments, treatment: Moments, df: float
) -> tuple[float, float]:
    from scipy import special

    error = math.sqrt(reference.sd**2 / reference.n + treatment.sd**2 / treatment.n)
    half = float(special.stdtrit(df, (1 + CONFIDENCE) / 2)) * error
    return effect - half, effect + half


def _standardised(effect: float, reference: Moments, treatment: Moments) -> float:
    degrees = [reference.n - 1, treatment.n - 1]
    squares = degrees[0] * reference.sd**2 + degrees[1] * treatment.sd**2
    return effect / math.sqrt(squares / sum(degrees)) if squares else math.nan


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
