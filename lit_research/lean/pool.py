"""Runs batches of attempts in processes, and finds whose fault it is when one does not end well."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lit_research.errors import UserError
from lit_research.lean.batch import Batch
from lit_research.lean.records import ServerCounts, Verdict
from lit_research.lean.statements import Statement
from lit_research.sandbox import Limits, Result, Sandboxed, start

START_S = 30.0  # for the process to start and read its imports, beyond the time of an attempt
_MEMORY = re.compile(r"out of memory|excessive memory|[Cc]annot allocate|bad_alloc|memory limit")
Work = tuple[Statement, str]
# All in one file; with an answer after each statement; those that may be to blame, by themselves.
_Way = Literal["together", "closely", "alone"]


@dataclass(frozen=True)
class Settings:
    """How to run Lean.

    Args:
        command: the program and its arguments, which reads a file from stdin and writes messages
            as JSON, line by line.
        environment: its environment variables.
        readable: what it may read.
        limits: of a process with one attempt; time and output grow with the attempts.
        wall_s: longest time of one attempt.
        axioms: what a proof may rest on.
        isolation: the weakest level of the sandbox that will do.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    readable: tuple[Path, ...]
    limits: Limits
    wall_s: float
    axioms: tuple[str, ...]
    isolation: str | None = None


@dataclass(frozen=True)
class _End:
    """How a process ended: the kind of verdict for the attempt in hand, why, and whose fault.

    ``is_certain``: it is that attempt's; else another run alone decides.
    """

    kind: str = ""
    why: str = ""
    is_certain: bool = True


class Runs:
    """The processes of one caller, one batch at a time in each thread that calls ``run``.

    Args:
        settings: how to run Lean.
        counts: where to count processes.
        lock: what guards ``counts``.
    """

    def __init__(self, settings: Settings, counts: ServerCounts, lock: threading.Lock) -> None:
        self._settings = settings
        self._counts, self._lock = counts, lock
        self._alive: set[Sandboxed] = set()
        self._is_stopped = False

    def stop(self) -> None:
        """Kill the processes and start no others; what has no verdict gets ``server``."""
        self._is_stopped = True
        for process in list(self._alive):
            process.kill()

    def run(self, header: str, work: Sequence[Work]) -> list[Verdict]:
        """Return the verdicts of a batch, in its order, whatever becomes of its processes."""
        found: list[Verdict | None] = [None] * len(work)
        todo: deque[tuple[list[int], _Way]] = deque([(list(range(len(work))), "together")])
        while todo and not self._is_stopped:
            group, way = todo.popleft()
            batch, end = self._once(header, [work[i] for i in group], closely=way == "closely")
            if self._is_stopped:  # it ended because of us
                end = _End()
            if batch.is_vague and end.kind:  # it died at one of the statements: which?
                todo.append((group, "closely"))
                continue
            if way == "alone":
                end = replace(end, is_certain=True)
            suspects, rest = self._judge(group, batch, end, found, is_second=way == "alone")
            # Once more alone, so that the next end is no other's; the innocent go on together.
            if rest:
                todo.append((rest, "together"))
            if suspects:
                todo.append((suspects, "alone"))
        closed = Verdict(False, "server: it was closed before this attempt had its turn")
        return [verdict or closed for verdict in found]

    def _judge(
        self,
        group: list[int],
        batch: Batch,
        end: _End,
        found: list[Verdict | None],
        *,
        is_second: bool,
    ) -> tuple[list[int], list[int]]:
        """Enter the verdicts of one process; return what to run alone and what to run again."""
        for index, verdict in zip(group, batch.verdicts, strict=True):
            found[index] = verdict
        suspects = [group[i] for i in batch.in_hand] if end.kind else []
        if end.is_certain:
            for index in suspects:
                spent = self._settings.wall_s if end.kind == "timeout" else 0.0
                found[index] = Verdict(False, f"{end.kind}: {end.why}", spent)
            suspects = []
        # Lean's own word that memory ran out may be due to those before it in the same process.
        if len(group) > 1 and not is_second:
            full = [i for i in group if (verdict := found[i]) and verdict.kind == "memory"]
            for index in full:
                found[index] = None
            suspects += full
        rest = [i for i in group if found[i] is None and i not in suspects]
        return suspects, rest

    def _once(self, header: str, work: list[Work], *, closely: bool = False) -> tuple[Batch, _End]:
        """Run one process until every attempt has a verdict, or it ends otherwise."""
        own = self._settings
        batch = Batch(header, work, own.axioms, closely=closely)
        limits = replace(
            own.limits,
            wall_s=START_S + own.limits.wall_s * len(work),
            cpu_s=START_S + own.limits.cpu_s * len(work),
            output_kib=1024 + own.limits.output_kib * len(work),
        )
        with start(
            own.command,
            limits=limits,
            readable=own.readable,
            env=own.environment,
            require=own.isolation,  # type: ignore[arg-type]
        ) as process:
            self._alive.add(process)
            try:
                if self._is_stopped:  # between the last look and now
                    return batch, _End()
                process.write(batch.source.encode(errors="replace"))
                process.close_stdin()
                end = self._read(process, batch)
            finally:
                self._alive.discard(process)
        with self._lock:
            self._counts.starts += 1
            self._counts.lost += bool(end.kind)
        return batch, end

    def _read(self, process: Sandboxed, batch: Batch) -> _End:
        """Read messages until all is said."""
        wall_s = self._settings.wall_s
        since = time.monotonic()
        until = since + wall_s + START_S
        while not batch.is_finished:
            try:
                line = process.readline(max(until - time.monotonic(), 0.0))
            except TimeoutError:
                # Once more alone: perhaps it was the machine that stood still.
                return _End("timeout", f"no verdict within {wall_s:g} s", is_certain=False)
            if not line:
                return self._ended(process.wait(), batch)
            now = time.monotonic()
            if batch.feed(line.decode(errors="replace"), now - since):
                since, until = now, now + wall_s
            if batch.is_void and not batch.is_finished:
                return _End()  # the others once more, in a process that has not seen it
            if batch.is_broken:
                return _End("error", batch.complaint or "the proof takes in what follows it")
        return _End()

    def _ended(self, result: Result, batch: Batch) -> _End:
        """Say what the end of a process means that came before its work was done."""
        said = result.error_text
        why = " ".join((said or result.reason).split())[:300]
        if result.status == "not started":
            raise UserError(
                f"Lean does not start: {result.reason}; its command is "
                f"{self._settings.command[0]!r} (lit_research.lean). Install it again, or give a "
                "server with another Lean."
            )
        if result.status == "memory" or _MEMORY.search(said):
            return _End("memory", why or "out of memory", is_certain=False)
        if result.status in ("timeout", "cpu"):
            return _End("timeout", why)
        if result.exit_code in (0, 1) and batch.complaint:
            return _End("error", batch.complaint)
        return _End("crashed", why or "Lean ended early", is_certain=False)
