"""T-C without normal theory: permutations of the arms over ideas, and ideas drawn anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.comparisons import CONFIDENCE
from lit_research.methods.idea_study.core import changes
from lit_research.methods.idea_study.study import Study
from lit_research.seeds import derive_seed
from lit_research.stats import permutation


@dataclass(frozen=True)
class Resampled:
    """How much more the treatment's ideas fall, by resampling.

    Attributes:
        metric: its name.
        effect: reference minus treatment.
        one_sided: p-value by permutation, for a larger fall of the treatment.
        two_sided: likewise, for any difference.
        interval: 95%, percentiles of ideas drawn anew within each arm.
        resamples: draws of each.
    """

    metric: str
    effect: float
    one_sided: float
    two_sided: float
    interval: tuple[float, float]
    resamples: int


def resample(study: Study, *, resamples: int = 9_999, seed: int = 0) -> list[Resampled]:
    """Return the permutation test and the bootstrap of T-C.

    Args:
        study: the reviews.
        resamples: permutations, and bootstrap draws; 99 or more.
        seed: of the draws.

    Raises:
        UserError: too few resamples.
    """
    if resamples < 99:
        raise UserError(f"resamples is {resamples}, in resample; must be 99 or more")
    found = []
    for metric in study.metrics:
        change = changes(study, metric)
        arms = change[~study.is_treatment], change[study.is_treatment]
        own = derive_seed("idea_study", seed, metric) >> 1
        one = permutation(*arms, alternative="greater", resamples=resamples, seed=own)
        two = permutation(*arms, alternative="two-sided", resamples=resamples, seed=own)
        rng = np.random.default_rng(own)
        draws = [
            arm[rng.integers(len(arm), size=(resamples, len(arm)))].mean(axis=1) for arm in arms
        ]
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(draws[0] - draws[1], [tail, 1 - tail])
        interval = (float(low), float(high))
        found.append(Resampled(metric, one.effect, one.p, two.p, interval, resamples))
    return found
