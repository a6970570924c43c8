"""Studies whose truth is known: what the tests find where there is nothing, and how often else.

Many studies are drawn at once. Legend: S studies, N ideas, R reviews.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.core import p_values
from lit_research.methods.idea_study.mixed import random_intercept
from lit_research.methods.idea_study.reviews import FEWEST, Reviews, Study
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range
from lit_research.seeds import derive_seed
from lit_research.stats import welch_statistic, wilson
from lit_research.stats.result import Array

TESTS = (
    "T-A review-level",
    "T-B before",
    "T-B after",
    "T-C change",
)
"""Tests whose p-values are simulated; all two-sided."""
_AT_ONCE = 500  # studies drawn together, for the memory


@dataclass(frozen=True)
class Components:
    """Where the scores of one metric come from.

    A score is the mean of its arm and stage, plus the idea's deviation in that stage, plus noise of
    the review. The defaults are near what the released reviews give.

    Attributes:
        mean_before: of the reference arm, on the scale of the form.
        mean_after: likewise.
        effect_before: treatment minus reference.
        effect_after: likewise.
        idea_before: s.d. of the ideas' deviations.
        idea_after: likewise.
        noise_before: s.d. of reviews of one idea.
        noise_after: likewise.
        correlation: of an idea's two deviations.
    """

    mean_before: float = 4.6
    mean_after: float = 4.0
    effect_before: float = 0.0
    effect_after: float = 0.0
    idea_before: float = 0.8
    idea_after: float = 0.9
    noise_before: float = 1.5
    noise_after: float = 1.5
    correlation: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        where = "in Components"
        deviations = ("idea_before", "idea_after", "noise_before", "noise_after")
        check_range(NOT_NEGATIVE, where, **{name: getattr(self, name) for name in deviations})
        check_range(Range(at_least=-1, at_most=1), where, correlation=self.correlation)

    def without_effect(self) -> Components:
        """Return the same with arms that do not differ."""
        return replace(self, effect_before=0.0, effect_after=0.0)


@dataclass(frozen=True)
class Design:
    """How many ideas and reviews a study has.

    Attributes:
        reference: ideas of the reference arm.
        treatment: ideas of the treatment arm.
        before: reviews of an idea before execution; every idea in turn takes the next number.
        after: likewise after execution.
    """

    reference: int = 19
    treatment: int = 24
    before: tuple[int, ...] = (2, 2, 3)
    after: tuple[int, ...] = (4, 4, 4, 4, 5)

    def __post_init__(self) -> None:
        """Refuse too few ideas or reviews."""
        fewest = Range(at_least=FEWEST)
        check_range(fewest, "in Design", reference=self.reference, treatment=self.treatment)
        for name in ("before", "after"):
            counts = getattr(self, name)
            if not counts:
                raise UserError(f"{name} is empty, in Design; must be reviews of an idea: [4, 5]")
            check_range(COUNT, "in Design", **{name: min(counts)})

    @property
    def is_treatment(self) -> np.ndarray:
        """Whether each idea is of the treatment arm, ``[N]``."""
        return np.arange(self.reference + self.treatment) >= self.reference

    def counts(self, stage: str) -> np.ndarray:
        """Return the number of reviews of each idea, ``[N]``."""
        return np.resize(getattr(self, stage), self.reference + self.treatment)

    @classmethod
    def of(cls, study: Study) -> Design:
        """Return the design of a study, idea by idea.

        Raises:
            UserError: it has means of ideas, whose reviews are not known.
        """
        _check_single(study)
        order = np.argsort(study.is_treatment, kind="stable")
        ideas = np.array(study.ideas)[order].tolist()
        n = int(study.is_treatment.sum())
        counts = [
            tuple(part.ideas.count(idea) for idea in ideas) for part in (study.before, study.after)
        ]
        return cls(len(ideas) - n, n, *counts)


def fit_components(study: Study, metric: str) -> Components:
    """Return the components of a metric, each stage fitted by a mixed model with the arm.

    The correlation is that of the ideas' deviations, corrected for the noise of their reviews, and
    0 where ideas do not differ.

    Raises:
        UserError: the study has means of ideas.
    """
    _check_single(study)
    numbers: dict[str, float] = {}
    deviations = []
    for name, part in (("before", study.before), ("after", study.after)):
        arm = np.array([float(own == study.treatment) for own in part.arms])
        groups = np.unique(part.ideas, return_inverse=True)[1]
        design = np.column_stack([np.ones(len(arm)), arm])
        found = random_intercept(part.scores[metric], design, groups)
        numbers[f"mean_{name}"], numbers[f"effect_{name}"] = map(float, found.beta)
        numbers[f"idea_{name}"] = found.group_variance**0.5
        numbers[f"noise_{name}"] = found.residual_variance**0.5
        means = part.idea_means(metric, study.ideas)
        for side in (study.is_treatment, ~study.is_treatment):
            means[side] -= means[side].mean()
        deviations.append(means)
    covariance = float(deviations[0] @ deviations[1]) / (len(study.ideas) - 2)
    scale = numbers["idea_before"] * numbers["idea_after"]
    correlation = max(-1.0, min(1.0, covariance / scale)) if scale > 0 else 0.0
    return Components(**numbers, correlation=correlation)


def _check_single(study: Study) -> None:
    if study.after.are_means:
        raise UserError(
            "the study has means of ideas; must have single reviews to know their noise: give "
            "ReviewFiles their paths"
        )


def draw_scores(
    components: Components, design: Design, studies: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return reviews before ``[S, R]`` and after ``[S, R']``, idea by idea, as in the design."""
    arm = design.is_treatment
    first = rng.standard_normal((studies, len(arm)))
    rho = components.correlation
    second = rho * first + (1 - rho**2) ** 0.5 * rng.standard_normal((studies, len(arm)))
    stages = []
    for stage, deviation in (("before", first), ("after", second)):
        mean, effect, idea, noise = (
            getattr(components, f"{name}_{stage}") for name in ("mean", "effect", "idea", "noise")
        )
        ideas = mean + effect * arm + idea * deviation
        reviews = np.repeat(ideas, design.counts(stage), axis=1)
        stages.append(reviews + noise * rng.standard_normal(reviews.shape))
    return stages[0], stages[1]


def simulate_p(
    components: Components, design: Design, studies: int = 2_000, seed: int = 0
) -> dict[str, Array]:
    """Return two-sided p-values of the tables' tests in simulated studies, ``[S]`` each.

    Args:
        components: where scores come from.
        design: numbers of ideas and reviews.
        studies: how many, S.
        seed: of the draws.
    """
    rng = np.random.default_rng(derive_seed("idea_study", "simulate", seed))
    found: dict[str, list[Array]] = {test: [] for test in TESTS}
    for start in range(0, studies, _AT_ONCE):
        scores = draw_scores(components, design, min(_AT_ONCE, studies - start), rng)
        for test, (values, arm) in zip(TESTS, _units(scores, design), strict=True):
            found[test].append(_welch_p(values, arm))
    return {test: np.concatenate(parts) for test, parts in found.items()}


def _units(scores: tuple[Array, Array], design: Design) -> Iterator[tuple[Array, np.ndarray]]:
    """Yield the units of each test ``[S, U]`` and whether each is of the treatment arm ``[U]``."""
    means = []
    for stage, reviews in zip(("before", "after"), scores, strict=True):
        counts = design.counts(stage)
        starts = np.cumsum(counts) - counts
        means.append(np.add.reduceat(reviews, starts, axis=1) / counts)
    arm = design.is_treatment
    yield scores[1], np.repeat(arm, design.counts("after"))
    yield means[0], arm
    yield means[1], arm
    yield means[1] - means[0], arm


def _welch_p(values: Array, arm: np.ndarray) -> Array:
    sides = values[:, arm], values[:, ~arm]
    t, df = welch_statistic(
        (sides[0].mean(axis=1), sides[1].mean(axis=1)),
        (sides[0].var(axis=1, ddof=1), sides[1].var(axis=1, ddof=1)),
        (sides[0].shape[1], sides[1].shape[1]),
    )
    return p_values(t, df, "greater")["two-sided"]


@dataclass(frozen=True)
class Power:
    """How often a test finds something.

    Attributes:
        test: one of ``TESTS``.
        share: of simulated studies with p below alpha.
        interval: 95%, Wilson's, of the share.
        false_share: the same where the arms do not differ; more than alpha is too optimistic.
        false_interval: its interval.
    """

    test: str
    share: float
    interval: tuple[float, float]
    false_share: float
    false_interval: tuple[float, float]


def power(
    components: Components,
    design: Design,
    *,
    alpha: float = 0.05,
    studies: int = 2_000,
    seed: int = 0,
) -> list[Power]:
    """Return the power of the tables' tests, two-sided, by simulation; and their false alarms.

    Args:
        components: such as ``fit_components`` returns.
        design: of the study that is planned.
        alpha: level of the tests.
        studies: simulated, for each of both.
        seed: of the draws.
    """
    check_range(Range(above=0, below=1), "in power", alpha=alpha)
    check_range(COUNT, "in power", studies=studies)
    runs = [
        simulate_p(which, design, studies, seed)
        for which in (components, components.without_effect())
    ]
    found = []
    for test in TESTS:
        counts = [int((run[test] < alpha).sum()) for run in runs]
        (share, interval), (false_share, false_interval) = (
            (count / studies, wilson(count, studies)) for count in counts
        )
        found.append(Power(test, share, interval, false_share, false_interval))
    return found


def simulated_study(
    components: Mapping[str, Components],
    design: Design,
    *,
    seed: int = 0,
    round_to: tuple[int, int] | None = (1, 10),
) -> Study:
    """Return one simulated study, with the arms Human and AI.

    Args:
        components: by metric.
        design: numbers of ideas and reviews.
        seed: of the scores.
        round_to: scores are whole numbers of this range; None leaves them as drawn.
    """
    arms = np.where(design.is_treatment, "AI", "Human")
    ideas = np.array([f"Simulated_{n}_{arm}" for n, arm in enumerate(arms, 1)])
    drawn = {}
    for metric, one in components.items():
        rng = np.random.default_rng(derive_seed("idea_study", "study", seed, metric))
        drawn[metric] = draw_scores(one, design, 1, rng)
    parts: list[Any] = []
    for number, stage in enumerate(("before", "after")):
        counts = design.counts(stage)
        scores = {metric: pair[number][0] for metric, pair in drawn.items()}
        if round_to is not None:
            scores = {metric: np.clip(np.rint(v), *round_to) for metric, v in scores.items()}
        parts.append(
            Reviews(
                ideas=tuple(np.repeat(ideas, counts).tolist()),
                arms=tuple(np.repeat(arms, counts).tolist()),
                scores=scores,
            )
        )
    return Study(*parts)
