"""After a command: what its wait status says, and its folder gone.

Imports little, because the keeper loads it.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress


def judge(status: int, cpu_s: float, cpu_limit_s: float) -> tuple[str, str, int]:
    """Return status, reason and exit code of a command that ended by itself.

    Args:
        status: as wait(2) returns it.
        cpu_s: processor seconds of the process and the children that it awaited.
        cpu_limit_s: its limit.
    """
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "ok", "", code
    if code > 0:
        return "failed", f"exit code {code}", code
    # The kernel's own limit sends SIGXCPU, and SIGKILL a second later; others may send them too.
    if -code in (signal.SIGXCPU, signal.SIGKILL) and cpu_s >= cpu_limit_s:
        return "cpu", f"used more than {cpu_limit_s:g} s of processor time", code
    if -code == signal.SIGXFSZ:
        return "output", "wrote a file larger than file_kib", code
    return "killed", f"ended by signal {-code}", code


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
