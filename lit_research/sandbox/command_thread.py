"""The caller's thread of a command: moves its data and learns from its launcher how it ended."""

from __future__ import annotations

import marshal
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lit_research.sandbox import cgroups, delegated_cgroup, ending
from lit_research.sandbox.fork_server_client import ForkServer
from lit_research.sandbox.job import Job
from lit_research.sandbox.pipes import Feed, Lines
from lit_research.sandbox.records import Result, Status

_GRACE_S = 15.0  # for the launcher to end what it started
_WAIT_S = 0.5  # between two checks of the clock


class CommandThread:
    """Starts a command and serves it to its end, in a thread.

    Args:
        job: what to start.
        fork_server: the program that starts it.

    Raises:
        OSError: the system does not start it.
        UserError: the pool that the fork server belongs to was closed.
    """

    def __init__(self, job: Job, fork_server: ForkServer) -> None:
        self.lines = Lines()
        self.started = threading.Event()
        self.done = threading.Event()
        self.result: Result | None = None
        self.peak_mib = 0.0
        self.pid: int | None = None
        self._job = job
        self._fork_server = fork_server
        self._stderr = bytearray()
        self._output_bytes = 0
        self._verdict: tuple[Status, str] | None = None
        self._kill_sent_s: float | None = None
        self._unparsed = bytearray()
        self._end: tuple[Status, str, int | None] | None = None
        self._lock = threading.Lock()
        self._is_released = False
        self._began_s = time.monotonic()
        spec = marshal.dumps(job.spec())
        self._open(len(spec).to_bytes(4, "little") + spec)

    def _open(self, request: bytes) -> None:
        """Ask for a launcher and start the thread; leave nothing open if that fails."""
        opened: list[int] = []
        try:
            for _ in range(3):
                opened += os.pipe()
            stdin, feed, out, its_out, err, its_err = opened
            self._wake_event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            opened.append(self._wake_event)
            self._control = self._fork_server.request([stdin, its_out, its_err])
        except BaseException:
            for descriptor in opened:
                os.close(descriptor)
            raise
        for descriptor in (stdin, its_out, its_err):
            os.close(descriptor)
        self._feed = Feed(feed)
        self._outputs: dict[int, Callable[[bytes], None]] = {
            out: self.lines.add,
            err: self._stderr.extend,
        }
        try:
            self._control.sendall(request)
            threading.Thread(target=self._watch, name="sandbox-watch", daemon=True).start()
        except BaseException:  # out of threads, or the fork server could not fork
            self._release()
            raise

    def write(self, data: bytes) -> None:
        """Hand data to the stdin of the command."""
        self._feed.add(data)
        self._wake()

    def close_stdin(self) -> None:
        """Close the stdin of the command, after what was written so far."""
        self._feed.close()
        self._wake()

    def end(self, status: Status, reason: str) -> None:
        """Kill the command and everything that it started; the first reason given counts.

        The launcher does it: ``done`` is set when they are gone.
        """
        with self._lock:
            if self._is_released or self._verdict is not None or self._end is not None:
                return
            self._verdict = status, reason
            self._kill_sent_s = time.monotonic()
            with suppress(OSError):  # it has ended by itself
                self._control.send(b"k")

    def _wake(self) -> None:
        with self._lock:
            if not self._is_released:
                os.eventfd_write(self._wake_event, 1)

    def _watch(self) -> None:
        """Run in the thread. Whatever goes wrong, the command ends and its caller gets a result."""
        try:
            self._serve()
            for descriptor, use in list(self._outputs.items()):
                while self._move(descriptor, use):
                    pass
        except Exception as error:  # of the system: no descriptors, no memory
            self.end("killed", f"could not be watched: {error}")
        self._release()
        self._finish()

    def _serve(self) -> None:
        """Move data until the launcher closes its socket."""
        control = self._control.fileno()
        open_outputs = dict(self._outputs)
        waits_for: int | None = None
        with selectors.DefaultSelector() as selector:
            for descriptor in (*open_outputs, self._wake_event, control):
                os.set_blocking(descriptor, False)
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(_WAIT_S)}
                if self._wake_event in ready:
                    os.eventfd_read(self._wake_event)
                for descriptor in [d for d in open_outputs if d in ready]:
                    if self._move(descriptor, open_outputs[descriptor]) is None:
                        selector.unregister(descriptor)
                        del open_outputs[descriptor]
                if waits_for is not None:
                    selector.unregister(waits_for)
                if (waits_for := self._feed.push()) is not None:
                    selector.register(waits_for, selectors.EVENT_WRITE)
                if control in ready and not self._read_messages():
                    return
                self._kill_overdue_launcher()

    def _read_messages(self) -> bool:
        """Read messages of the launcher; tell whether there may be more."""
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        self._unparsed += data
        while len(self._unparsed) >= 4:
            size = int.from_bytes(self._unparsed[:4], "little")
            if len(self._unparsed) < 4 + size:
                break
            kind, *values = marshal.loads(bytes(self._unparsed[4 : 4 + size]))
            del self._unparsed[: 4 + size]
            self._handle(kind, values)
        return bool(data)

    def _handle(self, kind: str, values: list[Any]) -> None:
        if kind == "started":
            self.pid = values[0]
            self.started.set()
        elif kind == "peak":
            self.peak_mib = values[0]
        else:
            status, reason, code, self.peak_mib = values
            with self._lock:
                self._end = status, reason, code

    def _kill_overdue_launcher(self) -> None:
        """Kill the launcher if it does not end in time; the kernel or fork server kill the rest."""
        now_s = time.monotonic()
        overdue = now_s - self._began_s > self._job.limits.wall_s + 2 * _GRACE_S
        if self._kill_sent_s is not None and now_s - self._kill_sent_s > _GRACE_S:
            overdue = True
        if overdue and self.pid is not None and self._end is None:
            # The pid was not reused: this process alone holds the other end of the open socket.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def _move(self, descriptor: int, use: Callable[[bytes], None]) -> bool | None:
        """Move what a pipe holds; return whether there was anything, or None at its end."""
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return False
        if not data:
            return None
        limit = self._job.limits.output_kib
        use(data[: max(limit * 1024 - self._output_bytes, 0)])
        self._output_bytes += len(data)
        if self._output_bytes > limit * 1024:
            self.end("output", f"wrote more than {limit} KiB to stdout and stderr")
        return True

    def _release(self) -> None:
        """Close what is open. The launcher, if it still exists, ends the command."""
        with self._lock:
            self._is_released = True
            os.close(self._wake_event)
            self._fork_server.release(self._control)
        self._feed.shut()
        for descriptor in self._outputs:
            os.close(descriptor)

    def _clean(self) -> None:
        """Clean up in place of a launcher that was killed."""
        if self._job.scratch is not None:
            ending.remove(self._job.scratch)
        folder = delegated_cgroup.folder()
        if folder is not None and self.pid is not None:
            cgroups.remove(cgroups.path(folder, self.pid))

    def _finish(self) -> None:
        if self._end is None:
            self._clean()
        unreported: tuple[Status, str, int | None] = ("killed", "its launcher was killed", None)
        if self.pid is None:
            unreported = "not started", "the program that starts sandboxes does not run", None
        status, reason, exit_code = self._end or unreported
        if self._verdict is not None and status != "not started":
            status, reason = self._verdict
            exit_code = None
        if exit_code is None and status != "not started":
            exit_code = -int(signal.SIGKILL)
        # The C library's messages for EFBIG and SIGXFSZ.
        for message in ("File too large", "File size limit exceeded"):
            if status == "failed" and message.encode() in self._stderr and "file_kib" not in reason:
                reason += f"; stderr says {message!r}: its file_kib is {self._job.limits.file_kib}"
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
        self.started.set()
        self.done.set()
