"""The order of several arms: which pairs the seeds tell apart, and whether any is the wrong way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.ranges import check_range
from lit_research.stats.corrections import holm
from lit_research.stats.means import paired_t
from lit_research.stats.result import LEVEL, Inference, sample


@dataclass(frozen=True)
class Pair:
    """Two arms, compared over the same seeds.

    Attributes:
        first: one of them.
        second: the other.
        difference: the first minus the second, the interval corrected for the number of pairs.
        p: Holm's adjusted p-value.
        better: the name of the better one; None where the seeds do not tell: a tie.
    """

    first: str
    second: str
    difference: Inference
    p: float
    better: str | None

    def is_reversed(self, true: Mapping[str, float], gap: float = 0.0) -> bool:
        """Return whether the worse one is called better, though they differ by more than a gap.

        Args:
            true: mean of each arm, known in another way: by design, or from other seeds.
            gap: differences up to this one do not matter.
        """
        difference = true[self.first] - true[self.second]
        if self.better is None or abs(difference) <= gap:
            return False
        return (self.better == self.first) != (difference > 0)


def rank_pairs(scores: Mapping[str, ArrayLike], *, alpha: float = 0.05) -> list[Pair]:
    """Compare every two arms by a two-sided paired t-test, with Holm's correction over all pairs.

    Of equal arms, even one pair is told apart with a probability of at most alpha, if the
    differences are normal.

    Args:
        scores: of each arm, one a seed in the same order of seeds, ``[S]``; higher is better.
        alpha: chance of a false difference.

    Raises:
        UserError: there are fewer than two arms, or they have not the same number of seeds.
    """
    check_range(LEVEL, "in rank_pairs", alpha=alpha)
    values = {name: sample(name, one) for name, one in scores.items()}
    sizes = {name: len(one) for name, one in values.items()}
    if len(values) < 2 or len(set(sizes.values())) > 1:
        raise UserError(
            f"the arms have {sizes} scores, in rank_pairs; give two arms or more, with one score "
            "for each seed"
        )
    pairs = list(combinations(values, 2))
    confidence = 1 - alpha / len(pairs)
    tests = [paired_t(values[a] - values[b], confidence=confidence) for a, b in pairs]
    adjusted = holm([1.0 if np.isnan(test.p) else test.p for test in tests])
    return [
        Pair(a, b, test, float(p), (a if test.effect > 0 else b) if p < alpha else None)
        for (a, b), test, p in zip(pairs, tests, adjusted, strict=True)
    ]
