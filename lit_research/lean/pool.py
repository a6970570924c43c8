"""Runs batches of attempts in processes, and finds which attempt is to blame when one fails."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lit_research.errors import UserError
from lit_research.lean.exchange import Exchange, Work
from lit_research.lean.records import ServerCounts, Verdict
from lit_research.sandbox import Limits, Profile, Result, Sandboxed, start

START_S = 30.0  # for the process to start and read its imports, beyond the time of an attempt
_MEMORY = re.compile(r"out of memory|excessive memory|[Cc]annot allocate|bad_alloc|memory limit")


@dataclass(frozen=True)
class Settings:
    """How to run Lean.

    Args:
        command: the driver and its arguments, which reads questions from stdin and writes answers.
        environment: its environment variables.
        readable: what it may read.
        limits: of a process with one attempt; time and output grow with the attempts.
        wall_s: longest time of one attempt.
        axioms: what a proof may rest on.
        heartbeats: Lean's own limit for one declaration, in thousands of small allocations.
        isolation: the weakest level of the sandbox that will do.
        profile: the system calls that the sandbox lets through.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    readable: tuple[Path, ...]
    limits: Limits
    wall_s: float
    axioms: tuple[str, ...]
    heartbeats: int
    isolation: str | None = None
    profile: Profile = "proof"


@dataclass(frozen=True)
class _End:
    """How a process ended: the kind of verdict for the current attempt, and why.

    ``is_certain``: that attempt is to blame; else a second run decides.
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
        """Kill the processes and start no others; attempts without a verdict get ``server``."""
        self._is_stopped = True
        for process in list(self._alive):
            process.kill()

    def run(self, header: str, work: Sequence[Work]) -> list[Verdict]:
        """Return the verdicts of a batch, in its order, whatever happens to its processes."""
        found: list[Verdict | None] = [None] * len(work)
        todo: deque[tuple[list[int], bool]] = deque([(list(range(len(work))), False)])
        while todo and not self._is_stopped:
            group, is_second = todo.popleft()
            exchange, end = self._once(header, [work[i] for i in group])
            if self._is_stopped:  # it ended because of us
                end = _End()
            if is_second:
                end = replace(end, is_certain=True)
            suspects, rest = self._judge(group, exchange, end, found, is_second=is_second)
            # Suspects run again apart from the rest, so that neither is blamed for the other.
            if rest:
                todo.append((rest, False))
            if suspects:
                todo.append((suspects, True))
        closed = Verdict(False, "server: it was closed before this attempt had its turn")
        return [verdict or closed for verdict in found]

    def _judge(
        self,
        group: list[int],
        exchange: Exchange,
        end: _End,
        found: list[Verdict | None],
        *,
        is_second: bool,
    ) -> tuple[list[int], list[int]]:
        """Record the verdicts of one process; return what to run alone and what to run again."""
        for index, verdict in zip(group, exchange.verdicts, strict=True):
            found[index] = verdict
        suspects = [group[i] for i in exchange.in_hand] if end.kind else []
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

    def _once(self, header: str, work: list[Work]) -> tuple[Exchange, _End]:
        """Run one process until every attempt has a verdict, or it ends otherwise."""
        own = self._settings
        exchange = Exchange(header, work, own.axioms, own.heartbeats)
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
            profile=own.profile,
        ) as process:
            self._alive.add(process)
            try:
                if self._is_stopped:  # between the last look and now
                    return exchange, _End()
                process.write(exchange.source)
                process.close_stdin()
                end = self._read(process, exchange)
            finally:
                self._alive.discard(process)
        with self._lock:
            self._counts.starts += 1
            self._counts.lost += bool(end.kind)
        return exchange, end

    def _read(self, process: Sandboxed, exchange: Exchange) -> _End:
        """Read answers until all have come."""
        wall_s = self._settings.wall_s
        since = time.monotonic()
        until = since + wall_s + START_S
        while not exchange.is_finished:
            try:
                line = process.readline(max(until - time.monotonic(), 0.0))
            except TimeoutError:
                return _End("timeout", f"no verdict within {wall_s:g} s")
            if not line:
                return self._ended(process.wait())
            now = time.monotonic()
            exchange.feed(line.decode(errors="replace"), now - since)
            since, until = now, now + wall_s
            if exchange.is_broken:
                return _End("crashed", "what came is no answer", is_certain=False)
        return _End()

    def _ended(self, result: Result) -> _End:
        """Return what it means that a process ended before its work was done."""
        said = result.error_text
        why = " ".join((said or result.reason).split())[:300]
        if result.status == "not started":
            raise UserError(
                f"Lean does not start: {result.reason}, in lit_research.lean (the command "
                f"{self._settings.command[0]!r}); install it again, or use a server with another "
                "Lean"
            )
        if result.status == "memory" or _MEMORY.search(said):
            return _End("memory", why or "out of memory", is_certain=False)
        if result.status in ("timeout", "cpu"):
            return _End("timeout", why)
        return _End("crashed", why or "Lean ended early", is_certain=False)
