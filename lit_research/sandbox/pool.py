"""Many Python programs, each in a sandbox of its own, without importing large modules each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from lit_research.errors import UserError
from lit_research.sandbox import views
from lit_research.sandbox.choice import choose
from lit_research.sandbox.fork_server_client import ForkServer
from lit_research.sandbox.records import Level, Limits, Profile, Result
from lit_research.sandbox.sandboxed import Sandboxed
from lit_research.sandbox.start_at_level import start_at_level

# What modules put in the user's folder when they are imported must not be left: this is no folder.
_NO_HOME = "/dev/null"


class Pool:
    """Starts Python programs from a process that has imported ``preload``; a context manager.

    Each job runs in a new sandbox, as with ``run``: it has its own namespaces, scratch folder,
    limits and filter, and no earlier job can have touched them. The process that jobs are forked
    from runs outside the sandbox, as the caller, and reads nothing but the modules, which come only
    from the installed packages of this Python. Jobs share their memory layout (addresses, and the
    seed of ``hash``) with this process, so an attack that depends on addresses need not guess them.

    Any thread may start jobs, and any number of jobs may run at once.

    Args:
        preload: modules to import, as ``torch``. One that leaves a thread running or shares memory
            is refused.
        env: environment variables, of the import and of each job. What a module reads when it is
            imported, such as OMP_NUM_THREADS, must be given here. There is no HOME during imports.
            Of Python's own variables only PYTHONPATH is supported, and only for jobs.
        readable: folders and files that each job may read, in addition to the installed packages.
        limits: what each job may use, unless ``run`` or ``start`` gives other limits. Memory that
            a job shares with the others counts for it.
        profile: which system calls jobs may make, as for ``run``.
        level: the level of isolation to use; the strongest one that works if None.
        require: the weakest level that is acceptable.

    Raises:
        UserError: a module cannot be preloaded, or the level does not work here.
    """

    def __init__(
        self,
        preload: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        readable: Sequence[Path] = (),
        limits: Limits = Limits(),  # noqa: B008  (frozen)
        profile: Profile = "python",
        level: Level | None = None,
        require: Level | None = None,
    ) -> None:
        if isinstance(preload, str) or not preload:
            raise UserError(
                f"preload={preload!r} is not a list of modules, in a Pool of the sandbox; must "
                "hold those that jobs import, as ['torch'] (or use run)"
            )
        self.isolation = choose(level, require)
        self._readable = (*views.python_paths(), *readable)
        self._limits, self._profile = limits, profile
        self._env = _checked(env)
        views.check(["python"], self._readable, (), self._env)
        at_import = {**views.environment(self._env, "/tmp"), "HOME": _NO_HOME}
        self._fork_server = ForkServer(tuple(preload), at_import)
        self._fork_server.open()

    def run(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes | str = b"",
        limits: Limits | None = None,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a Python program to its end; whatever it does is returned, not raised.

        Args:
            arguments: what would follow ``python``: a script and its arguments, or ``-c`` and code,
                or ``-m`` and a module. Options of Python itself are not understood.
            stdin: what it reads; text is sent as UTF-8.
            limits: what it may use; those of the pool if None.
            readable: folders and files that it may read, in addition to those of the pool.
            writable: folders and files that it may write, in addition to its scratch folder.
            env: environment variables, in addition to those of the pool, which they override.

        Raises:
            UserError: a path does not exist, there is nothing to run, ``env`` cannot be set, or the
                pool was closed.
        """
        with self.start(
            arguments, limits=limits, readable=readable, writable=writable, env=env
        ) as process:
            process.write(stdin)
            return process.wait()

    def start(
        self,
        arguments: Sequence[str],
        *,
        limits: Limits | None = None,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> Sandboxed:
        """Start a Python program and return at once; use it as a context manager.

        Args and errors are those of ``run``.

        Raises:
            UserError: a path does not exist, there is nothing to run, ``env`` cannot be set, or the
                pool was closed.
        """
        if arguments and arguments[0].startswith("-") and arguments[0] not in ("-c", "-m"):
            raise UserError(
                f"arguments={list(arguments)!r} begin with an option of Python, in a Pool of the "
                "sandbox; must begin with a script, or '-c' and code, or '-m' and a module"
            )
        if arguments and arguments[0] in ("-c", "-m") and len(arguments) < 2:
            raise UserError(
                f"arguments={list(arguments)!r} lack what to run, in a Pool of the sandbox; give "
                "code after '-c', or a module after '-m'"
            )
        return start_at_level(
            self.isolation,
            arguments,
            limits=limits or self._limits,
            readable=(*self._readable, *readable),
            writable=writable,
            env={**self._env, **_checked(env)},
            profile=self._profile,
            pool=self._fork_server,
        )

    def close(self) -> None:
        """End the process that jobs are forked from, and with it the jobs still running."""
        self._fork_server.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _checked(env: Mapping[str, str] | None) -> dict[str, str]:
    """Refuse variables that Python reads when it starts, which is before any job."""
    variables = dict(env or {})
    if late := sorted(n for n in variables if n.startswith("PYTHON") and n != "PYTHONPATH"):
        raise UserError(
            f"env holds {', '.join(late)}, in a Pool of the sandbox, whose jobs are forked from a "
            "Python that has already started; use run instead, or leave it out"
        )
    return variables
