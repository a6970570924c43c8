"""``CodeVerifier``: does the program of a response pass the question's test cases?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from lit_research.errors import UserError
from lit_research.evals.program_cases import read_cases
from lit_research.evals.programs import parse_program
from lit_research.evals.verdicts import RIGHT, Attempt, Verdict, Verifier, shorten
from lit_research.ranges import COUNT, POSITIVE, check_range
from lit_research.sandbox import CASE_LIMITS, Case, CaseResult, Level, run_cases
from lit_research.storage import content_hash

MAX_TEXT = 2_000_000  # characters of a response in which a program is looked for
_MISSING = "ModuleNotFoundError"


class CodeVerifier(Verifier):
    """Runs the program of a response on the question's cases, in the sandbox.

    The program is found by ``parse_program``; the key holds the cases, see ``read_cases``: what is
    to be written to stdout, what a function is to return, or tests. A program that passes all is
    right; one that fails a case, by its output, an error, or a limit, is wrong. It cannot tell
    where

    - there is no program in the response, or it was cut, or there is no case;
    - the sandbox failed, or the machine was so busy that a case ran out of time;
    - the program imports a module that is not installed here.

    Programs run at the strongest level of isolation that works. ``rlimits``, which stops accidents
    and no attacks, is used only when it is asked for by name.

    Args:
        wall_s: seconds that a case may take.
        memory_mib: MiB that a case may use, some 10 of them by the sandbox itself.
        max_cases: cases of a question that are run, the first ones; None: all.
        prelude: code before each program, such as imports that a site has by default.
        preload: modules to import once before the cases of a program, such as ``numpy``.
        level: level of isolation; None: the strongest that works, but never ``rlimits``.
        workers: programs that run at once; None: one for each core.

    Raises:
        UserError: a number is out of range.
    """

    def __init__(
        self,
        wall_s: float = 10.0,
        memory_mib: int = 512,
        max_cases: int | None = None,
        prelude: str = "",
        preload: Sequence[str] = (),
        level: Level | None = None,
        workers: int | None = None,
    ) -> None:
        where = "of CodeVerifier"
        check_range(POSITIVE, where, wall_s=wall_s)
        check_range(COUNT, where, memory_mib=memory_mib, max_cases=max_cases, workers=workers)
        self._limits = replace(CASE_LIMITS, wall_s=wall_s, cpu_s=wall_s, memory_mib=memory_mib)
        self.max_cases, self.prelude, self.preload = max_cases, prelude, tuple(preload)
        self.level, self.workers = level, workers or len(os.sched_getaffinity(0))

    def card(self) -> dict[str, Any]:
        """Return the settings."""
        return {
            "name": "CodeVerifier",
            "wall_s": self._limits.wall_s,
            "memory_mib": self._limits.memory_mib,
            "max_cases": self.max_cases,
            "prelude": self.prelude,
            "preload": list(self.preload),
            "level": self.level,
        }

    def check_keys(self, attempts: Sequence[Attempt], where: str = "in the attempts") -> None:
        """Refuse keys that are no cases. Whether a right program passes them is not known.

        Raises:
            UserError: a key is missing, or has another layout.
        """
        for attempt in attempts:
            try:
                read_cases(attempt.key)
            except UserError as error:
                raise UserError(f"{error} (of {shorten(attempt.group)}, {where})") from None

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict on each attempt; equal programs of a question run once.

        Raises:
            UserError: a key is malformed, or no level of isolation that strong works here.
        """
        verdicts: dict[int, Verdict] = {}
        programs: dict[str, tuple[str, Any]] = {}
        names: dict[int, str] = {}
        for index, attempt in enumerate(attempts):
            found = self._program(attempt)
            if isinstance(found, Verdict):
                verdicts[index] = found
            else:
                names[index] = content_hash(found, repr(attempt.key))
                programs[names[index]] = (found, attempt.key)
        with ThreadPoolExecutor(self.workers) as pool:
            done = dict(zip(programs, pool.map(self._run, programs.values()), strict=True))
        return [
            verdicts[index] if index in verdicts else done[names[index]]
            for index in range(len(attempts))
        ]

    def _program(self, attempt: Attempt) -> str | Verdict:
        if len(attempt.text) > MAX_TEXT:
            return Verdict.cannot_tell(f"too long: {len(attempt.text)} characters")
        found = parse_program(attempt.text, attempt.final)
        if found.code is None:
            return Verdict.cannot_tell(f"no program: {found.reason}")
        return found.code

    def _run(self, given: tuple[str, Any]) -> Verdict:
        code, key = given
        readings = read_cases(key, code, self.max_cases)
        if not readings[0]:
            return Verdict.cannot_tell("no cases")
        verdicts = []
        for cases in readings:
            results = self._results(code, cases)
            verdicts.append(_verdict(results, len(cases)))
            if results[-1].reason != "wrong value":
                return verdicts[-1]
        return verdicts[0]

    def _results(self, code: str, cases: Sequence[Case]) -> list[CaseResult]:
        return run_cases(
            f"{self.prelude}\n{code}" if self.prelude else code,
            cases,
            limits=self._limits,
            preload=self.preload,
            level=self.level,
            stop_at_failure=True,
        )


def _verdict(results: Sequence[CaseResult], count: int) -> Verdict:
    """Return the verdict on a program whose cases were run up to the first that failed."""
    last = results[-1]
    if last.outcome == "failed":
        if last.reason == "exception" and last.detail.startswith(_MISSING):
            return Verdict.cannot_tell(f"missing module: {last.detail[:200]}")
        return Verdict("wrong", f"{last.reason}: case {len(results)} of {count}, {last.detail}")
    unknown = [one for one in results if one.outcome == "unknown"]
    if unknown:
        return Verdict.cannot_tell(f"{unknown[0].reason}: {unknown[0].detail}")
    return RIGHT
