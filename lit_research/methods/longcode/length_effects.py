"""What longer prompts change: drops between lengths, the area under the curve, effective length.

Legend: I items, K lengths.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.longcode.flip_test import flip_p
from lit_research.methods.longcode.outcomes import Column, Outcomes
from lit_research.methods.longcode.share_intervals import correlations, mean_share, weighted_sum
from lit_research.stats import holm


@dataclass(frozen=True)
class Difference:
    """Accuracy of one thing minus that of another, on the items that both have.

    Attributes:
        first: name of the one: a length, or an exam.
        second: name of the other.
        n: items that both have.
        wins: items with a larger share of right answers in the first.
        losses: items with a larger one in the second.
        effect: mean difference.
        low: end of its interval, two-sided and not corrected for the number of comparisons.
        high: end of its interval.
        p: of the exact test.
        p_holm: the same, corrected for the comparisons that were made.
    """

    first: str
    second: str
    n: int
    wins: int
    losses: int
    effect: float
    low: float
    high: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class EffectiveLength:
    """The longest length at which a solver still is what it is at the shortest, if that is known.

    Attributes:
        length: in tokens; None if it is undetermined.
        at_least: longest length up to which the accuracy is shown to be above the share; None if
            the shortest itself is no better than chance.
        below: shortest length at which it is shown to be below; None if there is none.
        share: of the accuracy at the shortest length.
        alpha: bound of the chance that ``length`` is wrong.
    """

    length: int | None
    at_least: int | None
    below: int | None
    share: float
    alpha: float

    def __str__(self) -> str:
        if self.length is not None:
            return f"{self.length}"
        if self.at_least is None:
            return "undetermined (the shortest length is not above chance)"
        end = "" if self.below is None else f", below {self.below}"
        return f"undetermined (at least {self.at_least}{end})"


def difference(
    first: Column,
    second: Column,
    names: tuple[str, str],
    *,
    one_sided: bool,
    confidence: float = 0.95,
) -> Difference:
    """Compare the items' shares of right answers in two conditions; ``p_holm`` is still ``p``.

    The test is exact (``flip_p``); where each item was asked once, it is McNemar's.

    Args:
        first: share of each item, ``[I]``; nan where there is none.
        second: the same in the other condition.
        names: of the conditions.
        one_sided: whether only a larger first is looked for.
        confidence: of the interval.
    """
    both = ~np.isnan(first) & ~np.isnan(second)
    pair = np.stack([first[both], second[both]], axis=1)
    n = len(pair)
    apart = pair[:, 0] - pair[:, 1]
    # Equal shares of several answers differ by rounding.
    wins, losses = int((apart > 1e-9).sum()), int((apart < -1e-9).sum())
    p = flip_p(apart, one_sided=one_sided)
    if not n:
        return Difference(*names, 0, 0, 0, math.nan, -1.0, 1.0, 1.0, 1.0)
    means = [mean_share(column, confidence=confidence) for column in pair.T]
    effect, low, high = weighted_sum([1.0, -1.0], means, correlations(pair))
    return Difference(*names, n, wins, losses, effect, low, high, p, p)


def with_holm(differences: Sequence[Difference]) -> list[Difference]:
    """Return differences with p-values corrected for their number."""
    corrected: list[float] = holm([one.p for one in differences]).tolist() if differences else []
    return [replace(one, p_holm=p) for one, p in zip(differences, corrected, strict=True)]


def drops(
    outcomes: Outcomes,
    planned: Sequence[tuple[int, int]] | None = None,
    *,
    confidence: float = 0.95,
) -> list[Difference]:
    """Return the drops of accuracy between lengths, on the items that both have.

    The tests are one-sided: they look for an accuracy that is lower at the longer length.

    Args:
        outcomes: of the exam.
        planned: the steps to test, shorter and longer length; None tests all consecutive ones.
            Holm's correction is for the number of these.
        confidence: of the intervals.

    Raises:
        UserError: a planned length is not in the exam.
    """
    lengths = outcomes.lengths.tolist()
    steps = list(itertools.pairwise(lengths)) if planned is None else planned
    for step in steps:
        if missing := [length for length in step if length not in lengths]:
            raise UserError(
                f"the length {missing[0]} is planned, in drops of an exam; must be one of {lengths}"
            )
    column = {length: outcomes.item_shares[:, k] for k, length in enumerate(lengths)}
    return with_holm(
        [
            difference(
                column[a], column[b], (str(a), str(b)), one_sided=True, confidence=confidence
            )
            for a, b in steps
        ]
    )


def area(outcomes: Outcomes, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean accuracy over the logarithm of the length, and the ends of its interval.

    It is the area under the curve of trapezoids over log2 of the length, divided by its width; the
    accuracy itself where there is one length. Lengths without a graded answer are left out.
    """
    shares = outcomes.item_shares
    used = ~np.isnan(shares).all(axis=0)
    if not used.any():
        return math.nan, 0.0, 1.0
    x, shares = np.log2(outcomes.lengths[used].astype(float)), shares[:, used]
    weights = np.ones(1)
    if len(x) > 1:
        gaps = np.diff(x)
        weights = (np.append(gaps, 0) + np.insert(gaps, 0, 0)) / 2 / (x[-1] - x[0])
    means = [mean_share(column, confidence=confidence) for column in shares.T]
    value, low, high = weighted_sum(weights, means, correlations(shares))
    return value, max(low, 0.0), min(high, 1.0)


def effective_length(
    outcomes: Outcomes, *, share: float = 0.85, alpha: float = 0.05, chance: float = 0.0
) -> EffectiveLength:
    """Return the longest length up to which accuracy stays above a share of that at the shortest.

    Lengths are tested in order, each on its accuracy minus ``share`` times that at the shortest
    length, with their correlation. As long as the interval lies above 0 the next is tested; where
    it lies below 0, the length before is the answer; where it holds 0, the answer is undetermined.
    The chance of a wrong length is at most ``alpha``, but for the approximation of the intervals:
    half of it is for the steps upwards, which are a fixed sequence and need no correction, and half
    for the length that is called below, divided by the number of lengths that could be.

    Args:
        outcomes: of the exam.
        share: of the accuracy at the shortest length.
        alpha: chance of a wrong length, at most.
        chance: accuracy of a solver that guesses; one that is not above it at the shortest length
            has no effective length.
    """
    lengths, shares = outcomes.lengths.tolist(), outcomes.item_shares
    if not lengths or mean_share(shares[:, 0], confidence=1 - alpha).low <= chance:
        return EffectiveLength(None, None, None, share, alpha)
    confidences = (1 - alpha, 1 - alpha / max(len(lengths) - 1, 1))
    for number in range(1, len(lengths)):
        pair = shares[:, [number, 0]]
        correlation, before = correlations(pair), lengths[number - 1]
        ends = []
        for confidence in confidences:
            means = [mean_share(column, confidence=confidence) for column in pair.T]
            known = means[0].n > 0
            ends.append(weighted_sum([1.0, -share], means, correlation) if known else (0, -1, 1))
        if ends[1][2] < 0:
            return EffectiveLength(before, before, lengths[number], share, alpha)
        if ends[0][1] <= 0:
            return EffectiveLength(None, before, None, share, alpha)
    return EffectiveLength(lengths[-1], lengths[-1], None, share, alpha)
