"""What the servers that run the user's Lean share: guards, order, verdicts from messages.

They send the file of :mod:`lit_research.lean.batch`, one attempt at a time on top of its header,
and read its verdict from the messages, which all come together.
"""

from __future__ import annotations

import json
import threading
import time
from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from lit_research.lean.batch import AXIOMS, Batch
from lit_research.lean.guards import NO_STATEMENT, Guards
from lit_research.lean.reasons import cut
from lit_research.lean.records import Attempt, LeanServer, ServerCounts, Verdict


@dataclass(frozen=True)
class Message:
    """A message of Lean's.

    Attributes:
        severity: ``error``, ``warning``, ``info``; others are ignored.
        text: the message.
        line: its first line, counted from 1; all of a file's may be shifted by a constant.
    """

    severity: str
    text: str
    line: int


def batch_of(attempt: Attempt, axioms: Collection[str]) -> Batch:
    """Return the file for one attempt whose statement a guard has accepted, without its header."""
    assert attempt.parsed is not None
    return Batch(attempt.header, [(attempt.parsed, attempt.proof)], axioms, with_header=False)


def judge(batch: Batch, messages: Iterable[Message], holes: int, seconds: float) -> Verdict:
    """Return the verdict on the one attempt of ``batch``.

    Args:
        batch: what was sent.
        messages: all of Lean's.
        holes: number of ``sorry`` that the server found.
        seconds: wall time, for the verdict.
    """
    messages = sorted(messages, key=lambda message: message.line)
    # Servers count lines from different places. The last command always answers, and its answer
    # names what no attempt can name.
    name = batch.source.split()[-1]
    lines = [m.line for m in messages if name in m.text]
    if not lines:
        said = next((m.text for m in messages if m.severity == "error"), "nothing")
        return refuted(f"server: no list of axioms but: {said}", seconds)
    shift = lines[-1] - batch.source.count("\n")
    for message in messages:
        severity = {"info": "information"}.get(message.severity, message.severity)
        place = {"line": max(message.line - shift, 1)}
        batch.feed(json.dumps({"pos": place, "severity": severity, "data": message.text}), seconds)
    verdict = batch.verdicts[0]
    if verdict is None or batch.is_broken:
        return refuted("server: its messages are not those of the file that was sent", seconds)
    warned = [m.text for m in messages if m.severity == "warning" and "failed" in m.text]
    if verdict.proved and (holes or warned):
        return refuted(f"error: {warned[0]}" if warned else "sorry: the proof has holes", seconds)
    return verdict


def refuted(reason: str, seconds: float = 0.0) -> Verdict:
    """Return a verdict that is not ``proved``; long reasons are truncated."""
    return Verdict(False, cut(reason), seconds)


class AuditedServer(LeanServer):
    """A server whose attempts pass the guards, are run once if equal, and are counted.

    Args:
        axioms: what a proof may rest on; those of Lean itself if None.
        guards: which text is shown to Lean at all; the default ones if None.
    """

    def __init__(self, axioms: list[str] | None, guards: Guards | None) -> None:
        self.counts = ServerCounts()
        self.axioms = tuple(AXIOMS if axioms is None else axioms)
        self.guards = guards or Guards()
        self._counting = threading.Lock()

    @abstractmethod
    def _run(self, attempts: list[Attempt]) -> list[Verdict]:
        """Return a verdict for each attempt, in their order. No two are equal."""

    def _refusal(self, attempt: Attempt) -> str | None:
        return self.guards.refusal(attempt)

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict for each attempt, in their order; equal attempts are run once.

        Raises:
            UserError: the server cannot run at all.
        """
        started = time.monotonic()
        verdicts: dict[Attempt, Verdict] = {}
        shown: list[Attempt] = []
        attempts = [attempt.with_unix_lines() for attempt in attempts]
        for attempt in dict.fromkeys(attempts):
            refusal = attempt.unwritable or self._refusal(attempt)
            if not refusal and attempt.parsed is None:
                refusal = NO_STATEMENT
            if refusal:
                verdicts[attempt] = refuted(f"refused: {refusal}")
            else:
                shown.append(attempt)
        results = self._run(shown) if shown else []
        verdicts.update(zip(shown, results, strict=True))
        ordered = [verdicts[attempt] for attempt in attempts]
        self._count(run=len(shown), seconds=time.monotonic() - started, verdicts=ordered)
        return ordered

    def _count(
        self,
        *,
        run: int = 0,
        starts: int = 0,
        lost: int = 0,
        seconds: float = 0.0,
        verdicts: Sequence[Verdict] = (),
    ) -> None:
        with self._counting:
            self.counts.add(verdicts)
            self.counts.run += run
            self.counts.starts += starts
            self.counts.lost += lost
            self.counts.seconds += seconds
