"""After a command: what its wait status says, and its folder gone.

Imports little, because the keeper loads it.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_MOST_ENTRIES, _MOST_DEEP = 10_000, 8  # looked at for a full file


def judge(status: int, cpu_s: float, limits: dict[str, Any]) -> tuple[str, str, int]:
    """Return status, reason and exit code of a command that ended by itself.

    Args:
        status: as wait(2) returns it.
        cpu_s: processor seconds of the process and the children that it awaited.
        limits: as ``records.Limits`` names them.
    """
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "ok", "", code
    if code > 0:
        return "failed", f"exit code {code}", code
    # The kernel's own limit sends SIGXCPU, and SIGKILL a second later; others may send them too.
    if -code in (signal.SIGXCPU, signal.SIGKILL) and cpu_s >= limits["cpu_s"]:
        return "cpu", f"used more than {limits['cpu_s']:g} s of processor time", code
    if -code == signal.SIGXFSZ:
        return "output", f"wrote a file larger than file_kib={limits['file_kib']} KiB", code
    return "killed", f"ended by signal {-code}", code


def full_file(places: Sequence[int | str], size: int, since_s: float) -> str:
    """Return the name of a file that was cut at its largest size; empty if none is found.

    Args:
        places: folders that the command may write, by descriptor or path.
        size: bytes of the largest file.
        since_s: when the command began, in seconds since 1970.
    """
    left = _MOST_ENTRIES
    todo = [(p if isinstance(p, str) else f"/proc/self/fd/{p}", 0) for p in places]
    while todo:
        place, deep = todo.pop()
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if not (left := left - 1):
                    return ""
                if entry.is_dir(follow_symlinks=False):
                    todo += [(entry.path, deep + 1)] if deep < _MOST_DEEP else []
                    continue
                facts = entry.stat(follow_symlinks=False)
                if facts.st_size == size and facts.st_ctime >= since_s:
                    return entry.name
    return ""


def remove(folder: str) -> None:
    """Remove a folder, even if the command took the rights to its parts away, or the folder.

    Folders are moved to the top before they are emptied, so that none is too deep to be reached.
    """
    token = os.urandom(8).hex()
    todo = [folder]
    for place in todo:  # grows
        with suppress(OSError):  # of another user, or gone already
            os.chmod(place, 0o700)
            with os.scandir(place) as entries:
                found = list(entries)
            for entry in found:
                with suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    os.chmod(entry.path, 0o700)  # or its own ".." could not change
                    top = os.path.join(folder, f".{token}-{len(todo)}")
                    os.rename(entry.path, top)
                    todo.append(top)
    for place in reversed(todo):
        with suppress(OSError):
            os.rmdir(place)
