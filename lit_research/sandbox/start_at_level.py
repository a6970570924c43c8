"""Start a command at one level of isolation, whether or not that level is known to work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lit_research.sandbox import views
from lit_research.sandbox.command_thread import CommandThread
from lit_research.sandbox.fork_server_client import ForkServer, fork_server
from lit_research.sandbox.job import Job
from lit_research.sandbox.records import Level, Limits, Profile, Result
from lit_research.sandbox.sandboxed import Sandboxed


def start_at_level(
    level: Level,
    command: Sequence[str],
    *,
    limits: Limits,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    profile: Profile = "python",
    pool: ForkServer | None = None,
) -> Sandboxed:
    """Start a command at a level that was not tried yet; other code calls ``start``.

    Args:
        pool: the fork server of a pool; then ``command`` is what would follow ``python``.
    """
    reads, writes = views.check(command, readable, writable, env)
    arguments = list(command)
    if pool is None:
        program = views.find_program(command[0], env)
        if program is None:
            return _refused(level, f"program {command[0]!r} was not found in PATH")
        if level != "rlimits" and not views.is_visible(program, [*reads, *writes]):
            reason = (
                f"program {program!r} is not visible in the sandbox; add its folder to readable"
            )
            return _refused(level, reason)
        arguments[0] = program
    scratch = tempfile.mkdtemp(prefix="sandbox-") if level == "rlimits" else None
    variables = views.environment(env, scratch or views.SCRATCH)
    try:
        job = Job(
            level, arguments, variables, limits, reads, writes, profile, scratch, pool is not None
        )
        return Sandboxed(level, CommandThread(job, pool or fork_server()))
    except BaseException as error:
        if scratch is not None:
            os.rmdir(scratch)
        if isinstance(error, OSError):
            return _refused(level, f"the system does not start it: {error}")
        raise


def _refused(level: Level, reason: str) -> Sandboxed:
    result = Result("not started", None, b"", b"", 0.0, level, reason)
    return Sandboxed(level, result)
