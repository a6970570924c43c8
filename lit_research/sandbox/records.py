"""What a caller asks for and what it gets back: levels, limits and results."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from lit_research.errors import UserError

Level = Literal["bubblewrap", "namespaces", "rlimits"]
"""Name of a level of isolation; see the package's docstring."""
LEVELS: tuple[Level, ...] = get_args(Level)
"""The levels of isolation, the strongest first."""
Profile = Literal["python", "proof"]
"""Which system calls a command may make; ``proof`` allows no other process and no socket."""
Status = Literal["ok", "failed", "timeout", "cpu", "memory", "output", "killed", "not started"]
"""How a command ended: by itself (``ok``, ``failed``), at a limit, by a kill, or never started."""


@dataclass(frozen=True)
class Limits:
    """What one command may use, with all processes that it starts, unless stated otherwise.

    Args:
        wall_s: seconds from start to end, whatever it does.
        cpu_s: CPU seconds, user and system, of all processes, including those that ended.
        memory_mib: MiB of memory not backed by files, checked every few hundredths of a second:
            the resident anonymous pages, page tables and swap of all processes, the content of the
            private tmpfs (scratch, /tmp, /dev/shm), and the full size of shared mappings without a
            file. Mapped files do not count; a fast allocation can overshoot between two checks;
            pages shared after a fork count once for each process. Also the size of each private
            tmpfs.
        processes: maximum number of processes and threads at once. The kernel enforces it where it
            can; the supervisor kills a command that exceeds it.
        output_kib: KiB written to stdout and stderr together.
        file_kib: maximum size of a file written, in KiB. A program that ignores SIGXFSZ, as Python
            does, gets "File too large" (EFBIG) from the write instead of the signal; torch and
            compilers report that differently. The reason names the limit if a file of that size,
            or this text on stderr, shows that it was reached. ``memory_mib`` bounds files in the
            scratch folder too.
        inodes: maximum number of files, folders and links in each private tmpfs, enforced by the
            kernel; each takes up to a KiB of memory that ``memory_mib`` counts only in a cgroup.
        address_space_mib: MiB of address space of each process, enforced by the kernel, or None.
            It stops a fast allocation at once, but mapped files and reserved ranges count too.

    Raises:
        UserError: a limit is not a positive finite number.
    """

    wall_s: float = 60.0
    cpu_s: float = 60.0
    memory_mib: int = 2048
    processes: int = 128
    output_kib: int = 1024
    file_kib: int = 1048576
    inodes: int = 100_000
    address_space_mib: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name == "address_space_mib":
                continue
            if not (math.isfinite(value) and value > 0):
                raise UserError(
                    f"{field.name} is {value!r}, in the Limits of a sandbox; must be a positive "
                    "finite number"
                )


@dataclass(frozen=True)
class Result:
    """How a command ended.

    Args:
        status: ``ok`` (exit code 0), ``failed`` (another one), ``timeout`` (``wall_s``), ``cpu``,
            ``memory``, ``output`` (``output_kib`` or ``file_kib``), ``killed`` (by a signal, by
            the caller, or for too many processes) or ``not started``.
        exit_code: exit code; minus the signal's number if a signal ended it; None if it was not
            started. It comes from the kernel, through the command's parent: neither an exit code
            nor output can forge another status.
        stdout: bytes that it wrote, without the lines that the caller read.
        stderr: bytes that it wrote.
        seconds: wall-clock seconds from start to end.
        isolation: the level that was used.
        reason: why it is not ``ok``, in words; empty if it is.
        peak_mib: peak memory seen, in MiB, counted as ``memory_mib``; 0 if the command ended
            before the first check.
    """

    status: Status
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    isolation: Level
    reason: str = ""
    peak_mib: float = 0.0

    @property
    def text(self) -> str:
        """``stdout`` as UTF-8; invalid bytes become the replacement character."""
        return self.stdout.decode(errors="replace")

    @property
    def error_text(self) -> str:
        """``stderr`` as UTF-8; invalid bytes become the replacement character."""
        return self.stderr.decode(errors="replace")
