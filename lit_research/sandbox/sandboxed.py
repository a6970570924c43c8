"""The handle of a command in a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType

from lit_research.sandbox.records import Level, Result
from lit_research.sandbox.watcher import Watcher


class Sandboxed:
    """A command that runs in a sandbox; any thread may use it.

    Made by ``start``. A thread of its own moves its output, watches its limits and cleans up, so
    that it ends in time even if nobody looks at it. Leaving its ``with`` block kills it.

    Args:
        isolation: the level in use.
        what: the watcher of a command that was started, or the result of one that was not.
    """

    def __init__(self, isolation: Level, what: Watcher | Result) -> None:
        self.isolation = isolation
        self._watcher = what if isinstance(what, Watcher) else None
        self._result = what if isinstance(what, Result) else None

    @property
    def peak_mib(self) -> float:
        """Largest memory of all its processes together seen so far, in MiB (see ``Limits``)."""
        return self._watcher.peak_mib if self._watcher else 0.0

    @property
    def pid(self) -> int | None:
        """Process id of the program that holds the sandbox; None if nothing was started."""
        if self._watcher is None:
            return None
        self._watcher.started.wait()
        return self._watcher.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._watcher is not None and not self._watcher.done.is_set()

    def write(self, data: bytes | str) -> None:
        """Send data to its stdin, text as UTF-8; never waits, and what it does not read is lost.

        Raises:
            ValueError: stdin was closed before.
        """
        if self._watcher:
            self._watcher.write(data.encode() if isinstance(data, str) else data)

    def close_stdin(self) -> None:
        """Let it see the end of its stdin, after what was written so far."""
        if self._watcher:
            self._watcher.close_stdin()

    def readline(self, timeout_s: float | None = None) -> bytes:
        r"""Take the next line of its stdout with its ``\n``; ``b""`` at the end.

        Args:
            timeout_s: longest wait in seconds; None waits until it ends (``wall_s`` sees to it).

        Raises:
            TimeoutError: no whole line came in time. Nothing is lost: call again, or ``kill``.
        """
        return self._watcher.lines.readline(timeout_s) if self._watcher else b""

    def lines(self, timeout_s: float | None = None) -> Iterator[bytes]:
        r"""Yield the lines of its stdout, with their ``\n``, until it ends.

        Args:
            timeout_s: longest wait for each line, in seconds.

        Raises:
            TimeoutError: no whole line came in time.
        """
        while line := self.readline(timeout_s):
            yield line

    def kill(self) -> None:
        """Kill it and every process that it started; they are gone when this returns."""
        if self._watcher:
            self._watcher.end("killed", "killed by the caller")
            self._watcher.done.wait()

    def wait(self) -> Result:
        """Close its stdin, wait until it has ended, and return how.

        ``stdout`` of the result is what was not read by then.
        """
        if self._watcher is None:
            assert self._result is not None
            return self._result
        self._watcher.close_stdin()
        self._watcher.done.wait()
        assert self._watcher.result is not None
        return replace(self._watcher.result, stdout=self._watcher.lines.rest())

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
