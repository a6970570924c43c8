"""``WorkerPool``: processes that answer items one by one, each within a hard limit."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.ranges import COUNT, POSITIVE, check_range

START_S = 120.0  # for a worker's imports, on a machine that is busy
# Without it, sets are iterated in another order in each process, and results depend on that.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Lost:
    """An item that has no answer; the others have theirs.

    Attributes:
        reason: ``timeout: ...`` or ``died: ...``.
    """

    reason: str


class _DiedError(Exception):
    """The process ended."""


class _Worker:
    """A process that reads lists of items from its input, a line each, and writes an answer each.

    Raises:
        UserError: it does not start.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,  # Ctrl-C goes to this process alone, which ends the others
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._read = b""
        try:
            if self.answer(START_S) != "ready":
                raise _DiedError
        except (_DiedError, TimeoutError) as error:
            said = self._last_words()
            self.kill()
            raise UserError(
                f"a worker does not start ({said or error}), by {' '.join(command[:2])}; must be "
                "a script that runs with this Python"
            ) from error

    def send(self, items: Sequence[Any]) -> None:
        """Give it items; answers come in their order."""
        try:
            self._in.write(json.dumps(items).encode() + b"\n")
            self._in.flush()
        except OSError as error:
            raise _DiedError from error

    def answer(self, timeout_s: float) -> Any:
        """Return its next answer.

        Raises:
            TimeoutError: none came in time.
            _DiedError: the process ended.
        """
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._read:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError(f"no answer in {timeout_s:g} s")
            part = os.read(self._out.fileno(), 65536)
            if not part:
                raise _DiedError
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        try:
            return json.loads(line)
        except ValueError as error:
            raise _DiedError from error

    def end(self) -> str:
        """Wait for a process that ends by itself; return how it ended."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            code = None
        said = self._last_words()
        self.kill()
        return f"exit code {code}{f', {said}' if said else ''}"

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else ""

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for file in (self._in, self._out, self._errors):
            with contextlib.suppress(OSError):  # what a process that is gone did not read
                file.close()


class _StoppedError(Exception):
    """The call was given up."""


class _Work:
    """Items that threads take in batches, which shrink towards the end so that all end together."""

    def __init__(self, count: int, workers: int, batch_size: int) -> None:
        self._next, self._count = 0, count
        self._share, self._most = 2 * workers, batch_size
        self._lock, self._is_stopped = threading.Lock(), False

    def batches(self) -> Iterator[list[int]]:
        while True:
            with self._lock:
                left = self._count - self._next
                size = min(self._most, -(-left // self._share))
                batch = list(range(self._next, self._next + size))
                self._next += size
            if not batch:
                return
            yield batch

    def stop(self) -> None:
        """Give up: nothing more is given out, and batches in hand end at their next item."""
        with self._lock:
            self._next, self._is_stopped = self._count, True

    def check(self) -> None:
        if self._is_stopped:
            raise _StoppedError


class WorkerPool:
    """Answers items in processes of their own, for work that may hang, crash or eat memory.

    Each worker is ``script`` as a program, with one thread: it writes ``"ready"``, then reads lines
    with a list of items and writes a line for each item, all in JSON. One that does not answer an
    item in time is killed and replaced, and so is one that died; the item is ``Lost``, the others
    of its batch are sent again. Workers are kept for the next call, until ``close``; if this
    process dies, they read the end of their input. They are started as new programs: neither
    threads nor the state of this process are copied.

    Args:
        script: a file of Python that needs nothing of this package.
        arguments: its command line.
        workers: processes.
        timeout_s: hard limit of each item, wall time in seconds.
        batch_size: items that a worker gets at once at most.

    Raises:
        UserError: a number is out of range.
    """

    def __init__(
        self,
        script: Path,
        arguments: Sequence[str] = (),
        *,
        workers: int = 1,
        timeout_s: float = 10.0,
        batch_size: int = 64,
    ) -> None:
        check_range(COUNT, "of WorkerPool", workers=workers, batch_size=batch_size)
        check_range(POSITIVE, "of WorkerPool", timeout_s=timeout_s)
        self._command = [sys.executable, str(script), *arguments]
        self._workers, self.timeout_s, self.batch_size = workers, timeout_s, batch_size
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _kill_all, self._idle)

    def run(self, items: Sequence[Any]) -> list[Any]:
        """Return the answer to each item, or ``Lost``, in their order.

        Args:
            items: plain JSON data.

        Raises:
            UserError: the workers do not start.
        """
        answers: list[Any] = [None] * len(items)
        count = min(self._workers, len(items))
        work = _Work(len(items), count, self.batch_size)
        if not items:
            return answers
        with self._lock, ThreadPoolExecutor(count) as threads:
            running = [threads.submit(self._serve, work, items, answers) for _ in range(count)]
            try:
                for thread in running:
                    thread.result()
            except BaseException:
                work.stop()
                raise
        return answers

    def _serve(self, work: _Work, items: Sequence[Any], answers: list[Any]) -> None:
        """Let a worker, and those that replace it, answer batches until none is left."""
        worker = None
        try:
            for batch in work.batches():
                left = deque(batch)
                while left:
                    work.check()
                    worker = worker or self._worker()
                    try:
                        worker.send([items[index] for index in left])
                        while left:
                            answers[left[0]] = worker.answer(self.timeout_s)
                            left.popleft()
                            work.check()
                    except TimeoutError as error:
                        answers[left.popleft()] = Lost(f"timeout: {error}")
                        worker.kill()
                        worker = None
                    except _DiedError:
                        answers[left.popleft()] = Lost(f"died: {worker.end()}")
                        worker = None
            if worker is not None:
                self._idle.append(worker)
        except BaseException:
            if worker is not None:
                worker.kill()
            raise

    def _worker(self) -> _Worker:
        try:
            return self._idle.pop()
        except IndexError:
            return _Worker(self._command)

    def close(self) -> None:
        """End the workers; the next ``run`` starts others."""
        with self._lock:
            _kill_all(self._idle)


def _kill_all(workers: list[_Worker]) -> None:
    while workers:
        workers.pop().kill()
