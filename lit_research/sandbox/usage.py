"""How much the processes of one command use, read from /proc."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from lit_research.sandbox import tree

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What the processes of a command use together.

    Args:
        cpu_s: processor seconds so far, those of ended and awaited processes included.
        memory_mib: MiB of resident memory that no file backs; shared pages count once a process.
        tasks: processes and threads at this moment, less the one of ours that reaps the orphans.
    """

    cpu_s: float = 0.0
    memory_mib: float = 0.0
    tasks: int = 0


class _Table:
    """The parents of all processes, read once for all commands that ask at about the same time."""

    def __init__(self, age_s: float) -> None:
        self._age_s = age_s
        self._lock = threading.Lock()
        self._read_s = -1.0
        self._parents: dict[int, int] = {}

    def read(self) -> dict[int, int]:
        with self._lock:
            if time.monotonic() - self._read_s > self._age_s:
                self._parents = tree.parents()
                self._read_s = time.monotonic()
            return self._parents


_table = _Table(age_s=0.01)


class Meter:
    """Reads the usage of one command.

    Where the command has a process namespace, the /proc that its process 1 sees lists exactly its
    processes; otherwise they are found among all, as the descendants of the launcher.

    Args:
        launcher: pid of the program that was started.
        first: pid of process 1 of the command's namespace, or None if it has none.
    """

    def __init__(self, launcher: int, first: int | None) -> None:
        self._launcher = launcher
        self._first = first
        self._proc: int | None = None

    def read(self, most: int) -> Usage:
        """Return the usage now; nothing at all while the namespace is being set up.

        Args:
            most: with more processes than this only their number is returned. A fork bomb grows
                while its processes are looked at one by one.
        """
        if self._first is None:
            table = _table.read()
            # Its own time is nothing, that of the children it awaited counts.
            found = [self._launcher, *tree.descendants(self._launcher, table)]
            pids = [str(pid) for pid in found]
            return _total(pids, "/proc", None, most)
        if self._proc is None and not self._open():
            return Usage()
        try:
            pids = [name for name in os.listdir(self._proc) if name.isdigit()]
        except OSError:  # the namespace has ended
            return Usage()
        return _total(pids, ".", self._proc, most)

    def close(self) -> None:
        """Release the descriptor that it holds."""
        if self._proc is not None:
            os.close(self._proc)
            self._proc = None

    def _open(self) -> bool:
        """Open the /proc of the namespace, once process 1 sees that one and not the parent's."""
        try:
            found = os.open(f"/proc/{self._first}/root/proc", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        # Every process namespace has a /proc, with a device number, of its own.
        if os.fstat(found).st_dev == os.stat("/proc").st_dev:
            os.close(found)
            return False
        self._proc = found
        return True


def _total(pids: list[str], folder: str, directory: int | None, most: int) -> Usage:
    if len(pids) - 1 > most:
        return Usage(tasks=len(pids) - 1)
    cpu_s, memory_mib, tasks = 0.0, 0.0, -1
    for pid in pids:
        try:
            stat = _read(f"{folder}/{pid}/stat", directory)
            status = _read(f"{folder}/{pid}/status", directory)
        except OSError:  # it ended meanwhile
            continue
        # Fields from the third on: user and system time, own and of awaited children, are 14 to 17.
        fields = stat[stat.rindex(b")") + 2 :].split()
        cpu_s += sum(map(int, fields[11:15])) / _TICKS
        tasks += int(fields[17])
        memory_mib += (_field(status, b"RssAnon:") + _field(status, b"RssShmem:")) / 1024
    return Usage(cpu_s, memory_mib, max(tasks, 0))


def _read(path: str, directory: int | None) -> bytes:
    descriptor = os.open(path, os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(descriptor, 8192)
    finally:
        os.close(descriptor)


def _field(status: bytes, name: bytes) -> int:
    """Return a field of /proc/PID/status in KiB; a process that has ended has none."""
    at = status.find(b"\n" + name)
    return int(status[at + len(name) + 1 :].split(None, 1)[0]) if at >= 0 else 0
