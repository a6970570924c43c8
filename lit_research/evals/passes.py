"""pass@k: the chance that one of k answers is correct (Chen et al. 2021, arXiv 2107.03374)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lit_research.evals.repeated import clustered_mean
from lit_research.evals.results import Result


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased estimate of the chance that one of ``k`` samples is correct.

    ``1 - C(n - c, k) / C(n, k)`` (Chen et al. 2021, equation 1), in exact integers: the share of
    the subsets of k samples that contain a correct one.

    Args:
        n: samples drawn.
        c: correct samples among them.
        k: samples that may be submitted.

    Raises:
        ValueError: not ``0 <= c <= n`` and ``1 <= k <= n``.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(
            f"n is {n}, c {c} and k {k}, in pass_at_k; must be 0 <= c <= n and 1 <= k <= n"
        )
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def mean_pass_at_k(
    correct: Sequence[Sequence[bool]], k: int, *, parse_failures: int = 0, truncated: int = 0
) -> Result:
    """Return the mean of ``pass_at_k`` over problems, with its standard error over problems.

    Args:
        correct: whether each sample is correct, for each problem; at least ``k`` samples of each.
        k: samples that may be submitted.
        parse_failures: samples that could not be parsed.
        truncated: samples that were cut at the maximum length.

    Raises:
        ValueError: a problem has fewer than ``k`` samples.
    """
    estimates = [pass_at_k(len(samples), sum(samples), k) for samples in correct]
    value, stderr = clustered_mean(estimates)
    count = sum(map(len, correct))
    return Result(f"pass@{k}", len(correct), value, stderr, count, parse_failures, truncated)
