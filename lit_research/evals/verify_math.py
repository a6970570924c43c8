"""``MathVerifier``: is a final answer the same mathematics as the answer key?"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.evals import math_worker
from lit_research.evals.final_answers import final_of
from lit_research.evals.math_notation import REPEATING, as_text, plain_notation, words
from lit_research.evals.verdicts import RIGHT, WRONG, Attempt, Verdict, Verifier
from lit_research.evals.worker_pool import Lost, WorkerPool
from lit_research.ranges import COUNT, NOT_NEGATIVE, POSITIVE, Range, check_range

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_ANSWERS = frozenset({"yes", "no", "true", "false"})
MAX_TEXT = 2_000_000  # characters of a text in which a final answer is looked for


class MathVerifier(Verifier):
    """Compares final answers with keys by math-verify, in processes of their own.

    The final answer is the attempt's, or is parsed from its text (``parse_final``). An answer that
    math-verify finds unequal is wrong. It cannot tell where

    - there is no final answer, or the answer or the key is not read as mathematics, or is too long;
    - time or memory is not enough: in threads, math-verify takes such an answer for a wrong one;
    - the words or units of the two differ, which it would take for variables, or not read at all:
      ``5 km`` is not ``5 miles``, and "no solution" may be the empty set. Equal texts are right;
    - small numbers are equal after rounding only, or a decimal repeats, which it misreads.

    Answers that occur several times in a call are compared once.

    Args:
        workers: processes; None: one for each core.
        cpu_s: soft limit of an answer, seconds of CPU time in its process.
        timeout_s: hard limit of an answer, seconds of wall time, after which its process is killed.
        memory_mb: limit of a process.
        max_characters: longest final answer and key.
        float_rounding: decimals to which numbers must be equal if one of them is a decimal.
        batch_size: answers that a process gets at once at most.

    Raises:
        UserError: math-verify is not installed, or a number is out of range.
    """

    def __init__(
        self,
        workers: int | None = None,
        cpu_s: float = 5.0,
        timeout_s: float = 20.0,
        memory_mb: int = 2048,
        max_characters: int = 1000,
        float_rounding: int = 6,
        batch_size: int = 64,
    ) -> None:
        where = "of MathVerifier"
        check_range(COUNT, where, workers=workers, max_characters=max_characters)
        check_range(COUNT, where, batch_size=batch_size)
        check_range(POSITIVE, where, cpu_s=cpu_s)
        check_range(Range(above=cpu_s), where, timeout_s=timeout_s)
        check_range(Range(at_least=512), where, memory_mb=memory_mb)
        check_range(NOT_NEGATIVE, where, float_rounding=float_rounding)
        try:
            self._version = version("math-verify")
        except PackageNotFoundError as error:
            raise UserError(
                "the library math-verify is not installed, which MathVerifier needs: "
                "pip install 'lit_research[openthoughts]'"
            ) from error
        self.workers = workers or os.cpu_count() or 1
        self.max_characters, self.batch_size = max_characters, batch_size
        self.settings = {
            "cpu_s": cpu_s,
            "timeout_s": timeout_s,
            "memory_mb": memory_mb,
            "float_rounding": float_rounding,
        }
        self._pool: WorkerPool | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_pool": None}  # a copy in another process has processes of its own

    def card(self) -> dict[str, Any]:
        """Return the settings and the version of math-verify."""
        settings = {**self.settings, "max_characters": self.max_characters}
        return {"name": "MathVerifier", "math-verify": self._version, **settings}

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict on each attempt; see the class."""
        verdicts: list[Verdict | None] = []
        pairs: dict[tuple[str, str], list[int]] = {}
        for index, attempt in enumerate(attempts):
            found = self._prepare(attempt)
            verdicts.append(found if isinstance(found, Verdict) else None)
            if not isinstance(found, Verdict):
                pairs.setdefault(found, []).append(index)
        answers = self._started().run([list(pair) for pair in pairs]) if pairs else []
        for (pair, indices), answer in zip(pairs.items(), answers, strict=True):
            for index in indices:
                verdicts[index] = _verdict(*pair, answer)
        return [verdict for verdict in verdicts if verdict is not None]

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()

    def _started(self) -> WorkerPool:
        if self._pool is None:
            self._pool = WorkerPool(
                Path(math_worker.__file__),
                [json.dumps(self.settings)],
                workers=self.workers,
                timeout_s=self.settings["timeout_s"],
                batch_size=self.batch_size,
            )
        return self._pool

    def _prepare(self, attempt: Attempt) -> Verdict | tuple[str, str]:
        """Return the verdict if it needs no process, else the key and the final answer."""
        if not isinstance(attempt.key, str):
            raise UserError(
                f"the answer key of {attempt.group!r} is {attempt.key!r}, of MathVerifier; must be "
                "a text"
            )
        stated = final_of(attempt, MAX_TEXT)
        if stated.text is None:
            return Verdict.cannot_tell(f"no final answer: {stated.reason}")
        for what, text in (("key", attempt.key), ("final answer", stated.text)):
            if len(text) > self.max_characters:
                return Verdict.cannot_tell(f"too long: the {what} has {len(text)} characters")
        key, final = plain_notation(attempt.key), plain_notation(stated.text)
        if _INTEGER.fullmatch(key) and _INTEGER.fullmatch(final):
            return RIGHT if int(key) == int(final) else WRONG
        ours, theirs = words(key), words(final)
        if ours and as_text(key) == as_text(final):
            return RIGHT
        if {as_text(key), as_text(final)} <= _ANSWERS:
            return RIGHT if as_text(key) == as_text(final) else WRONG
        if REPEATING.search(key) or REPEATING.search(final):
            return Verdict.cannot_tell("notation: a repeating decimal")
        if ours and theirs and ours != theirs:
            return _differing(ours, theirs)
        return key, final


def _verdict(key: str, final: str, answer: Any) -> Verdict:
    """Return the verdict that a process's answer amounts to."""
    if isinstance(answer, Lost):
        return Verdict.cannot_tell(answer.reason)
    outcome, reason = answer
    if outcome == "wrong" and words(key) != words(final):
        return _differing(words(key), words(final))
    return Verdict(outcome, reason)


def _differing(ours: Sequence[str], theirs: Sequence[str]) -> Verdict:
    """Return the verdict on answers of different words."""
    key, final = " ".join(ours) or "none", " ".join(theirs) or "none"
    return Verdict.cannot_tell(f"words: {final[:60]!r} and not {key[:60]!r}")
