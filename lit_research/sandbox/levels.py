"""The means of isolation: how each starts a command, and which of them work on this machine."""

from __future__ import annotations

import functools
import marshal
import math
import os
import re
import resource
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from lit_research.errors import UserError
from lit_research.sandbox import views
from lit_research.sandbox.records import Level, Limits

LEVELS: tuple[Level, ...] = get_args(Level)  # the strongest first
REQUIRE = "LIT_RESEARCH_SANDBOX_REQUIRE"
_MIB = 2**20
_OPEN_FILES = 1024
_FOLDER = str(Path(__file__).parent)
_START = f"import sys; sys.path.append({_FOLDER!r}); import launcher; launcher.main()"


@dataclass(frozen=True)
class Job:
    """A checked call: what to start, at which level, with what in sight."""

    level: Level
    command: list[str]
    limits: Limits
    entries: list[views.Entry]
    folder: str
    writes: bool


def command_line(job: Job, report: int) -> list[str]:
    """Return the words that start a job; the pid of its process 1 is written to ``report``."""
    if job.level == "bubblewrap":
        uid = _own_uid()
        inside = [*_prlimit(job), *_setpriv(uid), *job.command]
        return [*_bubblewrap(job, uid), "--info-fd", str(report), "--", *inside]
    spec: dict[str, Any] = {
        "level": job.level,
        "command": job.command,
        "parent": os.getpid(),
        "uid": _own_uid(),
        "report": report,
        "view": job.entries,
        "folder": job.folder,
        "writes": job.writes,
        "tmpfs_bytes": job.limits.memory_mib * _MIB,
        "limits": {f"RLIMIT_{name}": value for name, value in _kernel_limits(job).items()},
    }
    # -I -S -E: neither the environment nor site-packages have a say in it.
    return [sys.executable, "-I", "-S", "-E", "-c", _START, marshal.dumps(spec).hex()]


def _own_uid() -> int | None:
    """Return a user id for one command alone if the parent is root, else None.

    The kernel limits no process of root, in whatever namespace: only as another user can a command
    be kept from a fork bomb. The right to pass over the modes of files makes up for the change.
    """
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return None
    with open("/proc/self/uid_map", "rb") as file:
        rows = [tuple(map(int, line.split())) for line in file]
    # Out of the range of accounts where the map allows it.
    for uid in (0x70000000 + secrets.randbelow(2**28), 30000 + secrets.randbelow(30000)):
        if any(first <= uid < first + count for first, _, count in rows):
            return uid
    return None


def _setpriv(uid: int | None) -> list[str]:
    """Return the words that make a command another user, with one capability and no way to more."""
    if uid is None:
        return []
    words = [shutil.which("setpriv") or "setpriv", f"--reuid={uid}", f"--regid={uid}"]
    sets = [f"--{name}=-all,+dac_override" for name in ("inh-caps", "ambient-caps", "bounding-set")]
    return [*words, "--clear-groups", *sets, "--no-new-privs", "--"]


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
        # Process 1 counts too, unless it is root's and the command another user's.
        found["NPROC"] = limits.processes + (job.level != "rlimits" and os.geteuid() != 0)
    return found


def _kernel_version() -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])


def _prlimit(job: Job) -> list[str]:
    """Return the words that set the limits from inside, where the user's processes count anew."""
    words = [shutil.which("prlimit") or "prlimit"]
    for name, value in _kernel_limits(job).items():
        hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        # The second between the two is for SIGXCPU, which names the cause.
        above = value + 1 if name == "CPU" and hard == resource.RLIM_INFINITY else value
        words.append(f"--{name.lower()}={value}:{above}")
    return [*words, "--"]


def _bubblewrap(job: Job, uid: int | None) -> list[str]:
    program = shutil.which("bwrap") or "bwrap"
    words = [program, "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if uid is None:
        words.append("--unshare-all")
    else:  # a user namespace would know root alone
        words += [f"--unshare-{name}" for name in ("ipc", "pid", "net", "uts", "cgroup-try")]
        for name in ("SETUID", "SETGID", "SETPCAP", "DAC_OVERRIDE"):
            words += ["--cap-add", f"CAP_{name}"]
    size = str(job.limits.memory_mib * _MIB)
    for kind, source, target in job.entries:
        words += {
            "link": ["--symlink", source, target],
            "read": ["--ro-bind", source, target],
            "write": ["--bind", source, target],
            "tmpfs": ["--size", size, "--tmpfs", target],
            "proc": ["--proc", target],
            "dev": ["--dev", target],
            "seal": ["--remount-ro", target],
        }[kind]
    return [*words, "--chdir", job.folder]


def choose(level: Level | None, require: Level | None) -> Level:
    """Return the level to use: the one asked for, else the strongest that works.

    Args:
        level: exactly this one.
        require: at least this one; the environment variable LIT_RESEARCH_SANDBOX_REQUIRE says the
            same for every call.

    Raises:
        UserError: no such level, or it does not work here.
    """
    for name, source in (
        (require, "require"),
        (os.environ.get(REQUIRE), REQUIRE),
        (level, "level"),
    ):
        if name and name not in LEVELS:
            raise UserError(
                f"{name!r} is no level of isolation, from {source}: give one of {', '.join(LEVELS)}"
            )
    least = [n for n in (require, os.environ.get(REQUIRE)) if n]
    bound = min((LEVELS.index(n) for n in least), default=len(LEVELS) - 1)
    allowed = [n for n in LEVELS[: bound + 1] if level in (None, n)]
    if not allowed:
        raise UserError(
            f"level {level!r} is weaker than {LEVELS[bound]!r}, which require or {REQUIRE} "
            "demands: ask for that level, or demand less"
        )
    failures = {}
    for name in allowed:
        if not (failure := why_not(name)):
            return name
        failures[name] = failure
    raise UserError(
        f"no isolation as strong as {allowed[-1]!r} works here ("
        + "; ".join(f"{n}: {f}" for n, f in failures.items())
        + "), which the call or its environment demands: install bubblewrap (apt-get install "
        "bubblewrap, dnf install bubblewrap) and allow user namespaces, or demand less"
    )


@functools.cache
def why_not(level: Level) -> str:
    """Try a level by starting a command with it; return why it does not work, or nothing.

    A command that ends well and sees what it should is the test: that a program is installed says
    nothing about whether the system lets it work.
    """
    from lit_research.sandbox.process import launch

    if level == "bubblewrap" and not shutil.which("bwrap"):
        return "the program bwrap is not installed"
    if level == "bubblewrap" and not shutil.which("prlimit"):
        return "the program prlimit (of util-linux) is not installed"
    script = "test -d /proc/self && echo > file && echo works"
    with launch(level, ["/bin/sh", "-c", script], limits=Limits(wall_s=20)) as process:
        result = process.wait()
    if result.status == "ok" and result.stdout == b"works\n":
        return ""
    return result.reason or f"exit code {result.exit_code}: {result.error_text.strip()}"


def isolation() -> Level:
    """Return the strongest level of isolation that was tried and works on this machine."""
    return choose(None, None)


def working() -> tuple[Level, ...]:
    """Return every level that works on this machine, the strongest first."""
    return tuple(level for level in LEVELS if not why_not(level))
