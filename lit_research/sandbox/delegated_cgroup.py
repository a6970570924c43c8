"""Find the part of the cgroup tree that is delegated to this process, to hold its commands."""

from __future__ import annotations

import functools
import os
import subprocess
from contextlib import suppress
from pathlib import Path

from lit_research.errors import UserError
from lit_research.sandbox import cgroups

VARIABLE = "LIT_RESEARCH_SANDBOX_CGROUP"


def folder() -> str | None:
    """Return the cgroup below which each command gets its own; None where there is none.

    It is the one that LIT_RESEARCH_SANDBOX_CGROUP names, else the parent of this process's cgroup,
    if that is delegated to the user: a cgroup can hold either processes or cgroups with limits, so
    a process works in a child of the delegated one. systemd's slices are never used.

    Raises:
        UserError: the variable names a folder that cannot be used.
    """
    return _usable(os.environ.get(VARIABLE) or None)


@functools.cache
def _usable(named: str | None) -> str | None:
    group = named or _parent()
    if group is None:
        return None
    try:
        _try(group)
    except OSError as error:
        if named is None:
            return None
        raise UserError(
            f"{VARIABLE}={named!r} cannot be used ({error}); must be a folder of a cgroup2 file "
            "system that this user may write, without processes and with the controllers memory "
            "and pids"
        ) from None
    return group


def _parent() -> str | None:
    """Return the parent of the cgroup that this process is in, if the user may write there."""
    with suppress(OSError, StopIteration):
        rows = Path("/proc/self/cgroup").read_text().splitlines()
        cgroup = next(row for row in rows if row.startswith("0::")).removeprefix("0::")
        mounts = (row.split(" - ") for row in Path("/proc/self/mountinfo").read_text().splitlines())
        root, mount_point = next(
            left.split()[3:5] for left, right in mounts if right.startswith("cgroup2 ")
        )
        relative = os.path.relpath(cgroup, root)
        if relative in (".", "..") or relative.startswith("../"):
            return None
        parent = os.path.dirname(os.path.join(mount_point, relative))
        # Slices are systemd's, and the root of the whole tree, which has no type, the machine's.
        if parent.endswith(".slice") or not os.path.exists(f"{parent}/cgroup.type"):
            return None
        if os.access(f"{parent}/cgroup.procs", os.W_OK):
            return parent
    return None


def _try(group: str) -> None:
    """Try to run a command in a cgroup below ``group``.

    Raises:
        OSError: that does not work.
    """
    for name in ("memory", "pids"):
        if name.encode() not in cgroups.read(group, "cgroup.subtree_control").split():
            cgroups.write(group, "cgroup.subtree_control", f"+{name}")
    for leftover in Path(group).glob("sandbox-*"):  # when everything was killed at once
        if not Path("/proc", leftover.name.removeprefix("sandbox-")).exists():
            with suppress(OSError):
                os.rmdir(leftover)
    trial = cgroups.Group(group, {"memory_mib": 256, "processes": 16})
    try:
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
            trial.add(process.pid)
    finally:
        trial.end()
