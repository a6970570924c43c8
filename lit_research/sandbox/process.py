"""Run a command in a sandbox to its end, or start it and talk to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lit_research.sandbox.choice import choose
from lit_research.sandbox.records import Level, Limits, Profile, Result
from lit_research.sandbox.sandboxed import Sandboxed
from lit_research.sandbox.start_at_level import start_at_level


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
    """Run a command to its end in a sandbox; whatever it does is returned, not raised.

    Args:
        command: the program and its arguments. The program is looked up in PATH (that of ``env``,
            else the parent's) and must be visible in the sandbox.
        limits: what it may use.
        readable: folders and files that it may read, in addition to the system's programs and
            libraries.
        writable: folders and files that it may write, in addition to its scratch folder, in which
            it starts and which is removed afterwards.
        env: environment variables in addition to PATH, LANG, HOME, TMPDIR, PWD, USER and LOGNAME.
            Nothing is inherited from the parent.
        stdin: what it reads; text is sent as UTF-8.
        profile: which system calls it may make. ``proof``: what one process needs to compute, with
            threads and files, but no other process and no socket. ``python``: more, see
            ``seccomp``.
        level: the level of isolation to use; the strongest one that works if None.
        require: the weakest level that is acceptable.

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

    Args and errors are those of ``run``. A missing program is not an error: the process
    ends at once with the status ``not started``.

    Raises:
        UserError: a path does not exist, the command is empty, ``env`` cannot be set, or the
            level does not work here.
    """
    chosen = choose(level, require)
    return start_at_level(
        chosen,
        command,
        limits=limits,
        readable=readable,
        writable=writable,
        env=env,
        profile=profile,
    )
