"""Studies whose truth is known: what the tests find where there is nothing, and how often else.

Many studies are drawn at once. Legend: S studies, N ideas, R reviews.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lit_research.methods.idea_study.comparisons import p_values
from lit_research.methods.idea_study.components import Components, Design
from lit_research.methods.idea_study.reviews import Reviews
from lit_research.methods.idea_study.study import Study
from lit_research.seeds import derive_seed
from lit_research.stats import welch_statistic
from lit_research.stats.result import Array

TESTS = (
    "T-A review-level",
    "T-B before",
    "T-B after",
    "T-C change",
)
"""Tests whose p-values are simulated; all two-sided."""


_AT_ONCE = 500  # studies drawn together, for the memory


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
