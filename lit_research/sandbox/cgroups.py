"""A cgroup (version 2) for each command, where part of the tree is delegated to the caller.

There the kernel accounts for memory, CPU time and processes as they are used: nothing overshoots
between two checks, buffers of pipes and sockets count, and one write kills everything. Imports
little, because the fork server loads it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GONE_S = 5.0  # for killed processes to leave a cgroup


class Group:
    """The cgroup of one command; without a folder to make it in, it does nothing.

    It must be made before new namespaces are entered: the kernel checks at that moment who may move
    processes into it.

    Args:
        folder: a cgroup without processes that enables the memory and pids controllers in its
            children.
        limits: as ``records.Limits`` names them.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: str | None, limits: dict[str, Any]) -> None:
        self._path = None if folder is None else path(folder, os.getpid())
        if self._path is None:
            return
        os.mkdir(self._path)
        try:
            write(self._path, "memory.max", limits["memory_mib"] << 20)
            write(self._path, "memory.oom.group", 1)
            with suppress(OSError):  # a kernel without swap
                write(self._path, "memory.swap.max", 0)
            write(self._path, "pids.max", limits["processes"])
            self._members = os.open(self._path + "/cgroup.procs", os.O_WRONLY)
        except OSError:
            remove(self._path)
            raise

    def add(self, pid: int) -> None:
        """Move a process, and everything that it will start, into the cgroup.

        Raises:
            OSError: the system forbids it.
        """
        if self._path is not None:
            os.write(self._members, str(pid).encode())

    def cpu_s(self) -> float:
        """Return the CPU seconds of everything that ever ran in it."""
        return _field(self._path, "cpu.stat", b"usage_usec") / 1e6 if self._path else 0.0

    def ran_out_of_memory(self) -> bool:
        """Tell whether the kernel killed it for its memory."""
        return bool(self._path) and _field(self._path, "memory.events", b"oom_kill") > 0

    def end(self) -> None:
        """Kill everything in it, and remove it."""
        if self._path is not None:
            os.close(self._members)
            remove(self._path)
            self._path = None


def path(folder: str, launcher: int) -> str:
    """Return the path of the cgroup that a launcher makes in ``folder``."""
    return f"{folder}/sandbox-{launcher}"


def remove(group: str) -> None:
    """Kill everything in a cgroup, and remove it; do nothing if it does not exist."""
    until_s = time.monotonic() + _GONE_S
    with suppress(OSError):  # kernels before 5.14 have no such file: the launcher kills by itself
        write(group, "cgroup.kill", 1)
    while time.monotonic() < until_s:
        try:
            os.rmdir(group)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.001)


def write(group: str, name: str, value: int | str) -> None:
    """Write to a file of a cgroup.

    Raises:
        OSError: it does not exist, or the system forbids it.
    """
    descriptor = os.open(f"{group}/{name}", os.O_WRONLY)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)


def read(group: str | None, name: str) -> bytes:
    """Return the content of a file of a cgroup; empty if it does not exist."""
    try:
        with open(f"{group}/{name}", "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _field(group: str | None, name: str, field: bytes) -> int:
    rows = (line.split() for line in read(group, name).splitlines())
    return next((int(row[1]) for row in rows if row[0] == field), 0)
