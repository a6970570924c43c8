"""``compare``: what a change of an exam or of the solver does, on the same items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lit_research.errors import UserError
from lit_research.figures import text_table
from lit_research.methods.longcode.length_effects import Difference, difference, with_holm
from lit_research.methods.longcode.outcomes import Outcomes
from lit_research.methods.longcode.records import TASKS, Graded, Task


@dataclass(frozen=True)
class Comparison:
    """Two exams on the same items: what a change of the exam or of the solver does.

    Attributes:
        task: what was asked.
        names: of the exams.
        lengths: accuracy of the first minus that of the second at each length, tested both ways,
            with Holm's correction for the number of lengths.
        whole: the same of the items' means over the lengths, one test.
    """

    task: Task
    names: tuple[str, str]
    lengths: list[tuple[int, Difference]]
    whole: Difference

    def table(self) -> str:
        """Return the comparison as text."""
        rows = [["length", "items", "difference", "p", "p, Holm"]]
        for length, one in [*((f"{n:,}", d) for n, d in self.lengths), ("all", self.whole)]:
            effect = f"{one.effect:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
            rows.append([length, str(one.n), effect, f"{one.p:.3g}", f"{one.p_holm:.3g}"])
        return f"{self.task}: {self.names[0]} minus {self.names[1]}\n{text_table(rows)}"


def compare(
    first: Sequence[Graded],
    second: Sequence[Graded],
    names: tuple[str, str] = ("first", "second"),
    *,
    confidence: float = 0.95,
) -> list[Comparison]:
    """Compare two exams on the items that both have: other options, distractors, or solvers.

    Args:
        first: records of the one.
        second: records of the other.
        names: of the exams.
        confidence: of the intervals.

    Returns:
        A comparison for each task that both have.

    Raises:
        UserError: they have no item at a common length.
    """
    found = []
    for task in TASKS:
        pair = [Outcomes.of([r for r in records if r.task == task]) for records in (first, second)]
        if all(map(len, pair)):
            found.append(_compare(task, pair, names, confidence))
    if not any(comparison.whole.n for comparison in found):
        raise UserError(
            f"the exams {names[0]!r} and {names[1]!r} have no item at a common length, in compare; "
            "give two exams on the same items"
        )
    return found


def _compare(
    task: Task, pair: Sequence[Outcomes], names: tuple[str, str], confidence: float
) -> Comparison:
    lengths = sorted(set(pair[0].lengths.tolist()) & set(pair[1].lengths.tolist()))
    items = sorted(set(pair[0].names) & set(pair[1].names))
    tables = []
    for one in pair:
        number = {name: n for n, name in enumerate(one.names)}
        rows = [number[name] for name in items]
        tables.append(one.item_shares[rows][:, np.searchsorted(one.lengths, lengths)])
    both = ~np.isnan(tables[0]) & ~np.isnan(tables[1])
    a, b = (np.where(both, table, np.nan) for table in tables)
    differ = partial(difference, names=names, one_sided=False, confidence=confidence)
    each = [differ(x, y) for x, y in zip(a.T, b.T, strict=True)]
    count = both.sum(axis=1)
    means = [
        np.divide(np.nansum(t, axis=1), count, out=np.full(len(items), np.nan), where=count > 0)
        for t in (a, b)
    ]
    whole = differ(means[0], means[1])
    return Comparison(task, names, list(zip(lengths, with_holm(each), strict=True)), whole)
