"""The mean over several answers to each question, and its standard error clustered by question.

Answers to the same question are not independent: n of them say less than answers to n questions. So
the standard error is over questions (Miller 2024, "Adding error bars to evals", arXiv 2411.00640,
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
    ``Q / (Q - 1) * sum_q (sum_{i in q} (x_i - mean))^2 / N^2``. If all clusters have the same size,
    it is that of the mean of the clusters' means; with one value in each, that of a mean of N
    values.

    Args:
        values: of any unit.
        clusters: the cluster of each value; None: every value is a cluster.

    Returns:
        The mean, nan without values; the standard error, nan for fewer than two clusters.

    Raises:
        ValueError: the number of clusters is not that of the values.
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
    cluster_ids: dict[Hashable, int] = {}
    labels = range(len(values)) if clusters is None else clusters
    index_N = [cluster_ids.setdefault(label, len(cluster_ids)) for label in labels]
    if len(cluster_ids) < 2:
        return mean, math.nan
    residuals_Q = np.bincount(index_N, weights=array_N - mean)
    correction = len(cluster_ids) / (len(cluster_ids) - 1)
    return mean, float(np.sqrt(correction * np.square(residuals_Q).sum()) / len(values))


def repeated_sampling(
    scores: Sequence[Sequence[float]],
    *,
    name: str = "mean",
    parse_failures: int = 0,
    truncated: int = 0,
) -> Result:
    """Return the mean score over n answers to each question.

    For graded answers (a share of unit tests passed, a judge's mark) that are sampled several times
    at a temperature above 0. Of answers that are correct or not, ``mean_pass_at_k`` with k 1 is the
    same, and ``exact_match`` takes their texts.

    Args:
        scores: of the answers to each question; the same number for every question.
        name: of the metric.
        parse_failures: answers that could not be parsed.
        truncated: answers that were cut at the maximum length.

    Raises:
        ValueError: a question has a different number of answers, or none.
    """
    sizes = [len(answers) for answers in scores]
    wrong = [index for index, size in enumerate(sizes) if size != sizes[0] or size == 0]
    if wrong:
        raise ValueError(
            f"question {wrong[0]} has {sizes[wrong[0]]} answers and question 0 has {sizes[0]}, in "
            "repeated_sampling; must be the same number, at least 1, failed answers included"
        )
    values = [score for answers in scores for score in answers]
    questions = [index for index, size in enumerate(sizes) for _ in range(size)]
    mean, stderr = clustered_mean(values, questions)
    return Result(name, len(scores), mean, stderr, len(values), parse_failures, truncated)
