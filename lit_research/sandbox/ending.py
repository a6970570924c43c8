"""After a command: what its exit code says, and its folder gone."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress

from lit_research.sandbox.records import Status

# How the programs between us and the command say that they did not start it. A command can write
# the same; it gains nothing by it.
_REFUSALS = (
    b"sandbox: cannot execute",
    b"prlimit: failed to execute",
    b"setpriv: failed to",
    b"bwrap: ",
)


def judge(code: int, stderr: bytes) -> tuple[Status, str]:
    """Return status and reason of a command that ended by itself."""
    if code == 0:
        return "ok", ""
    if code in (1, 126, 127) and stderr.startswith(_REFUSALS):
        return "not started", stderr.decode(errors="replace").strip()
    number = -code if code < 0 else code - 128
    if not 0 < number <= 64:
        return "failed", f"exit code {code}"
    if number == signal.SIGXCPU:
        return "cpu", "a process used more than its processor time"
    if number == signal.SIGXFSZ:
        return "output", "wrote a file larger than file_kib"
    return "killed", f"ended by signal {number}"


def remove(folder: str) -> None:
    """Remove a folder, even if the command took the rights to its parts away, or the folder."""
    with suppress(OSError):
        os.chmod(folder, 0o700)
        for path, names, _ in os.walk(folder):
            for name in names:
                inner = os.path.join(path, name)
                # A link may lead out, and chmod would follow it.
                if not os.path.islink(inner):
                    os.chmod(inner, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
