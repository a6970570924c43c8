"""From what was asked and replied to what is kept: the record of a question, and of a repair."""

from __future__ import annotations

from typing import Any, TypeAlias

from lit_research.methods.longcode.answers import parse, parse_all
from lit_research.methods.longcode.asking import AskedQuestion, AskedRepair, Reply
from lit_research.methods.longcode.grading import Verdict
from lit_research.methods.longcode.records import Graded, Status

Asked: TypeAlias = AskedQuestion | AskedRepair
"""A question or a fault, as it is put."""


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
