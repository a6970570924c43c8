"""``Examination``: asks a solver, grades what it replies, and keeps every record."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from lit_research.methods.longcode.asking import (
    AskedQuestion,
    AskedRepair,
    QuestionSolver,
    RepairSolver,
)
from lit_research.methods.longcode.core import Asked, graded_question, graded_repair
from lit_research.methods.longcode.exam_log import ExamLog
from lit_research.methods.longcode.grading import Grader, Verdict
from lit_research.methods.longcode.prompts import AnswerFormat
from lit_research.methods.longcode.records import Graded


@dataclass(frozen=True)
class Examination:
    """What an exam is taken with.

    Attributes:
        log: of the records.
        solver: of questions; None where there are none.
        repairer: of faults; None where there are none.
        rule: how a letter is read from a text.
        form: how a repair is written.
        grader: of repairs; None leaves them ungraded, as ``predict`` does.
        executor: grades repairs side by side; None one after the other.
        rank: of this process.
    """

    log: ExamLog
    solver: QuestionSolver | None
    repairer: RepairSolver | None
    rule: str
    form: AnswerFormat
    grader: Grader | None
    executor: Executor | None = None
    rank: int = 0

    def take(self, asked: Sequence[Asked]) -> list[Graded]:
        """Ask, grade, keep and return the records."""
        questions = [one for one in asked if isinstance(one, AskedQuestion)]
        repairs = [one for one in asked if isinstance(one, AskedRepair)]
        records = [*self._questions(questions), *self._repairs(repairs)]
        self.log.add(records, self.rank)
        return records

    def _questions(self, asked: Sequence[AskedQuestion]) -> list[Graded]:
        can = [one for one in asked if one.refusal is None]
        replies = (
            dict(zip(map(_key, can), self.solver.answer(can), strict=True))
            if can and self.solver
            else {}
        )
        return [graded_question(one, replies.get(_key(one)), self.rule) for one in asked]

    def _repairs(self, asked: Sequence[AskedRepair]) -> list[Graded]:
        can = [one for one in asked if one.refusal is None]
        replies = (
            dict(zip(map(_key, can), self.repairer.repair(can), strict=True))
            if can and self.repairer
            else {}
        )
        written = [one for one in can if replies[_key(one)].status == "answered"]
        verdicts: dict[Any, Verdict] = {}
        if self.grader is not None:
            pairs = [(one.item, replies[_key(one)].output) for one in written]
            found = self.grader.grade_all(pairs, self.executor, self.form)
            verdicts = dict(zip(map(_key, written), found, strict=True))
        return [
            graded_repair(one, replies.get(_key(one)), verdicts.get(_key(one))) for one in asked
        ]


def _key(asked: Asked) -> Any:
    return asked.step
