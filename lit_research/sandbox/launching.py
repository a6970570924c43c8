"""Start a command at one level of isolation, whether or not that level is known to work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lit_research.sandbox import levels, views
from lit_research.sandbox.keeping import Keeper, keeper
from lit_research.sandbox.records import Level, Limits, Profile, Result
from lit_research.sandbox.sandboxed import Sandboxed
from lit_research.sandbox.watcher import Watcher


def launch(
    level: Level,
    command: Sequence[str],
    *,
    limits: Limits,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    profile: Profile = "python",
    pool: Keeper | None = None,
) -> Sandboxed:
    """Start a command at a level that was not tried yet; everybody else calls ``start``.

    Args:
        pool: the keeper of a pool; then ``command`` is what would follow ``python``.
    """
    reads, writes = views.check(command, readable, writable, env)
    words = list(command)
    if pool is None:
        program = views.find_program(command[0], env)
        if program is None:
            return _refused(level, f"program {command[0]!r} was not found in PATH")
        if level != "rlimits" and not views.is_visible(program, [*reads, *writes]):
            why = f"program {program!r} is out of sight of the sandbox: add its folder to readable"
            return _refused(level, why)
        words[0] = program
    scratch = tempfile.mkdtemp(prefix="sandbox-") if level == "rlimits" else None
    variables = views.environment(env, scratch or views.SCRATCH)
    try:
        job = levels.Job(
            level, words, variables, limits, reads, writes, profile, scratch, pool is not None
        )
        return Sandboxed(level, Watcher(job, pool or keeper()))
    except BaseException as error:
        if scratch is not None:
            os.rmdir(scratch)
        if isinstance(error, OSError):
            return _refused(level, f"the system does not start it: {error}")
        raise


def _refused(level: Level, reason: str) -> Sandboxed:
    result = Result("not started", None, b"", b"", 0.0, level, reason)
    return Sandboxed(level, result)
