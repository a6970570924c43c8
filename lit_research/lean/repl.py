"""REPL processes that keep a header loaded, and a watchdog that kills those that hang.

The process and its protocol are lean-interact's; this module decides when one starts and ends.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import Self

from lit_research.lean.audit import Message

if TYPE_CHECKING:
    from lean_interact import LeanREPLConfig
    from lean_interact import LeanServer as Client

# The client refuses an empty command, and every header needs its own environment.
_NO_HEADER = "-- no header"
_POLL_S = 0.1


@dataclass(frozen=True)
class Limits:
    """What a process may use.

    Attributes:
        timeout_s: wall time for a command.
        header_timeout_s: wall time for a header.
        memory_mib: resident memory of the process and its children; None is no limit.
    """

    timeout_s: float
    header_timeout_s: float
    memory_mib: int | None


@dataclass(frozen=True)
class Answer:
    """The answer to a command.

    Attributes:
        messages: all of Lean's.
        holes: number of ``sorry`` that the REPL found.
        problem: why there is no answer, as a verdict's reason; empty if there is one.
    """

    messages: tuple[Message, ...] = ()
    holes: int = 0
    problem: str = ""

    @property
    def error(self) -> str:
        """The first error of Lean's; empty if there is none."""
        return next((m.text for m in self.messages if m.severity == "error"), "")


class Session:
    """One REPL process with its header loaded, for one thread at a time.

    Attributes:
        header: that it has loaded.
        commands: how many it has run, the header's not counted.
        alive: whether it can run another; a lost session is ended.
        lost: whether the process died or was killed.
    """

    def __init__(self, config: LeanREPLConfig, header: str, limits: Limits) -> None:
        from lean_interact import LeanServer as Client

        self.header, self.limits = header, limits
        self.commands = 0
        self.alive, self.lost = True, False
        self._environment: int | None = None
        self._client = Client(config)
        answer = self._send(header.strip() or _NO_HEADER, limits.header_timeout_s)
        self._broken = answer.problem
        if answer.error:
            self._broken = f"statement: the header does not elaborate: {answer.error}"

    @property
    def is_running(self) -> bool:
        """Whether the process exists: an idle one may be killed from outside."""
        return self._client.is_alive()

    def run(self, text: str) -> Answer:
        """Run commands on top of the header; never raises."""
        if self._broken:
            return Answer(problem=self._broken)
        self.commands += 1
        answer = self._send(text, self.limits.timeout_s)
        most = self.limits.memory_mib
        if self.alive and most is not None and _resident_mib(self._client) > most:
            self.close()
        return answer

    def _send(self, text: str, timeout_s: float) -> Answer:
        from lean_interact import Command
        from lean_interact.interface import CommandResponse

        command = Command(cmd=text, env=self._environment)
        with _Watch(self._client, timeout_s, self.limits.memory_mib) as watch:
            try:
                # The watch comes first; the client's own limit stands behind it.
                answer = self._client.run(command, timeout=timeout_s + 30)
            except Exception as error:
                # After a kill, a crash or half an answer, what the process says is not trusted.
                self.lost = True
                self.close()
                return Answer(problem=watch.reason or _problem(error))
        if not isinstance(answer, CommandResponse):
            self.close()
            return Answer(problem=f"server: the REPL says: {answer.message}")
        if self._environment is None:
            self._environment = answer.env
        found = [Message(m.severity, m.data, m.start_pos.line) for m in answer.messages]
        return Answer(tuple(found), len(answer.sorries))

    def close(self) -> None:
        """End the process."""
        self.alive = False
        for _ in range(2):  # a pipe with unsent text raises, once, while it is closed
            with suppress(Exception):
                self._client.kill()
                break

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Sessions:
    """At most ``capacity`` sessions, the idle ones kept for the next attempt with their header.

    Args:
        capacity: processes at a time.
        start: starts one with a header.
    """

    def __init__(self, capacity: int, start: Callable[[str], Session]) -> None:
        self._capacity, self._start = capacity, start
        self._idle: list[Session] = []  # the least recently used one first
        self._living = 0
        self._lock = threading.Lock()

    def acquire(self, header: str) -> Session:
        """Return a session with the header. Its caller is one of ``capacity`` threads at most.

        Raises:
            OSError: no process could be started.
        """
        ended = []
        with self._lock:
            for session in reversed(self._idle):
                if session.header == header:
                    self._idle.remove(session)
                    if session.is_running:
                        return session
                    ended.append(session)
            self._living += 1 - len(ended)
            if self._living > self._capacity:
                self._living -= 1
                ended.append(self._idle.pop(0))
        try:
            for session in ended:
                session.close()
            return self._start(header)
        except BaseException:
            with self._lock:
                self._living -= 1
            raise

    def adopt(self, session: Session) -> None:
        """Add a session that was started elsewhere, before any other."""
        with self._lock:
            self._idle.append(session)
            self._living += 1

    def release(self, session: Session, *, keep: bool) -> None:
        """Take a session back, to be kept or to be ended."""
        if not keep:
            session.close()
        with self._lock:
            if keep:
                self._idle.append(session)
            else:
                self._living -= 1

    def close(self) -> None:
        """End the idle sessions."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._living -= len(idle)
        for session in idle:
            session.close()


class _Watch:
    """Kills a client's process when a command takes too long or too much memory.

    The client's own limit ends the process in the middle of its own reading from it. Killed from
    outside, the process closes its pipes first, and the client sees an end like any other.
    """

    def __init__(self, client: Client, timeout_s: float, memory_mib: int | None) -> None:
        self.reason = ""
        self._client, self._timeout_s, self._memory_mib = client, timeout_s, memory_mib
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lean-watch", daemon=True)

    def _look(self) -> None:
        deadline = time.monotonic() + self._timeout_s
        while not self.reason:
            left = deadline - time.monotonic()
            if self._done.wait(max(left if self._memory_mib is None else min(_POLL_S, left), 0)):
                return
            if time.monotonic() >= deadline:
                self.reason = f"timeout: no answer within {self._timeout_s:g} s"
            elif self._memory_mib is not None:
                used = _resident_mib(self._client)
                if used > self._memory_mib:
                    self.reason = f"memory: {used:.0f} MiB; {self._memory_mib} are allowed"
        _kill(self._client)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def _kill(client: Client) -> None:
    process = getattr(client, "_proc", None)  # the client has no other name for it
    if process is None:
        client.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # it leads a group: `lake env` has a child


def _resident_mib(client: Client) -> float:
    try:
        return client.get_memory_usage()
    except Exception:  # the process ends while it is looked at
        return 0.0


def _problem(error: Exception) -> str:
    """Return a verdict's reason for what the client raised."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, (ConnectionError, ChildProcessError)):
        return f"crashed: the REPL ended in the middle of the attempt: {text}"
    if isinstance(error, TimeoutError):
        return f"timeout: {text}"
    return f"server: {type(error).__name__}: {text}"
