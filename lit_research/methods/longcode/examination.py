"""``Examination``: asks a solver, grades what it replies, and keeps every record."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from lit_research.methods.longcode.answers import parse, parse_all
from lit_research.methods.longcode.asking import (
    AskedQuestion,
    AskedRepair,
    QuestionSolver,
    RepairSolver,
    Reply,
)
from lit_research.methods.longcode.exam_log import ExamLog
from lit_research.methods.longcode.grading import Grader, Verdict
from lit_research.methods.longcode.prompts import AnswerFormat
from lit_research.methods.longcode.records import Graded, Status

Asked = AskedQuestion | AskedRepair


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


def graded_question(asked: AskedQuestion, reply: Reply | None, rule: str) -> Graded:
    """Return the record of a question.

    Args:
        asked: the question.
        reply: of the solver; None where it was refused.
        rule: how a letter is read from a text.
    """
    letter, letters = None, {}
    if reply is not None and reply.status == "answered":
        letter = reply.letter or parse(reply.output, rule)
        if reply.letter is None:
            letters = {f"letter_{name}": found for name, found in parse_all(reply.output).items()}
    status = _status(asked, reply, has_answer=letter is not None)
    right = None if status == "infrastructure" else letter == asked.letter
    return _record(asked, reply, status, right, letter=letter, correct=asked.letter, more=letters)


def graded_repair(asked: AskedRepair, reply: Reply | None, verdict: Verdict | None) -> Graded:
    """Return the record of a repair.

    Args:
        asked: the fault.
        reply: of the solver; None where it was refused.
        verdict: on its patch; None where none was graded.
    """
    has_patch = verdict is not None and verdict.patch != "no patch"
    status = _status(asked, reply, has_answer=has_patch)
    if verdict is not None and verdict.resolved is None:
        status = "infrastructure"
    more: dict[str, Any] = {}
    if verdict is not None:
        more = {
            "grader": verdict.grader,
            "patch": verdict.patch,
            "suite": verdict.run,
            "reason": verdict.reason,
            "fail_to_pass": verdict.fail_to_pass,
            "pass_to_pass": verdict.pass_to_pass,
            "partial": verdict.partial,
            "repaired_hunks": verdict.repaired,
            "seconds": verdict.seconds,
        }
    right = None if status == "infrastructure" else verdict is not None and bool(verdict.resolved)
    return _record(asked, reply, status, right, more=more)


def _status(asked: Asked, reply: Reply | None, *, has_answer: bool) -> Status:
    if asked.refusal is not None or reply is None:
        return "refused"
    if reply.status != "answered" or has_answer:
        return reply.status
    return "cut" if reply.details.get("finish_reason") == "length" else "no answer"


def _record(
    asked: Asked,
    reply: Reply | None,
    status: Status,
    right: bool | None,
    *,
    letter: str | None = None,
    correct: str | None = None,
    more: dict[str, Any],
) -> Graded:
    refusal = {"refusal": asked.refusal} if asked.refusal is not None else {}
    cut = {"cut_characters": asked.cut} if asked.cut else {}
    return Graded(
        item=asked.step.item,
        task="question" if isinstance(asked, AskedQuestion) else "repair",
        kind=asked.item.kind,
        bucket=asked.step.bucket,
        tokens=asked.tokens,
        depth=asked.depth,
        rotation=asked.step.rotation,
        repeat=asked.step.repeat,
        status=status,
        right=right,
        letter=letter,
        correct=correct,
        output="" if reply is None else reply.output,
        details={**refusal, **cut, **({} if reply is None else reply.details), **more},
    )
