"""Check repairs as an instrument: which patches resolve an item must be known before it is used.

The oracle's patch must resolve each item, in every run; no patch, the patch of another item, and
the reverted patch must resolve none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from lit_research.methods.longcode.grading import Grader, Verdict
from lit_research.methods.longcode.items import RepairItem
from lit_research.methods.longcode.repair_runs import conditions
from lit_research.methods.longcode.repair_solvers import NULL_PATCH, reverted
from lit_research.progress import counting


@dataclass(frozen=True)
class Checked:
    """The verdicts on the known patches of one item.

    Attributes:
        item: its id.
        oracle: whether its own patch resolves it, in each run.
        null: whether a patch that changes nothing does, in each run.
        wrong: whether the patch of another item does; None where there is none.
        reverted: whether its own patch in reverse does.
        reasons: why the oracle's patch did not, if so.
    """

    item: str
    oracle: tuple[bool | None, ...]
    null: tuple[bool | None, ...]
    wrong: bool | None
    reverted: bool | None
    reasons: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all is as it must be."""
        others = (*self.null, self.wrong or False, self.reverted)
        return all(self.oracle) and all(value is False for value in others)


def check_repairs(
    items: Sequence[RepairItem], grader: Grader, runs: int = 1, seed: int = 0
) -> Iterator[Checked]:
    """Yield the verdicts on the known patches of each item.

    Args:
        items: to be checked.
        grader: without a pool if there are runs, which set the hash seed.
        runs: of the oracle's and the null patch, each under other conditions; one is as pytest
            runs.
        seed: of the conditions.
    """
    with counting("Checking repairs", len(items), unit="items", delay=2) as done:
        for number, item in enumerate(items):
            grade = partial(grader.grade, item)
            given = [conditions(n, seed) for n in range(runs)] if runs > 1 else [{}]
            oracle = [grade(item.patch, **condition) for condition in given]
            null = [grade(NULL_PATCH, **condition) for condition in given]
            other = _other(items, number)
            wrong = None if other is None else grade(other.patch).resolved
            back = grade(reverted(item, grader.trees[item.tree])).resolved
            done(1)
            yield Checked(
                item.id, _resolved(oracle), _resolved(null), wrong, back, _reasons(oracle)
            )


def _resolved(verdicts: Sequence[Verdict]) -> tuple[bool | None, ...]:
    return tuple(verdict.resolved for verdict in verdicts)


def _reasons(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    return tuple(verdict.reason for verdict in verdicts if not verdict.resolved)


def _other(items: Sequence[RepairItem], number: int) -> RepairItem | None:
    """Return another item, of the same package if there is one, with another patch."""
    item = items[number]
    rest = [other for other in (*items[number + 1 :], *items[:number]) if other.patch != item.patch]
    same = [other for other in rest if other.origin.package == item.origin.package]
    return next(iter(same or rest), None)
