"""``report_of``: what an exam says, with the uncertainty of the numbers.

Questions and repairs are reported apart. The independent unit is the item (``share_intervals``);
failures of the infrastructure are counted and otherwise left out; a refused prompt is not right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.longcode.length_effects import area, drops, effective_length
from lit_research.methods.longcode.outcomes import STATUSES, Outcomes
from lit_research.methods.longcode.records import TASKS, Graded, Task
from lit_research.methods.longcode.report_figures import depth_figure, length_figure
from lit_research.methods.longcode.report_parts import (
    DepthReport,
    LengthReport,
    LetterBias,
    TaskReport,
)
from lit_research.methods.longcode.report_tables import task_table
from lit_research.methods.longcode.share_intervals import mean_share
from lit_research.ranges import SHARE, check_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH_BINS = 5
CHANCE: dict[Task, float] = {"question": 1 / len(LETTERS), "repair": 0.0}


@dataclass(frozen=True)
class ExamReport:
    """What an exam says.

    Attributes:
        tasks: a report for each task that was asked.
    """

    tasks: list[TaskReport]

    def metrics(self) -> dict[str, float]:
        """Return numbers to log: ``TASK/accuracy_at_LENGTH``, the area, the shares of failures."""
        found: dict[str, float] = {}
        for report in self.tasks:
            name = report.task
            for at in report.lengths:
                total = sum(at.statuses.values())
                if at.accuracy.n:
                    found[f"{name}/accuracy_at_{at.length}"] = at.accuracy.value
                for status, count in at.statuses.items():
                    if status != "answered":
                        key = f"{name}/{status.replace(' ', '_')}_share_at_{at.length}"
                        found[key] = count / total
            if not math.isnan(report.area[0]):
                found[f"{name}/accuracy"] = report.area[0]
            if report.effective.length is not None:
                found[f"{name}/effective_tokens"] = float(report.effective.length)
        return found

    def table(self) -> str:
        """Return the report as text."""
        return "\n\n".join(task_table(report) for report in self.tasks)

    def figures(self) -> dict[str, Callable[[], Figure]]:
        """Return what draws each figure, by name."""
        drawn: dict[str, Callable[[], Figure]] = {}
        for report in self.tasks:
            chance = CHANCE[report.task]
            drawn[f"{report.task}/by_length"] = partial(length_figure, report.lengths, chance)
            if report.depths:
                drawn[f"{report.task}/by_depth"] = partial(depth_figure, report.depths, chance)
        return drawn

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data; numbers that are not known are None."""
        return {"tasks": [_plain(asdict(report)) for report in self.tasks]}


def report_of(
    records: Sequence[Graded],
    *,
    share: float = 0.85,
    planned: Sequence[tuple[int, int]] | None = None,
    confidence: float = 0.95,
    depth_bins: int = DEPTH_BINS,
) -> ExamReport:
    """Return what the records of an exam say.

    Args:
        records: of all samples; one that failed and was asked again may stand there twice.
        share: of the accuracy at the shortest length, above which a length is effective.
        planned: steps between lengths that are tested; None tests all consecutive ones, with
            Holm's correction for their number.
        confidence: of the intervals.
        depth_bins: parts of the code in which the evidence may begin.

    Raises:
        UserError: there are no records, or a sample was graded twice.
    """
    check_range(SHARE, "in report_of", share=share)
    if not records:
        raise UserError("records is empty, in report_of; give the samples of an exam")
    tasks = []
    for task in TASKS:
        if of_task := [record for record in records if record.task == task]:
            outcomes = Outcomes.of(of_task)
            tasks.append(task_report(outcomes, task, share, planned, confidence, depth_bins))
    return ExamReport(tasks)


def task_report(
    outcomes: Outcomes,
    task: Task = "question",
    share: float = 0.85,
    planned: Sequence[tuple[int, int]] | None = None,
    confidence: float = 0.95,
    depth_bins: int = DEPTH_BINS,
) -> TaskReport:
    """Return what the samples of one task say; the arguments are those of ``report_of``."""
    return TaskReport(
        task=task,
        lengths=[
            _at_length(outcomes, number, task, confidence)
            for number in range(len(outcomes.lengths))
        ],
        depths=by_depth(outcomes, depth_bins, confidence=confidence),
        drops=drops(outcomes, planned, confidence=confidence),
        area=area(outcomes, confidence=confidence),
        effective=effective_length(
            outcomes, share=share, alpha=1 - confidence, chance=CHANCE[task]
        ),
        letters=letter_biases(outcomes, confidence=confidence) if task == "question" else [],
        confidence=confidence,
    )


def _at_length(outcomes: Outcomes, number: int, task: Task, confidence: float) -> LengthReport:
    length = int(outcomes.lengths[number])
    here = outcomes.buckets == length
    counts = np.bincount(outcomes.statuses[here], minlength=len(STATUSES)).tolist()
    graded, read = here & outcomes.graded, here & (outcomes.letters >= 0)
    rotations = np.unique(outcomes.rotations[graded]).tolist() if task == "question" else []

    def letters(column: Any) -> dict[str, int]:
        found = np.bincount(column[read], minlength=len(LETTERS)).tolist()
        return dict(zip(LETTERS, found, strict=True)) if task == "question" else {}

    return LengthReport(
        length=length,
        accuracy=mean_share(outcomes.item_shares[:, number], confidence=confidence),
        samples=int(graded.sum()),
        statuses=dict(zip(STATUSES, counts, strict=True)),
        rotations={
            rotation: float(outcomes.right[graded & (outcomes.rotations == rotation)].mean())
            for rotation in rotations
        },
        chosen=letters(outcomes.letters),
        correct=letters(outcomes.correct),
    )


def by_depth(
    outcomes: Outcomes, bins: int = DEPTH_BINS, *, confidence: float = 0.95
) -> list[DepthReport]:
    """Return the accuracy in equal parts of the code, the deepest last; empty without depths."""
    known = ~np.isnan(outcomes.depths)
    if not known.any():
        return []
    place = np.full(len(outcomes), -1)
    place[known] = np.clip((outcomes.depths[known] * bins).astype(int), 0, bins - 1)
    shares = outcomes.shares_by(place, bins)
    return [
        DepthReport(n / bins, (n + 1) / bins, mean_share(shares[:, n], confidence=confidence))
        for n in range(bins)
    ]


def letter_biases(outcomes: Outcomes, *, confidence: float = 0.95) -> list[LetterBias]:
    """Return the bias of each letter, with a normal interval over items.

    An item that is asked in all four rotations has each right letter once, so that its choices tell
    the bias without a balanced set of items.
    """
    from scipy import special

    read = (outcomes.letters >= 0) & (outcomes.correct >= 0)
    items, count = outcomes.items[read], len(outcomes.names)
    asked = np.bincount(items, minlength=count)
    z, biases = float(special.ndtri((1 + confidence) / 2)), []
    for number, letter in enumerate(LETTERS):
        chosen = (outcomes.letters[read] == number).astype(float)
        more = chosen - (outcomes.correct[read] == number)
        of_item = np.bincount(items, weights=more, minlength=count)[asked > 0] / asked[asked > 0]
        if len(of_item) < 2:
            return []
        half = z * float(of_item.std(ddof=1)) / math.sqrt(len(of_item))
        mean = float(of_item.mean())
        biases.append(LetterBias(letter, mean, mean - half, mean + half))
    return biases


def _plain(value: Any) -> Any:
    """Return nested data without nan, which JSON does not have."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
