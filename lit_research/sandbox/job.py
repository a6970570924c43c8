"""``Job``: a checked call, and what the launcher must know to start it at its level."""

from __future__ import annotations

import math
import os
import re
import secrets
import shutil
from dataclasses import asdict, dataclass
from typing import Any

from lit_research.sandbox import delegated_cgroup, seccomp, views
from lit_research.sandbox.records import Level, Limits, Profile

_MIB = 2**20
_OPEN_FILES = 1024


@dataclass(frozen=True)
class Job:
    """A checked call: what to start, at which level, and what it sees."""

    level: Level
    command: list[str]
    env: dict[str, str]
    limits: Limits
    reads: list[str]
    writes: list[str]
    profile: Profile
    scratch: str | None  # an ordinary folder, where it cannot be one in memory
    is_preloaded: bool = False  # the command is what a pool's Python is to run

    def spec(self) -> dict[str, Any]:
        """Return what the launcher must know, as plain data.

        Raises:
            OSError: there is no system-call filter for this architecture.
        """
        if not seccomp.supported():
            raise OSError(f"there is no system-call filter for {os.uname().machine}")
        uid = _unused_uid()
        visible_uid = uid if uid is not None else os.getuid()
        return {
            "level": self.level,
            "command": [os.fsencode(word) for word in self.command],
            "env": {os.fsencode(k): os.fsencode(v) for k, v in self.env.items()},
            "uid": uid,
            "view": [] if self.scratch else views.view(self.reads, self.writes, visible_uid),
            "folder": self.scratch or views.SCRATCH,
            "scratch": self.scratch,
            "writes": self.writes,
            "preloaded": self.is_preloaded,
            "cgroup": delegated_cgroup.folder(),
            "tmpfs_bytes": self.limits.memory_mib * _MIB,
            "limits": {f"RLIMIT_{name}": value for name, value in _kernel_limits(self).items()},
            "bounds": asdict(self.limits),
            "filter": seccomp.program(self.profile, self.level),
            "program": shutil.which("bwrap"),
            "cat": shutil.which("cat"),
        }


def _unused_uid() -> int | None:
    """Return an unused user id for one command if the parent is root, else None.

    The kernel does not limit the number of root's processes, in any namespace: only as another user
    can a command be kept from a fork bomb. The right to bypass file permissions makes up for it.
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
    rlimits = {
        "CPU": math.ceil(limits.cpu_s),
        "FSIZE": limits.file_kib * 1024,
        "CORE": 0,
        "NOFILE": _OPEN_FILES,
    }
    if limits.address_space_mib is not None:
        rlimits["AS"] = limits.address_space_mib * _MIB
    # Before 5.14 the kernel counted a user's processes across namespaces: only the supervisor
    # counts.
    if job.level == "rlimits" or _kernel_version() >= (5, 14):
        rlimits["NPROC"] = limits.processes
        if os.geteuid() != 0:  # else ours are root's, and the command another user's
            rlimits["NPROC"] += {"bubblewrap": 3, "namespaces": 2, "rlimits": 0}[job.level]
    return rlimits


def _kernel_version() -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])
