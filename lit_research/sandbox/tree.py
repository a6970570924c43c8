"""Find and kill the processes below another one.

Imports nothing but ``os`` and ``signal``, because the launcher loads it at every start.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # the launcher has no use for typing, and no time for it
if TYPE_CHECKING:
    from collections.abc import Iterable


def parents() -> dict[int, int]:
    """Return the parent of every process that /proc shows."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                text = file.read(1024)
        except OSError:  # it ended meanwhile
            continue
        # The command's name, in brackets, may hold spaces and brackets.
        found[int(name)] = int(text[text.rindex(b")") + 2 :].split(None, 2)[1])
    return found


def descendants(root: int, table: dict[int, int] | None = None) -> list[int]:
    """Return the processes below ``root``, nearest first, without itself."""
    children: dict[int, list[int]] = {}
    for pid, parent in (parents() if table is None else table).items():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(root, []))
    for pid in found:
        found += children.get(pid, [])
    return found


def kill_tree(root: int) -> None:
    """Kill every process below ``root``.

    They are stopped first, until no new one appears: a stopped process cannot fork, so that a fork
    bomb does not outrun the killing.
    """
    seen: set[int] = set()
    while new := [pid for pid in descendants(root) if pid not in seen]:
        send(new, signal.SIGSTOP)
        seen.update(new)
    send(seen, signal.SIGKILL)


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
