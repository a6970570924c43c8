"""The thread behind a command: moves its data, holds it to its limits, cleans up after it."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from lit_research.sandbox import levels, tree
from lit_research.sandbox.ending import judge, remove
from lit_research.sandbox.pipes import Feed, Lines
from lit_research.sandbox.records import Result, Status
from lit_research.sandbox.spawn import spawn
from lit_research.sandbox.usage import Meter

_LOOK_S = 0.025  # between two looks at the usage
_GRACE_S = 2.0  # for the launcher to end what it started
_SWEEP_S = 10.0  # for the kernel to end a namespace


class Watcher:
    """Starts a command and stays with it to its end.

    Args:
        job: what to start.
        env: its whole environment.
        scratch: a folder to remove afterwards.

    Raises:
        OSError: the system does not start it.
    """

    def __init__(self, job: levels.Job, env: dict[str, str], scratch: str | None) -> None:
        self.lines = Lines()
        self.done = threading.Event()
        self.result: Result | None = None
        self.peak_mib = 0.0
        self._job = job
        self._scratch = scratch
        self._stderr = bytearray()
        self._moved = 0
        self._verdict: tuple[Status, str] | None = None
        self._struck_s = 0.0
        self._ended = False
        self._lock = threading.Lock()
        self._began_s = time.monotonic()
        self._popen, first = _spawn(job, env)
        self.pid = self._popen.pid
        try:
            self._prepare(first)
        except BaseException:  # out of descriptors or threads
            with self._popen:
                self._popen.kill()
            raise

    def _prepare(self, first: int | None) -> None:
        """Open what the thread needs, and start it."""
        self._first = _pidfd(first) if first is not None else None
        self._meter = Meter(self.pid, first if self._first is not None else None)
        self._wakes = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        assert self._popen.stdin is not None
        self._feed = Feed(os.dup(self._popen.stdin.fileno()))
        self._popen.stdin.close()
        threading.Thread(target=self._watch, name="sandbox-watch", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Hand data to the stdin of the command."""
        self._feed.add(data)
        self._wake()

    def close_stdin(self) -> None:
        """Let the command see the end of its stdin."""
        self._feed.close()
        self._wake()

    def end(self, status: Status, reason: str) -> None:
        """Kill the command and all that it started; the first reason given is the one that counts.

        The thread sees to the rest: ``done`` is set when they are gone.
        """
        with self._lock:
            if self._ended or self._verdict is not None:
                return
            self._verdict = status, reason
            self._struck_s = time.monotonic()
            if self._first is not None:
                # Process 1 ends at once, and the kernel then ends all of its namespace.
                _kill(self._first)
            elif self._job.level == "bubblewrap":
                self._popen.kill()
            else:
                self._popen.terminate()  # the launcher ends its tree

    def _wake(self) -> None:
        with self._lock:
            if not self._ended:
                os.eventfd_write(self._wakes, 1)

    def _watch(self) -> None:
        """Be the thread. Whatever becomes of it, the command ends and its caller hears of it."""
        try:
            self._finish(self._stay())
        except Exception as error:  # of the system: no descriptors, no memory
            self._give_up(error)

    def _stay(self) -> int:
        """Stay with the command to its end; return its exit code."""
        popen = self._popen
        assert popen.stdout is not None
        assert popen.stderr is not None
        outputs: dict[int, Callable[[bytes], None]] = {
            popen.stdout.fileno(): self.lines.add,
            popen.stderr.fileno(): self._stderr.extend,
        }
        ended = os.pidfd_open(popen.pid)
        try:
            with selectors.DefaultSelector() as selector:
                for descriptor in (*outputs, self._wakes, ended):
                    os.set_blocking(descriptor, False)
                    selector.register(descriptor, selectors.EVENT_READ)
                self._serve(selector, outputs, ended)
        finally:
            os.close(ended)
        self._sweep()
        for descriptor, use in outputs.items():
            while self._take(descriptor, use):
                pass
        code = popen.wait()
        self._release()
        return code

    def _release(self) -> None:
        """Close what the thread held open, and remove the scratch folder; once."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            os.close(self._wakes)
            if self._first is not None:
                os.close(self._first)
        self._meter.close()
        self._feed.shut()
        for pipe in (self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()
        if self._scratch is not None:
            remove(self._scratch)

    def _give_up(self, error: Exception) -> None:
        """Kill the command, which nobody can watch any more, and say why."""
        self.end("killed", f"could not be watched: {error}")
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE_S)
        self._popen.kill()
        code = self._popen.wait()
        with suppress(OSError):
            self._release()
        self._finish(code)

    def _serve(
        self,
        selector: selectors.BaseSelector,
        outputs: dict[int, Callable[[bytes], None]],
        ended: int,
    ) -> None:
        """Move data and look at the limits until the command has ended."""
        next_look_s = self._began_s + _LOOK_S
        blind_s: float | None = None  # since when nothing can be seen
        waits_for: int | None = None
        while True:
            ready = {key.fd for key, _ in selector.select(_LOOK_S)}
            if self._wakes in ready:
                os.eventfd_read(self._wakes)
            for descriptor in [d for d in outputs if d in ready]:
                if self._take(descriptor, outputs[descriptor]) is None:
                    selector.unregister(descriptor)
                    del outputs[descriptor]
            if waits_for is not None:
                selector.unregister(waits_for)
            if (waits_for := self._feed.push()) is not None:
                selector.register(waits_for, selectors.EVENT_WRITE)
            if ended in ready:
                return
            now_s = time.monotonic()
            if now_s - self._began_s > self._job.limits.wall_s:
                self.end("timeout", f"ran for more than {self._job.limits.wall_s} s")
            if now_s >= next_look_s:
                cpu_s = time.thread_time()
                try:
                    self._look()
                    blind_s = None
                except OSError:  # out of descriptors, for a moment
                    blind_s = now_s if blind_s is None else blind_s
                    if now_s - blind_s > _GRACE_S:
                        raise
                # Where all processes of the machine must be read, a look takes longer: at most a
                # tenth of a processor goes into looking.
                next_look_s = now_s + max(_LOOK_S, 10 * (time.thread_time() - cpu_s))

    def _take(self, descriptor: int, use: Callable[[bytes], None]) -> bool | None:
        """Move what a pipe holds; return whether there was anything, or None at its end."""
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return False
        if not data:
            return None
        limit = self._job.limits.output_kib
        use(data[: max(limit * 1024 - self._moved, 0)])
        self._moved += len(data)
        if self._moved > limit * 1024:
            self.end("output", f"wrote more than {limit} KiB to stdout and stderr")
        return True

    def _look(self) -> None:
        """Compare what the command uses with its limits."""
        if self._verdict is not None:
            if time.monotonic() - self._struck_s > _GRACE_S:
                below = tree.descendants(self.pid)
                self._popen.kill()
                tree.send(below, signal.SIGKILL)
            return
        limits = self._job.limits
        usage = self._meter.read(limits.processes)
        self.peak_mib = max(self.peak_mib, usage.memory_mib)
        if usage.cpu_s > limits.cpu_s:
            self.end("cpu", f"used more than {limits.cpu_s} s of processor time")
        elif usage.memory_mib > limits.memory_mib:
            self.end("memory", f"used more than {limits.memory_mib} MiB of memory")
        elif usage.tasks > limits.processes:
            self.end("killed", f"ran more than {limits.processes} processes and threads")

    def _sweep(self) -> None:
        """Wait until nothing of the namespace is left: bwrap ends a little before its content."""
        if self._first is None:
            return
        _kill(self._first)
        with selectors.DefaultSelector() as selector:
            selector.register(self._first, selectors.EVENT_READ)
            selector.select(_SWEEP_S)

    def _finish(self, code: int) -> None:
        exit_code: int | None = 128 - code if 128 < code <= 192 else code
        status, reason = self._verdict or judge(code, bytes(self._stderr[:4096]))
        if status == "not started":
            exit_code = None
        elif self._verdict is not None:
            exit_code = -int(signal.SIGKILL)
        self.result = Result(
            status=status,
            exit_code=exit_code,
            stdout=self.lines.rest(),
            stderr=bytes(self._stderr),
            seconds=time.monotonic() - self._began_s,
            isolation=self._job.level,
            reason=reason,
            peak_mib=self.peak_mib,
        )
        self.lines.end()
        self.done.set()


def _spawn(job: levels.Job, env: dict[str, str]) -> tuple[subprocess.Popen[bytes], int | None]:
    """Start the program; return it with the pid of process 1 of its namespace, if it has one."""
    report, theirs = os.pipe()
    try:
        try:
            popen = spawn(levels.command_line(job, theirs), env, "/", theirs)
        finally:
            os.close(theirs)
        data = b""
        # Without a namespace nothing is written, and the command may hold the pipe open.
        while job.level != "rlimits" and b"}" not in data:
            if not (chunk := os.read(report, 4096)):
                break
            data += chunk
    finally:
        os.close(report)
    found = re.search(rb'"child-pid": *(\d+)', data)
    return popen, int(found[1]) if found else None


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:  # it has ended already
        return None


def _kill(pidfd: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
