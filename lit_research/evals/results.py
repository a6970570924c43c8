"""``Result``: what every evaluation returns, with its uncertainty and what could not be scored."""

from __future__ import annotations

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
        value: the mean; nan where there is nothing to take it of.
        stderr: standard error of ``value`` over questions; nan for fewer than two.
        samples: number of answers, ``n`` where each question has one.
        parse_failures: answers in which nothing could be read; they count as wrong.
        truncated: answers (of multiple choice: questions) that were cut at the longest length.
    """

    name: str
    n: int
    value: float
    stderr: float
    samples: int
    parse_failures: int = 0
    truncated: int = 0

    def cells(self) -> list[str]:
        """Return the row of ``results_table``, one cell for each word of ``HEAD``."""
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
    """Return results as plain text in columns, a row for each."""
    return text_table([HEAD, *(result.cells() for result in results)])


def share_stderr(share: Tensor, count: Tensor | int) -> Tensor:
    """Return the standard error of the share of ``count`` independent answers that are right.

    ``sqrt(p (1 - p) / (n - 1))``, as in the lm-evaluation-harness; nan for fewer than two answers.

    Args:
        share: p, from 0 to 1, ``[...]``.
        count: n, ``[...]``.
    """
    return (share * (1 - share) / (count - 1)).sqrt()
