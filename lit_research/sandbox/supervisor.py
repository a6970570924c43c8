"""Enforce the limits of one command, from a separate process that has nothing else to do.

Imports little, because the fork server loads it.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import time
from contextlib import suppress

from . import cgroups, ending, process_tree, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any

_CHECK_S = 0.025  # between two checks of the usage
_SWEEP_S = 10.0  # for the kernel to end a namespace


class Namespaces:
    """The namespaces of a command; at level ``rlimits``, where there are none, all is None.

    Args:
        first: pid of their process 1.
        handle: its pidfd.
        helper: pid of the child to wait for when they end.
        ours: how many of their processes belong to the sandbox itself.
    """

    def __init__(
        self,
        first: int | None = None,
        handle: int | None = None,
        helper: int | None = None,
        ours: int = 0,
    ) -> None:
        self.first, self.handle, self.helper, self.ours = first, handle, helper, ours

    def end(self) -> None:
        """Kill everything in them, or all descendants of this process, and wait for that."""
        if self.handle is None:
            while _reap():  # orphans are adopted: without a child there is nobody below
                process_tree.kill_tree(os.getpid())
                time.sleep(0.001)
            return
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        poll = select.poll()
        poll.register(self.handle, select.POLLIN)
        until_s = time.monotonic() + _SWEEP_S
        # Process 1 ends last, and not before this process has reaped the command.
        while not poll.poll(1) and time.monotonic() < until_s:
            _reap()
        _reap()


def _reap() -> bool:
    """Reap the children that have ended; tell whether there are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return False
    return True


class Supervisor:
    """Supervises one command and reports to its caller.

    Args:
        job: what was requested, see ``job.Job.spec``.
        control: socket to the caller. Anything received there, including its end, ends the
            command.
    """

    def __init__(self, job: dict[str, Any], control: _socket.socket) -> None:
        self._job = job
        self._limits: dict[str, Any] = job["bounds"]
        self._control = control
        self._began_s = time.monotonic()
        self._verdict: tuple[str, str] | None = None
        self._peak_mib = self._reported_mib = 0.0
        self._group = cgroups.Group(None, self._limits)
        self._report(("started", os.getpid()))

    def end(self, status: str, reason: str) -> None:
        """Have the command killed at the next check; the first reason counts."""
        if self._verdict is None:
            self._verdict = status, reason

    def count_in(self, cgroup: str | None) -> None:
        """Let the kernel count what the command uses, in a cgroup below this one.

        Raises:
            OSError: none can be made there.
        """
        self._group = cgroups.Group(cgroup, self._limits)

    def refuse(self, reason: str) -> None:
        """Report that the command was not started."""
        Namespaces().end()
        self._finish("not started", reason, None)

    def watch(
        self, spaces: Namespaces, command: int, report: int, clock: int | None, go: int
    ) -> None:
        """Let the command go, supervise it to its end, and report how it ended.

        Args:
            space: its namespaces.
            command: its pid.
            report: a pipe that reports why it could not be started.
            clock: see ``usage.Meter``.
            go: a pipe on which it waits for its start.
        """
        ended: tuple[int, float] | None = None
        try:
            tmpfs = [target for kind, _, target in self._job["view"] if kind == "tmpfs"]
            meter = usage.Meter(spaces.first, spaces.ours, tmpfs, clock)
            self._group.add(command)
            os.write(go, b"g")
            ended = self._watch_command(command, meter)
        except OSError as error:  # out of descriptors or memory
            self.end("killed", f"could not be watched: {error}")
        if self._group.ran_out_of_memory():
            ended = None
            self.end("memory", f"used more than {self._limits['memory_mib']} MiB of memory")
        failure = os.read(report, 4096) if ended else b""
        verdict = ending.judge(*ended, self._limits) if ended else None
        hint = self._hint(meter) if verdict and verdict[0] in ("failed", "killed") else ""
        spaces.end()
        if failure:
            program = self._job["command"][0].decode(errors="replace")
            message = failure.decode(errors="replace")
            self._finish("not started", f"cannot execute {program}: {message}", None)
        elif verdict:
            status, reason, code = verdict
            self._finish(status, reason + hint, code)
        else:
            assert self._verdict is not None
            self._finish(*self._verdict, -int(signal.SIGKILL))

    def _watch_command(self, command: int, meter: usage.Meter) -> tuple[int, float] | None:
        """Check the limits until the command ends or must; return its status and CPU seconds."""
        handle = os.pidfd_open(command)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        next_check_s = self._began_s + _CHECK_S
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(_CHECK_S * 1000)}
            if self._verdict is None and handle in ready:
                _, status, spent = os.wait4(command, 0)
                return status, spent.ru_utime + spent.ru_stime
            if self._control.fileno() in ready:
                self.end("killed", "killed by the caller")
            now_s = time.monotonic()
            if now_s - self._began_s > self._limits["wall_s"]:
                self.end("timeout", f"ran for more than {self._limits['wall_s']} s")
            if now_s >= next_check_s:
                cpu_s = time.thread_time()
                self._check_usage(meter)
                # Where all processes of the host must be read, a check takes longer: at most a
                # tenth of a CPU is spent on checks.
                next_check_s = now_s + max(_CHECK_S, 10 * (time.thread_time() - cpu_s))
            if self._verdict is not None:
                return None

    def _check_usage(self, meter: usage.Meter) -> None:
        """Compare what the command uses with its limits."""
        limits = self._limits
        used = meter.read(limits["processes"])
        used.cpu_s = max(used.cpu_s, self._group.cpu_s())
        self._peak_mib = max(self._peak_mib, used.memory_mib)
        if used.cpu_s > limits["cpu_s"]:
            self.end("cpu", f"used more than {limits['cpu_s']} s of CPU time")
        elif used.memory_mib > limits["memory_mib"]:
            self.end("memory", f"used more than {limits['memory_mib']} MiB of memory")
        elif used.tasks > limits["processes"]:
            self.end("killed", f"ran more than {limits['processes']} processes and threads")
        elif self._peak_mib >= self._reported_mib + 1:
            self._reported_mib = self._peak_mib
            self._report(("peak", self._peak_mib))

    def _hint(self, meter: usage.Meter) -> str:
        """Say so if a file has grown to its limit, which programs report in different ways."""
        folders: list[int | str] = [*meter.tmpfs, *self._job["writes"]]
        if self._job["scratch"] is not None:
            folders.append(self._job["scratch"])
        limit = self._limits["file_kib"]
        began_s = time.time() - time.monotonic() + self._began_s
        file = ending.full_file(folders, limit * 1024, began_s)
        return f"; its file {file!r} has reached file_kib={limit}" if file else ""

    def _finish(self, status: str, reason: str, code: int | None) -> None:
        self._group.end()
        if self._job["scratch"] is not None:
            ending.remove(self._job["scratch"])
        self._report(("ended", status, reason, code, self._peak_mib))

    def _report(self, message: tuple[Any, ...]) -> None:
        data = marshal.dumps(message)
        try:
            self._control.sendall(len(data).to_bytes(4, "little") + data)
        except OSError:  # the caller has gone
            self.end("killed", "its caller has ended")
