"""Fork a process for a case, move its data, enforce its limits, and end whatever it started.

Part of the driver inside the sandbox of a program (see ``case_driver``), which imports little.
"""

from __future__ import annotations

import binascii
import os
import select
import signal
import time
from contextlib import suppress

from . import case_child, kernel, process_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_CHECK_S = 0.05  # between two checks of the CPU time


class Fork:
    """A process that waits for its case, and the driver's ends of its pipes.

    Args:
        pid: of the process.
        handle: its pidfd.
        ends: descriptors of stdin, stdout, stderr, task and answer.
    """

    def __init__(self, pid: int, handle: int, ends: list[int]) -> None:
        self.pid, self.handle = pid, handle
        self.stdin, self.stdout, self.stderr, self.task, self.answer = ends


def fork(program: CodeType | None, cpu_s: float) -> Fork:
    """Fork a process for the next case; processes of earlier ones must be gone.

    Raises:
        RunCase: in that process.
    """
    pipes = [os.pipe() for _ in range(5)]
    reads, writes = (list(ends) for ends in zip(*pipes, strict=True))
    # It reads stdin and task, and writes the others.
    theirs = [reads[0], writes[1], writes[2], reads[3], writes[4]]
    ours = [writes[0], reads[1], reads[2], writes[3], reads[4]]
    # What /proc shows of the fork is to be its own, not root's; no case runs at this moment.
    kernel.set_dumpable(True)
    pid = os.fork()
    if pid == 0:
        raise case_child.RunCase(case_child.Child(program, theirs, cpu_s))
    kernel.set_dumpable(False)
    for descriptor in theirs:
        os.close(descriptor)
    for descriptor in ours:
        os.set_blocking(descriptor, False)
    return Fork(pid, os.pidfd_open(pid), ours)


def watch(child: Fork, request: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    """Run a case to its end, and leave none of its processes; return how it ended.

    Args:
        child: the process that waits for it.
        request: ``stdin`` and ``task``, base64.
        limits: ``wall_s``, ``cpu_s``, and ``output_bytes`` of stdout, stderr and answer together.
    """
    began_s = time.monotonic()
    pipes = _Pipes(child, request, limits["output_bytes"])
    status, delay_s = "", None
    while not status and not pipes.wait(began_s + limits["wall_s"] - time.monotonic()):
        if pipes.overflow:
            status = "output"
        elif time.monotonic() - began_s > limits["wall_s"]:
            status, delay_s = "timeout", _delay_s(child.pid)
        elif _cpu_s(child.pid) > limits["cpu_s"]:
            status = "cpu"
    seconds = time.monotonic() - began_s
    code, cpu_s = _end(child.pid, kill=bool(status))
    pipes.drain()
    os.close(child.handle)
    if not status and pipes.overflow:
        status = "output"
    if not status and cpu_s > limits["cpu_s"] and code in (-signal.SIGXCPU, -signal.SIGKILL):
        status = "cpu"
    return {
        "status": status,
        "code": code,
        "stdout": pipes.data[child.stdout],
        "stderr": pipes.data[child.stderr],
        "answer": pipes.data[child.answer],
        "seconds": seconds,
        "cpu_s": cpu_s,
        "delay_s": delay_s,
    }


class _Pipes:
    """What goes to a process and what comes from it.

    Attributes:
        data: what came so far, by descriptor.
        overflow: whether it was more than it may be.
    """

    def __init__(self, child: Fork, request: dict[str, Any], room: int) -> None:
        self.data = {d: bytearray() for d in (child.stdout, child.stderr, child.answer)}
        self.overflow = False
        self._room = room
        self._handle = child.handle
        self._feeds = {
            child.stdin: memoryview(binascii.a2b_base64(request["stdin"])),
            child.task: memoryview(binascii.a2b_base64(request["task"])),
        }
        self._open = set(self.data)
        self._poll = select.poll()
        for descriptor in (*self._open, child.handle):
            self._poll.register(descriptor, select.POLLIN)
        for descriptor in (child.stdin, child.task):
            self._poll.register(descriptor, select.POLLOUT)
            self._push(descriptor)

    def wait(self, at_most_s: float) -> bool:
        """Move data until something happens; tell whether the process has ended."""
        for descriptor, _ in self._poll.poll(max(min(at_most_s, _CHECK_S), 0) * 1000):
            if descriptor == self._handle:
                return True
            if descriptor in self._feeds:
                self._push(descriptor)
            else:
                self._take(descriptor)
        return False

    def drain(self) -> None:
        """Take what the pipes still hold, and close them."""
        for descriptor in self.data:
            while descriptor in self._open and self._take(descriptor):
                pass
        for descriptor in (*self._open, *self._feeds):
            os.close(descriptor)

    def _take(self, descriptor: int) -> bool:
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return False
        if not data:
            self._poll.unregister(descriptor)
            self._open.discard(descriptor)
            os.close(descriptor)
            return False
        self.data[descriptor] += data[: self._room]
        self.overflow = self.overflow or len(data) > self._room
        self._room = max(self._room - len(data), 0)
        return True

    def _push(self, descriptor: int) -> None:
        data = self._feeds[descriptor]
        with suppress(BlockingIOError):
            try:
                while data:
                    data = data[os.write(descriptor, data[:65536]) :]
            except BrokenPipeError:  # it reads no more
                data = data[:0]
        self._feeds[descriptor] = data
        if not data:
            self._poll.unregister(descriptor)
            del self._feeds[descriptor]
            os.close(descriptor)


def _end(pid: int, kill: bool) -> tuple[int, float]:
    """End every process below this one; return the exit code of ``pid`` and all CPU seconds.

    Processes that nobody awaited are not counted.
    """
    code, cpu_s = -int(signal.SIGKILL), 0.0
    if not kill:
        _, status, spent = os.wait4(pid, 0)
        code, cpu_s = os.waitstatus_to_exitcode(status), spent.ru_utime + spent.ru_stime
    while True:
        try:
            ended, status, spent = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return code, cpu_s
        if ended:
            cpu_s += spent.ru_utime + spent.ru_stime
        else:
            process_tree.kill_tree(os.getpid())
            time.sleep(0.001)


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process with all its threads."""
    return time.clock_gettime(~pid << 3 | 2)  # the kernel's MAKE_PROCESS_CPUCLOCK, CPUCLOCK_SCHED


def _delay_s(pid: int) -> float | None:
    """Return how long the first thread of a process could run but got no processor."""
    try:
        with open(f"/proc/{pid}/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):  # a kernel that does not count it
        return None
