"""Holds one command to its limits, from a process of its own that nobody keeps busy.

Imports little, because the keeper loads it.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import time
from contextlib import suppress

from . import cgroups, ending, tree, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import Any

_LOOK_S = 0.025  # between two looks at the usage
_SWEEP_S = 10.0  # for the kernel to end a namespace


class Space:
    """The namespaces of a command; without any, all is None.

    Args:
        first: pid of their process 1.
        handle: its pidfd.
        helper: pid of the child to wait for when they end.
        ours: how many of their processes are ours.
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
        """Kill everything in them, or everything below this process, and wait until it is gone."""
        if self.handle is None:
            while _reap():  # orphans are adopted: without a child there is nobody below
                tree.kill_tree(os.getpid())
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


class Warden:
    """Watches one command and tells its caller.

    Args:
        job: what was asked for.
        control: socket to the caller. Anything that comes from there, its end too, ends the
            command.
    """

    def __init__(self, job: dict[str, Any], control: _socket.socket) -> None:
        self._job = job
        self._limits: dict[str, Any] = job["bounds"]
        self._control = control
        self._began_s = time.monotonic()
        self._verdict: tuple[str, str] | None = None
        self._peak_mib = self._told_mib = 0.0
        self._group = cgroups.Group(None, self._limits)
        self._tell(("started", os.getpid()))

    def end(self, status: str, reason: str) -> None:
        """Have the command killed at the next look; the first reason is the one that counts."""
        if self._verdict is None:
            self._verdict = status, reason

    def count_in(self, cgroup: str | None) -> None:
        """Let the kernel count what the command uses, in a cgroup below this one.

        Raises:
            OSError: none can be made there.
        """
        self._group = cgroups.Group(cgroup, self._limits)

    def refuse(self, reason: str) -> None:
        """Say that the command was not started."""
        Space().end()
        self._finish("not started", reason, None)

    def watch(self, space: Space, command: int, report: int, clock: int | None, go: int) -> None:
        """Let the command go, stay with it to its end, and say how it ended.

        Args:
            space: its namespaces.
            command: its pid.
            report: a pipe that says why it could not be started.
            clock: see ``usage.Meter``.
            go: a pipe on which it waits.
        """
        ended: tuple[int, float] | None = None
        try:
            tmpfs = [target for kind, _, target in self._job["view"] if kind == "tmpfs"]
            meter = usage.Meter(space.first, space.ours, tmpfs, clock)
            self._group.add(command)
            os.write(go, b"g")
            ended = self._stay(command, meter)
        except OSError as error:  # out of descriptors or memory
            self.end("killed", f"could not be watched: {error}")
        if self._group.ran_out_of_memory():
            ended = None
            self.end("memory", f"used more than {self._limits['memory_mib']} MiB of memory")
        failure = os.read(report, 4096) if ended else b""
        verdict = ending.judge(*ended, self._limits) if ended else None
        hint = self._hint(meter) if verdict and verdict[0] in ("failed", "killed") else ""
        space.end()
        if failure:
            program = self._job["command"][0].decode(errors="replace")
            said = failure.decode(errors="replace")
            self._finish("not started", f"cannot execute {program}: {said}", None)
        elif verdict:
            status, reason, code = verdict
            self._finish(status, reason + hint, code)
        else:
            assert self._verdict is not None
            self._finish(*self._verdict, -int(signal.SIGKILL))

    def _stay(self, command: int, meter: usage.Meter) -> tuple[int, float] | None:
        """Look at the limits until the command ends or must; return its status and CPU seconds."""
        handle = os.pidfd_open(command)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.register(self._control, select.POLLIN)
        next_look_s = self._began_s + _LOOK_S
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(_LOOK_S * 1000)}
            if self._verdict is None and handle in ready:
                _, status, spent = os.wait4(command, 0)
                return status, spent.ru_utime + spent.ru_stime
            if self._control.fileno() in ready:
                self.end("killed", "killed by the caller")
            now_s = time.monotonic()
            if now_s - self._began_s > self._limits["wall_s"]:
                self.end("timeout", f"ran for more than {self._limits['wall_s']} s")
            if now_s >= next_look_s:
                cpu_s = time.thread_time()
                self._look(meter)
                # Where all processes of the machine must be read, a look takes longer: at most a
                # tenth of a processor goes into looking.
                next_look_s = now_s + max(_LOOK_S, 10 * (time.thread_time() - cpu_s))
            if self._verdict is not None:
                return None

    def _look(self, meter: usage.Meter) -> None:
        """Compare what the command uses with its limits."""
        limits = self._limits
        found = meter.read(limits["processes"])
        found.cpu_s = max(found.cpu_s, self._group.cpu_s())
        self._peak_mib = max(self._peak_mib, found.memory_mib)
        if found.cpu_s > limits["cpu_s"]:
            self.end("cpu", f"used more than {limits['cpu_s']} s of processor time")
        elif found.memory_mib > limits["memory_mib"]:
            self.end("memory", f"used more than {limits['memory_mib']} MiB of memory")
        elif found.tasks > limits["processes"]:
            self.end("killed", f"ran more than {limits['processes']} processes and threads")
        elif self._peak_mib >= self._told_mib + 1:
            self._told_mib = self._peak_mib
            self._tell(("peak", self._peak_mib))

    def _hint(self, meter: usage.Meter) -> str:
        """Say so if a file has grown to the limit, which programs report in their own words."""
        places: list[int | str] = [*meter.tmpfs, *self._job["writes"]]
        if self._job["scratch"] is not None:
            places.append(self._job["scratch"])
        limit = self._limits["file_kib"]
        began_s = time.time() - time.monotonic() + self._began_s
        file = ending.full_file(places, limit * 1024, began_s)
        return f"; its file {file!r} has reached file_kib={limit}" if file else ""

    def _finish(self, status: str, reason: str, code: int | None) -> None:
        self._group.end()
        if self._job["scratch"] is not None:
            ending.remove(self._job["scratch"])
        self._tell(("ended", status, reason, code, self._peak_mib))

    def _tell(self, message: tuple[Any, ...]) -> None:
        data = marshal.dumps(message)
        try:
            self._control.sendall(len(data).to_bytes(4, "little") + data)
        except OSError:  # the caller has gone
            self.end("killed", "its caller has ended")
