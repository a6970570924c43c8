"""The handle of a command in a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType

from lit_research.sandbox.command_thread import CommandThread
from lit_research.sandbox.records import Level, Result


class Sandboxed:
    """A command that runs in a sandbox; any thread may use it.

    Made by ``start``. A separate thread moves its output, enforces its limits and cleans up, so
    that it ends in time even if the caller does nothing. Leaving its ``with`` block kills it.

    Args:
        isolation: the level in use.
        source: the thread of a command that was started, or the result of one that was not.
    """

    def __init__(self, isolation: Level, source: CommandThread | Result) -> None:
        self.isolation = isolation
        self._thread = source if isinstance(source, CommandThread) else None
        self._result = source if isinstance(source, Result) else None

    @property
    def peak_mib(self) -> float:
        """Peak memory of all its processes together so far, in MiB (see ``Limits``)."""
        return self._thread.peak_mib if self._thread else 0.0

    @property
    def pid(self) -> int | None:
        """Process id of the program that holds the sandbox; None if nothing was started."""
        if self._thread is None:
            return None
        self._thread.started.wait()
        return self._thread.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread is not None and not self._thread.done.is_set()

    def write(self, data: bytes | str) -> None:
        """Send data to its stdin, text as UTF-8, without blocking; what it does not read is lost.

        Raises:
            ValueError: stdin was closed before.
        """
        if self._thread:
            self._thread.write(data.encode() if isinstance(data, str) else data)

    def close_stdin(self) -> None:
        """Close its stdin, after what was written so far."""
        if self._thread:
            self._thread.close_stdin()

    def readline(self, timeout_s: float | None = None) -> bytes:
        r"""Take the next line of its stdout with its ``\n``; ``b""`` at the end.

        Args:
            timeout_s: longest wait in seconds; None waits until it ends (within ``wall_s``).

        Raises:
            TimeoutError: no complete line came in time. Nothing is lost: call again, or ``kill``.
        """
        return self._thread.lines.readline(timeout_s) if self._thread else b""

    def lines(self, timeout_s: float | None = None) -> Iterator[bytes]:
        r"""Yield the lines of its stdout, with their ``\n``, until it ends.

        Args:
            timeout_s: longest wait for each line, in seconds.

        Raises:
            TimeoutError: no complete line came in time.
        """
        while line := self.readline(timeout_s):
            yield line

    def kill(self) -> None:
        """Kill it and every process that it started; they are gone when this returns."""
        if self._thread:
            self._thread.end("killed", "killed by the caller")
            self._thread.done.wait()

    def wait(self) -> Result:
        """Close its stdin, wait until it has ended, and return its result.

        ``stdout`` of the result is what was not read before.
        """
        if self._thread is None:
            assert self._result is not None
            return self._result
        self._thread.close_stdin()
        self._thread.done.wait()
        assert self._thread.result is not None
        return replace(self._thread.result, stdout=self._thread.lines.rest())

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
