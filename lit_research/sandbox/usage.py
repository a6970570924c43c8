"""The resource usage of the processes of one command, from /proc and their private tmpfs.

Imports little, because the fork server loads it.
"""

from __future__ import annotations

import os

from . import process_tree

_TICKS = os.sysconf("SC_CLK_TCK")
_SHARED = b"/dev/zero (deleted)"  # what the kernel calls memory that processes share without a file


class Usage:
    """What the processes of a command use together.

    Attributes:
        cpu_s: CPU seconds so far, including those of ended processes.
        memory_mib: MiB of memory not backed by files, see ``records.Limits``.
        tasks: processes and threads at this moment, without the sandbox's own.
    """

    def __init__(self, cpu_s: float = 0.0, memory_mib: float = 0.0, tasks: int = 0) -> None:
        self.cpu_s, self.memory_mib, self.tasks = cpu_s, memory_mib, tasks


class Meter:
    """Reads the usage of one command.

    Where the command has a process namespace, the /proc that its process 1 sees lists exactly its
    processes; otherwise they are found among all, as the descendants of this process.

    Args:
        first: pid of process 1 of the command's namespace, or None if it has none.
        ours: how many processes of that namespace belong to the sandbox itself.
        tmpfs: the private folders in memory of that namespace.
        clock: descriptor that counts the CPU time, as ``kernel.task_clock`` returns it.

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
            most: with more processes than this only their number is returned, since a fork bomb
                grows while its processes are read one by one.
        """
        if self._proc is None:
            pids = [str(pid) for pid in process_tree.descendants(os.getpid())]
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
            status = os.fstatvfs(descriptor)
            usage.memory_mib += (status.f_blocks - status.f_bfree) * status.f_frsize / 2**20
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
            mapped.update(_shared_mappings(maps))
    # Pages of a file in a private tmpfs are counted there; without one, where they are mapped.
    shared_kib = sum(mapped.values())
    if folder == "/proc":
        shared_kib = max(shared_kib, shmem_kib)
    total.memory_mib = (private_kib + rest_kib + shared_kib) / 1024
    return total


def _shared_mappings(maps: bytes) -> dict[bytes, int]:
    """Return the size in KiB of each shared mapping without a file, by its inode.

    One process can fill its pages and another one, which has touched none of them, keep them alive:
    the full size counts.
    """
    sizes_kib: dict[bytes, int] = {}
    for line in maps.splitlines():
        if line.endswith(_SHARED):
            addresses, _, _, _, inode = line.split(None, 5)[:5]
            start, end = (int(address, 16) for address in addresses.split(b"-"))
            sizes_kib[inode] = sizes_kib.get(inode, 0) + (end - start) // 1024
    return sizes_kib


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        chunks = []
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def _field(status: bytes, name: bytes) -> int:
    """Return a field of /proc/PID/status in KiB; a process that has ended has none."""
    at = status.find(b"\n" + name)
    return int(status[at + len(name) + 1 :].split(None, 1)[0]) if at >= 0 else 0
