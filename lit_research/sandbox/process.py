"""Run a command in a sandbox to its end, or start it and talk to it."""

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


def run(
    command: Sequence[str],
    *,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    stdin: bytes | str = b"",
    profile: Profile = "python",
    level: Level | None = None,
    require: Level | None = None,
) -> Result:
    """Run a command to its end in a sandbox; whatever the command does is a value, not an error.

    Args:
        command: the program and its arguments. The program is looked up in PATH (that of ``env``,
            else the parent's) and must be in sight of the sandbox.
        limits: what it may use.
        readable: folders and files that it may read, beside the system's programs and libraries.
        writable: folders and files that it may write, beside its scratch folder, which is where it
            starts and is gone afterwards.
        env: environment variables beside PATH, LANG, HOME, TMPDIR, PWD, USER and LOGNAME. Nothing
            else is handed on from the parent.
        stdin: what it reads; text is sent as UTF-8.
        profile: which system calls it may make. ``proof``: what one process needs to compute, with
            threads and files, but no other process and no socket. ``python``: more, see
            ``seccomp``.
        level: the level of isolation to use; the strongest one that works if None.
        require: the weakest level that will do.

    Raises:
        UserError: a path does not exist, the command is empty, ``env`` cannot be set, or the
            level does not work here.
    """
    with start(
        command,
        limits=limits,
        readable=readable,
        writable=writable,
        env=env,
        profile=profile,
        level=level,
        require=require,
    ) as process:
        process.write(stdin)
        return process.wait()


def start(
    command: Sequence[str],
    *,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    profile: Profile = "python",
    level: Level | None = None,
    require: Level | None = None,
) -> Sandboxed:
    """Start a command in a sandbox and return at once; use it as a context manager.

    Args and errors are those of ``run``. A program that is not there is no error: the process
    ends at once with the status ``not started``.

    Raises:
        UserError: a path does not exist, the command is empty, ``env`` cannot be set, or the
            level does not work here.
    """
    chosen = levels.choose(level, require)
    return launch(
        chosen,
        command,
        limits=limits,
        readable=readable,
        writable=writable,
        env=env,
        profile=profile,
    )


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
