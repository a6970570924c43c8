"""After a command: interpret its wait status, and remove its folder.

Imports little, because the fork server loads it.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_MAX_ENTRIES, _MAX_DEPTH = 10_000, 8  # searched for a full file


def judge(status: int, cpu_s: float, limits: dict[str, Any]) -> tuple[str, str, int]:
    """Return status, reason and exit code of a command that ended by itself.

    Args:
        status: as wait(2) returns it.
        cpu_s: CPU seconds of the process and the children that it awaited.
        limits: as ``records.Limits`` names them.
    """
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "ok", "", code
    if code > 0:
        return "failed", f"exit code {code}", code
    # The kernel's own limit sends SIGXCPU, and SIGKILL a second later; others may send them too.
    if -code in (signal.SIGXCPU, signal.SIGKILL) and cpu_s >= limits["cpu_s"]:
        return "cpu", f"used more than {limits['cpu_s']:g} s of CPU time", code
    if -code == signal.SIGXFSZ:
        return "output", f"wrote a file larger than file_kib={limits['file_kib']} KiB", code
    return "killed", f"ended by signal {-code}", code


def full_file(folders: Sequence[int | str], size: int, since_s: float) -> str:
    """Return the name of a file that was truncated at its size limit; empty if none is found.

    Args:
        folders: where the command may write, by descriptor or path.
        size: the limit, in bytes.
        since_s: when the command began, in seconds since 1970.
    """
    entries_left = _MAX_ENTRIES
    todo = [
        (folder if isinstance(folder, str) else f"/proc/self/fd/{folder}", 0) for folder in folders
    ]
    while todo:
        current, depth = todo.pop()
        with suppress(OSError), os.scandir(current) as entries:
            for entry in entries:
                if not (entries_left := entries_left - 1):
                    return ""
                if entry.is_dir(follow_symlinks=False):
                    todo += [(entry.path, depth + 1)] if depth < _MAX_DEPTH else []
                    continue
                status = entry.stat(follow_symlinks=False)
                if status.st_size == size and status.st_ctime >= since_s:
                    return entry.name
    return ""


def remove(folder: str) -> None:
    """Remove a folder, even if the command took away permissions on what is in it.

    Folders are moved to the top before they are emptied, so that none is too deep to be reached.
    """
    token = os.urandom(8).hex()
    todo = [folder]
    for current in todo:  # grows
        with suppress(OSError):  # of another user, or gone already
            os.chmod(current, 0o700)
            with os.scandir(current) as entries:
                children = list(entries)
            for entry in children:
                with suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    os.chmod(entry.path, 0o700)  # or its own ".." could not change
                    top = os.path.join(folder, f".{token}-{len(todo)}")
                    os.rename(entry.path, top)
                    todo.append(top)
    for current in reversed(todo):
        with suppress(OSError):
            os.rmdir(current)
