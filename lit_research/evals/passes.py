"""pass@k: the chance that one of k answers is right (Chen et al. 2021, arXiv 2107.03374)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lit_research.evals.repeated import clustered_mean
from lit_research.evals.results import Result


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased estimate of the chance that one of ``k`` samples is right.

    ``1 - C(n - c, k) / C(n, k)`` (Chen et al. 2021, equation 1), in exact integers: the share of
    the subsets of k samples that hold a right one.

    Args:
        n: samples drawn.
        c: how many of them are right.
        k: samples that one may submit.

    Raises:
        ValueError: not ``0 <= c <= n`` and ``1 <= k <= n``.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(
            f"pass@{k} from {c} right of {n} samples; must be 0 <= c <= n and 1 <= k <= n"
        )
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def mean_pass_at_k(
    right: Sequence[Sequence[bool]], k: int, *, parse_failures: int = 0, truncated: int = 0
) -> Result:
    """Return the mean of ``pass_at_k`` over problems, with its standard error over problems.

    Args:
        right: whether each sample is right, for each problem; at least ``k`` samples of each.
        k: samples that one may submit.
        parse_failures: samples in which nothing could be read.
        truncated: samples that were cut at the longest length.

    Raises:
        ValueError: a problem has fewer than ``k`` samples.
    """
    estimates = [pass_at_k(len(of_problem), sum(of_problem), k) for of_problem in right]
    value, error = clustered_mean(estimates)
    samples = sum(map(len, right))
    return Result(f"pass@{k}", len(right), value, error, samples, parse_failures, truncated)
