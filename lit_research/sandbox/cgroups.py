"""A cgroup of its own for one command, where the caller has a part of the tree (version 2).

There the kernel counts memory, processor time and processes as they are used: nothing is overshot
between two looks, buffers of pipes and sockets count, and one write ends all that runs. Imports
little, because the keeper loads it.
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
    """The cgroup of one command; without a folder to make it in, it counts and ends nothing.

    It must be made before any namespace is left: the kernel asks at that moment who may move
    processes into it.

    Args:
        folder: a cgroup that holds no process and hands memory and pids down to its children.
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
        """Move a process, and all that it will start, into it.

        Raises:
            OSError: the system forbids it.
        """
        if self._path is not None:
            os.write(self._members, str(pid).encode())

    def cpu_s(self) -> float:
        """Return the processor seconds of all that ever ran in it."""
        return _field(self._path, "cpu.stat", b"usage_usec") / 1e6 if self._path else 0.0

    def ran_out_of_memory(self) -> bool:
        """Tell whether the kernel killed it for its memory."""
        return bool(self._path) and _field(self._path, "memory.events", b"oom_kill") > 0

    def end(self) -> None:
        """Kill all that runs in it, and remove it."""
        if self._path is not None:
            os.close(self._members)
            remove(self._path)
            self._path = None


def path(folder: str, launcher: int) -> str:
    """Return the path of the cgroup that a launcher makes in ``folder``."""
    return f"{folder}/sandbox-{launcher}"


def remove(group: str) -> None:
    """Kill all that runs in a cgroup, and remove it; nothing happens if it is not there."""
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
        OSError: it is not there, or the system forbids it.
    """
    descriptor = os.open(f"{group}/{name}", os.O_WRONLY)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)


def read(group: str | None, name: str) -> bytes:
    """Return what a file of a cgroup holds; nothing if it is not there."""
    try:
        with open(f"{group}/{name}", "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _field(group: str | None, name: str, field: bytes) -> int:
    rows = (line.split() for line in read(group, name).splitlines())
    return next((int(row[1]) for row in rows if row[0] == field), 0)
