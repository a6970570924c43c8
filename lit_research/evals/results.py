"""``Result``: what every evaluation returns, with its uncertainty and what could not be scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from lit_research.figures import text_table

HEAD = ("metric", "n", "samples", "value", "stderr", "parse failures", "truncated")


@dataclass(frozen=True)
class Result:
    """A mean over questions.

    Attributes:
        name: of the metric, such as ``acc``.
        n: number of questions, the independent units.
        value: the mean; nan without questions.
        stderr: standard error of ``value`` over questions; nan for fewer than two.
        samples: number of answers, ``n`` where each question has one.
        parse_failures: answers that could not be parsed; they count as incorrect.
        truncated: answers (in multiple choice: questions) that were cut at the maximum length.
    """

    name: str
    n: int
    value: float
    stderr: float
    samples: int
    parse_failures: int = 0
    truncated: int = 0

    def cells(self) -> list[str]:
        """Return the row of ``results_table``, one cell for each name in ``HEAD``."""
        counts = (self.parse_failures, self.truncated)
        return [
            self.name,
            str(self.n),
            str(self.samples),
            f"{self.value:.4f}",
            f"{self.stderr:.4f}",
            *map(str, counts),
        ]

    def __str__(self) -> str:
        """Return the result as a table of one row."""
        return results_table([self])


def results_table(results: Sequence[Result]) -> str:
    """Return results as a plain-text table, one row each."""
    return text_table([HEAD, *(result.cells() for result in results)])


def share_stderr(share: Tensor, count: Tensor | int) -> Tensor:
    """Return the standard error of the share of correct answers among ``count`` independent ones.

    ``sqrt(p (1 - p) / (n - 1))``, as in the lm-evaluation-harness; nan for fewer than two answers.

    Args:
        share: p, from 0 to 1, ``[...]``.
        count: n, ``[...]``.
    """
    return (share * (1 - share) / (count - 1)).sqrt()


def mean_of_sums(count: float, total: float, squares: float) -> tuple[float, float]:
    """Return the mean of independent values and its standard error, from sums over batches.

    Where all values are at hand, ``clustered_mean`` gives the same.

    Args:
        count: number of values, at least 1.
        total: their sum.
        squares: the sum of their squares.

    Returns:
        The mean; its standard error, nan for a single value.
    """
    mean = total / count
    if count < 2:
        return mean, math.nan
    variance = max(0.0, squares / count - mean * mean) * count / (count - 1)
    return mean, (variance / count) ** 0.5
