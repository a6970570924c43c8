"""Do raters agree? Intraclass correlation and Krippendorff's alpha, where raters vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.ranges import check_range
from lit_research.stats.result import LEVEL, Array, Inference, sample

Scale: TypeAlias = Literal["nominal", "ordinal", "interval"]
"""Whether two ratings differ at all, by ranks between them, or by their squared distance."""


def icc(
    groups: Sequence[ArrayLike], *, average: bool = False, confidence: float = 0.9
) -> Inference:
    """Return the intraclass correlation of ratings, with other raters for each subject: ICC(1).

    The share of the variance of single ratings that is between subjects. Ratings of a subject are
    exchangeable, and subjects may have different numbers of them (Donner's ``n0``). The interval is
    that of the F distribution: exact for equal numbers and normal values, else near. An estimate
    below 0 means that raters of one subject differ as much as those of different ones.

    Args:
        groups: the ratings of each subject, one or more each; some subject must have two.
        average: of the mean of ``n0`` ratings, ICC(1, k), instead of a single one.
        confidence: of the interval.

    Raises:
        UserError: fewer than two subjects, none with two ratings, or ratings all alike.
    """
    from scipy import special

    check_range(LEVEL, "in stats", confidence=confidence)
    subjects = [sample(f"group {number}", group) for number, group in enumerate(groups)]
    sizes = np.array([len(group) for group in subjects], dtype=np.float64)
    n = len(subjects)
    if n < 2 or not sizes.min(initial=1) >= 1 or sizes.sum() <= n:
        raise UserError(
            f"there are {n} subjects with {int(sizes.sum())} ratings, in icc; give two subjects or "
            "more, each with a rating and one with two"
        )
    ratings = np.concatenate(subjects)
    if (ratings == ratings[0]).all():
        raise UserError(f"all ratings are {ratings[0]:g}, in icc; their agreement is undefined")
    means = np.array([group.mean() for group in subjects])
    between = float((sizes * (means - ratings.mean()) ** 2).sum()) / (n - 1)
    within = float(sum(((g - g.mean()) ** 2).sum() for g in subjects)) / float(sizes.sum() - n)
    k = float((sizes.sum() - (sizes**2).sum() / sizes.sum()) / (n - 1))
    f = between / within if within else math.inf
    df = (n - 1, float(sizes.sum() - n))
    tail = (1 - confidence) / 2
    ends = [f / float(special.fdtri(*df, 1 - tail)), f / float(special.fdtri(*df, tail))]

    def share(ratio: float) -> float:
        if math.isinf(ratio):
            return 1.0
        if average:
            return 1 - 1 / ratio if ratio else -math.inf
        return (ratio - 1) / (ratio + k - 1)

    low, high = (share(end) for end in ends)
    p = float(special.fdtrc(*df, f)) if math.isfinite(f) else 0.0
    return Inference(share(f), (low, high), confidence, p, n, 0.0, "greater")


def krippendorff_alpha(
    groups: Sequence[ArrayLike],
    scale: Scale = "interval",
    *,
    confidence: float = 0.9,
    resamples: int = 2_000,
    seed: int = 0,
) -> Inference:
    """Return Krippendorff's alpha: 1 minus the disagreement over that expected by chance.

    Subjects with one rating say nothing and are left out. The interval is that of drawing subjects
    anew (percentiles); it has no p-value.

    Args:
        groups: the ratings of each subject.
        scale: of the ratings.
        confidence: of the interval.
        resamples: draws of subjects.
        seed: of the draws.

    Raises:
        UserError: an unknown scale, fewer than two subjects with two ratings, or ratings all alike.
    """
    check_range(LEVEL, "in stats", confidence=confidence)
    if scale not in get_args(Scale):
        raise UserError(f"scale is {scale!r}; must be one of {', '.join(get_args(Scale))}")
    subjects = [sample(f"group {number}", group) for number, group in enumerate(groups)]
    subjects = [group for group in subjects if len(group) > 1]
    if len(subjects) < 2:
        raise UserError(
            f"{len(subjects)} subjects have two ratings or more, in krippendorff_alpha; give two"
        )
    values = np.unique(np.concatenate(subjects))
    if len(values) == 1:
        raise UserError(
            f"all ratings are {values[0]:g}, in krippendorff_alpha; their agreement is undefined"
        )
    # Counts of each value for each subject, [N, V].
    counts = np.array([[(group == value).sum() for value in values] for group in subjects], float)
    alpha = float(_alphas(counts, np.ones((1, len(counts))), values, scale)[0])
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=resamples)
    found = _alphas(counts, draws.astype(float), values, scale)
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return Inference(alpha, (float(low), float(high)), confidence, math.nan, len(counts))


def _alphas(counts: Array, weights: Array, values: Array, scale: Scale) -> Array:
    """Return alpha for each row of ``weights`` ``[D, N]`` of the subjects; nan if all are alike."""
    sizes = counts.sum(axis=1)
    pairs = np.einsum("nv,nw->nvw", counts, counts)
    pairs -= np.einsum("nv,vw->nvw", counts, np.eye(len(values)))
    coincidences = np.einsum("dn,nvw->dvw", weights, pairs / (sizes - 1)[:, None, None])
    totals = coincidences.sum(axis=2)  # [D, V]
    n = totals.sum(axis=1)
    distances = _distances(totals, values, scale)
    observed = (coincidences * distances).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * distances).sum(axis=(1, 2)) / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def _distances(totals: Array, values: Array, scale: Scale) -> Array:
    """Return squared distances of values, ``[D, V, V]``; those by ranks depend on the totals."""
    if scale == "nominal":
        return (1.0 - np.eye(len(values)))[None]
    if scale == "interval":
        return ((values[:, None] - values[None]) ** 2)[None]
    middle = np.cumsum(totals, axis=1) - totals / 2  # mid-ranks, but for a constant
    return (middle[:, :, None] - middle[:, None, :]) ** 2
