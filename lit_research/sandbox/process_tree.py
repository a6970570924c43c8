"""Find and kill the processes below another one.

Imports nothing but ``os`` and ``signal``, because the fork server loads it.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # importing typing would double the start-up time of the fork server
if TYPE_CHECKING:
    from collections.abc import Iterable


def parents() -> dict[int, int]:
    """Return the parent of every process that /proc shows."""
    parent_of: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                text = file.read(1024)
        except OSError:  # it ended meanwhile
            continue
        # The command's name, in brackets, may hold spaces and brackets.
        parent_of[int(name)] = int(text[text.rindex(b")") + 2 :].split(None, 2)[1])
    return parent_of


def descendants(root: int, parent_of: dict[int, int] | None = None) -> list[int]:
    """Return the descendants of ``root``, nearest first, without ``root`` itself."""
    children: dict[int, list[int]] = {}
    for pid, parent in (parents() if parent_of is None else parent_of).items():
        children.setdefault(parent, []).append(pid)
    below = list(children.get(root, []))
    for pid in below:
        below += children.get(pid, [])
    return below


def kill_tree(root: int) -> None:
    """Kill every descendant of ``root``.

    They are stopped first, until no new one appears: a stopped process cannot fork, so a fork bomb
    cannot outrun the kill.
    """
    seen: set[int] = set()
    while new := [pid for pid in descendants(root) if pid not in seen]:
        send(new, signal.SIGSTOP)
        seen.update(new)
    send(seen, signal.SIGKILL)


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
