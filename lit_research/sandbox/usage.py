"""How much the processes of one command use, read from /proc, and what their tmpfs hold.

Imports little, because the keeper loads it.
"""

from __future__ import annotations

import os

from . import tree

_TICKS = os.sysconf("SC_CLK_TCK")
_SHARED = b"/dev/zero (deleted)"  # what the kernel calls memory that processes share without a file


class Usage:
    """What the processes of a command use together.

    Attributes:
        cpu_s: processor seconds so far, those of ended processes included.
        memory_mib: MiB of memory that no file backs, see ``records.Limits``.
        tasks: processes and threads at this moment, less ours.
    """

    def __init__(self, cpu_s: float = 0.0, memory_mib: float = 0.0, tasks: int = 0) -> None:
        self.cpu_s, self.memory_mib, self.tasks = cpu_s, memory_mib, tasks


class Meter:
    """Reads the usage of one command.

    Where the command has a process namespace, the /proc that its process 1 sees lists exactly its
    processes; otherwise they are found among all, as the descendants of this process.

    Args:
        first: pid of process 1 of the command's namespace, or None if it has none.
        ours: how many processes of that namespace are ours.
        tmpfs: the private folders in memory of that namespace.
        clock: descriptor that counts the processor time, as ``kernel.task_clock`` returns it.

    Attributes:
        tmpfs: descriptors of those folders.
    """

    def __init__(
        self, first: int | None, ours: int, tmpfs: list[str], clock: int | None = None
    ) -> None:
        self._ours = ours
        self._clock = clock
        self._proc: int | None = None
        self.tmpfs: list[int] = []
        if first is not None:
            flags = os.O_RDONLY | os.O_DIRECTORY
            self._proc = os.open(f"/proc/{first}/root/proc", flags)
            self.tmpfs = [os.open(f"/proc/{first}/root{path}", flags) for path in tmpfs]

    def read(self, most: int) -> Usage:
        """Return the usage now.

        Args:
            most: with more processes than this only their number is returned. A fork bomb grows
                while its processes are looked at one by one.
        """
        if self._proc is None:
            pids = [str(pid) for pid in tree.descendants(os.getpid())]
            folder = "/proc"
        else:
            folder = f"/proc/self/fd/{self._proc}"
            try:
                pids = [name for name in os.listdir(self._proc) if name.isdigit()]
            except OSError:  # the namespace has ended
                return Usage()
        if len(pids) - self._ours > most:
            return Usage(tasks=len(pids) - self._ours)
        usage = _total(pids, folder)
        usage.tasks = max(usage.tasks - self._ours, 0)
        for descriptor in self.tmpfs:
            facts = os.fstatvfs(descriptor)
            usage.memory_mib += (facts.f_blocks - facts.f_bfree) * facts.f_frsize / 2**20
        if self._clock is not None:
            counted_s = int.from_bytes(os.read(self._clock, 8), "little") / 1e9
            usage.cpu_s = max(usage.cpu_s, counted_s)
        return usage


def _total(pids: list[str], folder: str) -> Usage:
    total = Usage()
    private_kib, rest_kib = 0, 0
    mapped: dict[bytes, int] = {}
    shmem_kib = 0
    for pid in pids:
        try:
            stat = _read(f"{folder}/{pid}/stat")
            status = _read(f"{folder}/{pid}/status")
            maps = _read(f"{folder}/{pid}/maps")
        except OSError:  # it ended meanwhile
            continue
        # Fields from the third on: user and system time, own and of awaited children, are 14 to 17.
        fields = stat[stat.rindex(b")") + 2 :].split()
        total.cpu_s += sum(map(int, fields[11:15])) / _TICKS
        total.tasks += int(fields[17])
        private_kib += _field(status, b"RssAnon:")
        shmem_kib += _field(status, b"RssShmem:")
        rest_kib += sum(_field(status, n) for n in (b"VmPTE:", b"VmSwap:", b"HugetlbPages:"))
        if _SHARED in maps:
            mapped.update(_shared(maps))
    # Pages of a file in a private tmpfs are counted there; without one, where they are mapped.
    shared_kib = sum(mapped.values())
    if folder == "/proc":
        shared_kib = max(shared_kib, shmem_kib)
    total.memory_mib = (private_kib + rest_kib + shared_kib) / 1024
    return total


def _shared(maps: bytes) -> dict[bytes, int]:
    """Return the size in KiB of each piece of memory shared without a file, by its number.

    Its pages can be filled by one process and held by another, which has touched none of them: the
    whole size counts.
    """
    found: dict[bytes, int] = {}
    for line in maps.splitlines():
        if line.endswith(_SHARED):
            places, _, _, _, number = line.split(None, 5)[:5]
            start, end = (int(place, 16) for place in places.split(b"-"))
            found[number] = found.get(number, 0) + (end - start) // 1024
    return found


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _field(status: bytes, name: bytes) -> int:
    """Return a field of /proc/PID/status in KiB; a process that has ended has none."""
    at = status.find(b"\n" + name)
    return int(status[at + len(name) + 1 :].split(None, 1)[0]) if at >= 0 else 0
