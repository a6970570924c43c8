"""The cases of a program, how each is put to it, and how what came back is judged."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from lit_research.errors import UserError
from lit_research.sandbox import case_values
from lit_research.sandbox.records import Result

Outcome = Literal["passed", "failed", "unknown"]
"""What is known of a case. ``unknown`` (cannot tell) says nothing about the program."""
Reason = Literal[
    "",
    "wrong output",
    "wrong value",
    "exception",
    "exit",
    "unfinished",
    "killed",
    "timeout",
    "cpu",
    "memory",
    "output",
    "load",
    "sandbox",
]
"""Why a case did not pass; ``load`` and ``sandbox`` are the reasons of ``unknown``."""


def same_text(expected: str, written: str) -> bool:
    """Compare two texts line by line, without spaces and empty lines at the end."""
    one, other = (
        [line.rstrip() for line in text.rstrip().splitlines()] for text in (expected, written)
    )
    return one == other


@dataclass(frozen=True)
class StdinCase:
    """The program reads ``stdin``, and must write ``expected`` to stdout and end with code 0.

    Args:
        stdin: what it reads.
        expected: what it must write. It never enters the sandbox.
        compare: tells whether what was expected (first) and written (second) are the same; a
            ValueError means that they are not.
    """

    stdin: str
    expected: str
    compare: Callable[[str, str], bool] = same_text


@dataclass(frozen=True)
class FunctionCase:
    """A function that the program defines is called, and must return ``expected``.

    The program runs first, under the name ``program``, so that what it does only as ``__main__`` is
    left out. Values are compared as JSON has them: tuples as lists, keys of dictionaries as
    strings; what JSON does not have, by its ``repr`` (sets whatever their order).

    Args:
        name: of the function; ``Solution.solve`` is that method of a new ``Solution()``.
        args: positional arguments, as JSON.
        expected: what it must return. It never enters the sandbox.
        kwargs: keyword arguments, as JSON.
        tolerance: how far a float may be off, absolute or relative to the larger of the two.

    Raises:
        UserError: the arguments cannot be written as JSON.
    """

    name: str
    args: Sequence[Any]
    expected: Any
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        try:
            json.dumps([list(self.args), dict(self.kwargs)])
        except (TypeError, ValueError) as error:
            raise UserError(
                f"the arguments of {self.name!r} are not JSON ({error}), in a FunctionCase of the "
                "sandbox; give lists, dicts, strings, numbers, bools and None"
            ) from None


@dataclass(frozen=True)
class UnitTest:
    """A test that runs after the program, with its names, and must come to its end without error.

    The test, and what it expects, is then in the process of the program: one that is written to
    make tests pass can do so. Where that matters, use the other kinds of cases. ``unittest.main``
    ends the program: write ``assert unittest.main(exit=False).result.wasSuccessful()``.

    Args:
        source: the test's code. It runs under the name ``program``, as in a ``FunctionCase``.
    """

    source: str


Case: TypeAlias = StdinCase | FunctionCase | UnitTest
"""What a program is put to; see ``run_cases``."""


@dataclass(frozen=True)
class CaseResult:
    """What became of a case.

    Args:
        outcome: ``passed``, ``failed``, or ``unknown`` where the sandbox failed or the machine was
            too busy to tell.
        reason: why it did not pass; empty if it did.
        detail: the same in words.
        result: how the process of the case ended and what it wrote. ``peak_mib`` is that of the
            whole sandbox so far.
        value: of a ``FunctionCase``, what was returned, as JSON; else None.
    """

    outcome: Outcome
    reason: Reason
    detail: str
    result: Result
    value: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it passed."""
        return self.outcome == "passed"


class Task:
    """What is sent to the process of a case, and what must come back.

    Args:
        case: None is a run of the program without an expectation.
        stdin: what the program reads.
    """

    def __init__(self, case: Case | None, stdin: bytes = b"") -> None:
        self._case = case
        self._mark = secrets.token_hex(16)
        self.stdin = _utf8(case.stdin) if isinstance(case, StdinCase) else stdin
        self.task = b"m"
        if isinstance(case, FunctionCase):
            call = {"name": case.name, "args": list(case.args), "kwargs": dict(case.kwargs)}
            self.task = b"c" + json.dumps(call).encode()
        elif isinstance(case, UnitTest):
            self.task = b"t" + _utf8(f"{self._mark}\n{case.source}")

    def judge(self, result: Result, answer: bytes) -> CaseResult:
        """Judge what came back from a process that ended, or was ended, by the case's own doing."""
        reason, detail = _ending(result)
        if reason:
            return CaseResult("failed", reason, detail, result)
        case = self._case
        if isinstance(case, StdinCase):
            same = False
            with suppress(ValueError):
                same = case.compare(case.expected, result.text)
            if same:
                return CaseResult("passed", "", "", result)
            return CaseResult("failed", "wrong output", "wrote something else", result)
        if isinstance(case, UnitTest):
            if secrets.compare_digest(answer, self._mark.encode()):
                return CaseResult("passed", "", "", result)
            return CaseResult(
                "failed", "unfinished", "ended before the test came to its end", result
            )
        assert case is not None
        if not answer:
            return CaseResult("failed", "unfinished", "ended before the function returned", result)
        text = answer.decode(errors="replace")
        try:
            same = case_values.are_equal(
                json.loads(case_values.to_text(case.expected)),
                case_values.from_text(text),
                case.tolerance,
            )
        except (ValueError, RecursionError):
            same = False
        if same:
            return CaseResult("passed", "", "", result, text)
        return CaseResult("failed", "wrong value", "returned another value", result, text)


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # for the program to fail on


def _ending(result: Result) -> tuple[Reason, str]:
    """Return why a process did not end well, and the same in words; empty if it did."""
    if result.status == "ok":
        return "", ""
    if result.status != "failed":
        reasons: dict[str, Reason] = {s: s for s in ("timeout", "cpu", "memory", "output")}
        return reasons.get(result.status, "killed"), result.reason
    lines = result.error_text.rstrip().splitlines() or [""]
    if result.exit_code == 1 and re.match(r"[A-Za-z_][\w.]*(:|$)", lines[-1]):
        name = lines[-1].split(":")[0]
        return ("memory" if name == "MemoryError" else "exception"), lines[-1][:500]
    return "exit", result.reason
