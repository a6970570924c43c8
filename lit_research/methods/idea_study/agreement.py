"""How far the reviewers of one idea agree, and how reliable the mean of an idea is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lit_research.errors import UserError
from lit_research.methods.idea_study.reviews import Reviews
from lit_research.methods.idea_study.study import Study
from lit_research.stats import Inference, icc, krippendorff_alpha

_NAN = (math.nan, math.nan)


@dataclass(frozen=True)
class Agreement:
    """Agreement of the reviewers of one stage and metric, over ideas of all arms.

    Attributes:
        metric: its name.
        stage: before or after.
        ideas: their number.
        icc: share of the variance of single reviews that is between ideas, ICC(1).
        icc_interval: 95%.
        reliability: of the mean of an idea's reviews, ICC(1, k).
        alpha: Krippendorff's, for ordered ranks.
        alpha_interval: 95%, ideas drawn anew.
        undefined: why there is none; empty where there is.
    """

    metric: str
    stage: str
    ideas: int
    icc: float
    icc_interval: tuple[float, float]
    reliability: float
    alpha: float
    alpha_interval: tuple[float, float]
    undefined: str = ""


def agreement(study: Study) -> list[Agreement]:
    """Return the agreement of every metric in both stages."""
    return [
        _agreement(reviews, metric, stage)
        for stage, reviews in (("before", study.before), ("after", study.after))
        for metric in reviews.scores
    ]


def _agreement(reviews: Reviews, metric: str, stage: str) -> Agreement:
    groups: dict[str, list[float]] = {}
    for idea, score in zip(reviews.ideas, reviews.scores[metric].tolist(), strict=True):
        groups.setdefault(idea, []).append(score)
    ratings = list(groups.values())
    try:
        single: Inference = icc(ratings, confidence=0.95)
        mean = icc(ratings, average=True, confidence=0.95)
        alpha = krippendorff_alpha(ratings, "ordinal", confidence=0.95, resamples=1_000)
    except UserError as error:  # one review an idea, or all alike: undefined, which is not 0
        nan = math.nan
        return Agreement(metric, stage, len(ratings), nan, _NAN, nan, nan, _NAN, str(error))
    return Agreement(
        metric,
        stage,
        len(ratings),
        single.effect,
        single.interval,
        mean.effect,
        alpha.effect,
        alpha.interval,
    )
