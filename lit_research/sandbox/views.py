"""What a command sees: its file system, its environment, and where its program is."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lit_research.errors import UserError

SCRATCH = "/run/scratch"
_PATH = "/usr/local/bin:/usr/bin:/bin"
# Programs and libraries, and the few settings that the C library reads; no accounts, no keys.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives")
# What the C library reads: who the user is, and what localhost is. Nothing of the host's.
_TEXTS = {
    "/etc/passwd": "root:x:0:0::/:/bin/sh\nsandbox:x:{uid}:{uid}::/run/scratch:/bin/sh\n",
    "/etc/group": "root:x:0:\nsandbox:x:{uid}:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_MADE_BY_SANDBOX = ("/proc", "/dev", "/run", SCRATCH)

Entry = tuple[str, str, str]


def check(
    command: Sequence[str],
    readable: Iterable[Path],
    writable: Iterable[Path],
    env: Mapping[str, str] | None,
) -> tuple[list[str], list[str]]:
    """Validate the arguments of a call; return the absolute readable and writable paths.

    Raises:
        UserError: the command is empty or not a list of strings; a path does not exist, is one that
            the sandbox makes itself, or is both readable and writable; a variable cannot be set.
    """
    if isinstance(command, str) or not command or not all(isinstance(w, str) for w in command):
        raise UserError(
            f"command={command!r} is no command, in a call of the sandbox; must be a list of "
            "strings, the program first"
        )
    if not all(map(_can_be_passed, command)) or not command[0]:
        raise UserError(
            f"command={list(command)!r} holds an empty program, a zero byte or half of a surrogate "
            "pair, in a call of the sandbox; must hold strings that a program can be started with"
        )
    for name, value in (env or {}).items():
        if not name or "=" in name or not all(_can_be_passed(text) for text in (name, value)):
            raise UserError(
                f"env holds {name!r}: {value!r}, which no program can be given, in a call of the "
                "sandbox; names must not be empty or contain '=', and neither may contain a zero "
                "byte or half of a surrogate pair"
            )
    reads = [_absolute(path, "readable") for path in readable]
    writes = [_absolute(path, "writable") for path in writable]
    if both := set(reads) & set(writes):
        raise UserError(
            f"{sorted(both)} is both readable and writable, in a call of the sandbox; leave it out "
            "of readable, since what is writable can be read"
        )
    return reads, writes


def _can_be_passed(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except (UnicodeEncodeError, TypeError):
        return False


def _absolute(path: Path, argument: str) -> str:
    absolute = os.path.abspath(path)
    if not os.path.exists(absolute):
        raise UserError(
            f"{argument} path {str(path)!r} does not exist, in a call of the sandbox; must be an "
            "existing folder or file"
        )
    if absolute in _MADE_BY_SANDBOX or (argument == "writable" and absolute == "/"):
        raise UserError(
            f"{argument} path {absolute!r} is one that the sandbox makes itself, in a call of the "
            "sandbox; give the folders below it that the command needs"
        )
    return absolute


def view(reads: Sequence[str], writes: Sequence[str], uid: int) -> list[Entry]:
    """Return the file system of a command as (kind, source, target), in the order of mounting.

    Kinds: ``read`` and ``write`` are mounts of what exists at ``source``, ``link`` is a symbolic
    link to it, ``text`` a file with ``source`` as its content, ``tmpfs`` an empty private folder in
    memory, ``seal`` makes a mount read-only.

    Args:
        reads: absolute paths to read.
        writes: absolute paths to write.
        uid: the number of the command's user.
    """
    # Every mount costs a large part of a millisecond at each start: as few as possible.
    entries = [*_system(), ("proc", "/proc", "/proc"), ("dev", "/dev", "/dev")]
    entries += [("tmpfs", "", path) for path in ("/dev/shm", "/tmp", SCRATCH)]
    seals: list[Entry] = [("seal", "", "/dev"), ("seal", "", "/")]
    if "/" in reads:  # then /run is the host's, where no folder can be made
        entries.append(("tmpfs", "", "/run"))
        seals.append(("seal", "", "/run"))
    entries += [
        ("text", text.format(uid=uid), path)
        for path, text in _TEXTS.items()
        if not any(Path(path).is_relative_to(given) for given in (*reads, *writes))
    ]
    given = [("read", os.path.realpath(p), p) for p in reads]
    given += [("write", os.path.realpath(p), p) for p in writes]
    given_targets = {target for _, _, target in given}
    entries = [
        e
        for e in entries
        if e[2] not in given_targets and not (e[0] == "link" and "/" in given_targets)
    ]
    # From the root downwards, so that a path inside another one is mounted over it.
    entries = sorted([*entries, *given], key=lambda entry: len(Path(entry[2]).parts))
    return [*entries, *seals]


@functools.cache
def _system() -> tuple[Entry, ...]:
    """Return what every command sees of the system."""
    entries: list[Entry] = []
    for path in (*_SYSTEM, *_SETTINGS):
        if os.path.islink(path) and path in _SYSTEM:
            entries.append(("link", os.readlink(path), path))
        elif os.path.exists(path):
            entries.append(("read", os.path.realpath(path), path))
    return tuple(entries)


def environment(extra: Mapping[str, str] | None, scratch: str) -> dict[str, str]:
    """Return the whole environment of a command: ``extra``, and nothing of the parent's."""
    defaults = {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "HOME": scratch,
        "TMPDIR": scratch,
        "PWD": scratch,
    }
    defaults["USER"] = defaults["LOGNAME"] = "sandbox"
    return {**defaults, **(extra or {})}


def find_program(name: str, extra: Mapping[str, str] | None) -> str | None:
    """Return the absolute path of a program, looked up in PATH as the parent would; None if not."""
    path = (extra or {}).get("PATH") or os.environ.get("PATH") or _PATH
    program = shutil.which(name, path=path)
    return os.path.abspath(program) if program else None


def is_visible(path: str, shown: Iterable[str]) -> bool:
    """Tell whether ``path``, and what it links to, is visible where the paths ``shown`` are."""
    roots = [*(target for _, _, target in _system()), *shown]
    return all(
        any(Path(p).is_relative_to(root) for root in roots) for p in (path, os.path.realpath(path))
    )


def python_paths() -> tuple[Path, ...]:
    """Return what ``readable`` must hold for this Python, ``sys.executable``, to run."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    return tuple(Path(p) for p in sorted(prefixes) if not p.startswith("/usr"))
