"""The means of isolation: what the launcher must know to start a command with each."""

from __future__ import annotations

import math
import os
import re
import secrets
import shutil
from dataclasses import asdict, dataclass
from typing import Any, get_args

from lit_research.sandbox import delegated, seccomp, views
from lit_research.sandbox.records import Level, Limits, Profile

LEVELS: tuple[Level, ...] = get_args(Level)
"""The levels of isolation, the strongest first."""
_MIB = 2**20
_OPEN_FILES = 1024


@dataclass(frozen=True)
class Job:
    """A checked call: what to start, at which level, with what in sight."""

    level: Level
    command: list[str]
    env: dict[str, str]
    limits: Limits
    reads: list[str]
    writes: list[str]
    profile: Profile
    scratch: str | None  # an ordinary folder, where it cannot be one in memory
    is_warm: bool = False  # the command is what a pool's Python is to run

    def spec(self) -> dict[str, Any]:
        """Return what the launcher must know, as plain data.

        Raises:
            OSError: the filter is not known for this kind of machine.
        """
        if not seccomp.supported():
            raise OSError(f"no filter of system calls is known for {os.uname().machine}")
        uid = _own_uid()
        shown = uid if uid is not None else os.getuid()
        return {
            "level": self.level,
            "command": [os.fsencode(word) for word in self.command],
            "env": {os.fsencode(k): os.fsencode(v) for k, v in self.env.items()},
            "uid": uid,
            "view": [] if self.scratch else views.view(self.reads, self.writes, shown),
            "folder": self.scratch or views.SCRATCH,
            "scratch": self.scratch,
            "writes": self.writes,
            "warm": self.is_warm,
            "cgroup": delegated.folder(),
            "tmpfs_bytes": self.limits.memory_mib * _MIB,
            "limits": {f"RLIMIT_{name}": value for name, value in _kernel_limits(self).items()},
            "bounds": asdict(self.limits),
            "filter": seccomp.program(self.profile, self.level),
            "program": shutil.which("bwrap"),
            "cat": shutil.which("cat"),
        }


def _own_uid() -> int | None:
    """Return a user id for one command alone if the parent is root, else None.

    The kernel limits no process of root, in whatever namespace: only as another user can a command
    be kept from a fork bomb. The right to pass over the modes of files makes up for the change.
    """
    if os.geteuid() != 0:
        return None
    with open("/proc/self/uid_map", "rb") as file:
        rows = [tuple(map(int, line.split())) for line in file]
    # Out of the range of accounts where the map allows it.
    for uid in (0x70000000 + secrets.randbelow(2**28), 30000 + secrets.randbelow(30000)):
        if any(first <= uid < first + count for first, _, count in rows):
            return uid
    return None


def _kernel_limits(job: Job) -> dict[str, int]:
    """Return the limits that the kernel enforces, by the name of their RLIMIT."""
    limits = job.limits
    found = {
        "CPU": math.ceil(limits.cpu_s),
        "FSIZE": limits.file_kib * 1024,
        "CORE": 0,
        "NOFILE": _OPEN_FILES,
    }
    if limits.address_space_mib is not None:
        found["AS"] = limits.address_space_mib * _MIB
    # Before 5.14 the kernel counted a user's processes across namespaces: only the watcher counts.
    if job.level == "rlimits" or _kernel_version() >= (5, 14):
        found["NPROC"] = limits.processes
        if os.geteuid() != 0:  # else ours are root's, and the command another user's
            found["NPROC"] += {"bubblewrap": 3, "namespaces": 2, "rlimits": 0}[job.level]
    return found


def _kernel_version() -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])
