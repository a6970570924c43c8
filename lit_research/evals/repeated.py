"""The mean over several answers to each question, and its standard error clustered by question.

Answers to one question are not independent: n of them say less than answers to n questions. So the
standard error is over questions (Miller 2024, "Adding error bars to evals", arXiv 2411.00640,
equation 4, with the correction for few clusters).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from lit_research.evals.results import Result


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None
) -> tuple[float, float]:
    """Return the mean of all values and its standard error clustered by ``clusters``.

    With Q clusters and N values the squared error is
    ``Q / (Q - 1) * sum_q (sum_{i in q} (x_i - mean))^2 / N^2``. Where all clusters have one size it
    is that of a mean of the clusters' means; where that is 1, that of a mean of N values.

    Args:
        values: of any unit.
        clusters: what each value belongs to; None: every value is a cluster.

    Returns:
        The mean, nan without values; the standard error, nan for fewer than two clusters.

    Raises:
        ValueError: not one cluster for each value.
    """
    if clusters is not None and len(clusters) != len(values):
        raise ValueError(
            f"there are {len(clusters)} clusters for {len(values)} values, in clustered_mean; "
            "must be one for each"
        )
    if not values:
        return math.nan, math.nan
    array_N = np.asarray(values, dtype=np.float64)
    mean = float(array_N.mean())
    numbers: dict[Hashable, int] = {}
    index_N = [numbers.setdefault(c, len(numbers)) for c in clusters or range(len(values))]
    if len(numbers) < 2:
        return mean, math.nan
    residuals_Q = np.bincount(index_N, weights=array_N - mean)
    correction = len(numbers) / (len(numbers) - 1)
    return mean, float(np.sqrt(correction * np.square(residuals_Q).sum()) / len(values))


def repeated_sampling(
    scores: Sequence[Sequence[float]],
    *,
    name: str = "mean",
    parse_failures: int = 0,
    truncated: int = 0,
) -> Result:
    """Return the mean score over n answers to each question.

    Args:
        scores: of the answers to each question; as many for one question as for another.
        name: of the metric.
        parse_failures: answers in which nothing could be read.
        truncated: answers that were cut at the longest length.

    Raises:
        ValueError: a question has another number of answers, or none.
    """
    sizes = [len(of_question) for of_question in scores]
    wrong = [q for q, size in enumerate(sizes) if size != sizes[0] or size == 0]
    if wrong:
        raise ValueError(
            f"question {wrong[0]} has {sizes[wrong[0]]} answers and question 0 has {sizes[0]}, in "
            "repeated_sampling; must be one number, at least 1, a failed answer counted among them"
        )
    values = [score for of_question in scores for score in of_question]
    questions = [q for q, size in enumerate(sizes) for _ in range(size)]
    mean, error = clustered_mean(values, questions)
    return Result(name, len(scores), mean, error, len(values), parse_failures, truncated)
