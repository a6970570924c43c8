"""Run Python programs in a process that has already imported their modules (see ``pool``).

The fork server of a pool imports the modules before it serves any request. A process that it forks
for a job gets the namespaces, limits and filter of every other command, and then runs the job's
Python program itself instead of starting one. The fork server reads nothing of any job: jobs share
only what was in memory before the first of them.
"""

from __future__ import annotations

import _io
import atexit
import builtins
import ctypes
import gc
import importlib
import os
import signal
import sys
import threading
import types
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_libc = ctypes.CDLL(None)
_FOLDER = os.path.dirname(__file__)
_PACKAGE = __name__.rpartition(".")[0]


def preload(names: list[str]) -> str:
    """Import modules; return why they cannot be preloaded, or an empty string.

    Shared memory, which two jobs could both write to, must not be left (open descriptors are closed
    in each job); nor may threads, which a fork does not copy.
    """
    for name in ("runpy", *names):  # the former for jobs with -m
        try:
            importlib.import_module(name)
        except BaseException as error:
            return f"importing {name!r} failed: {type(error).__name__}: {error}"
    if threading.active_count() > 1:
        running = [thread.name for thread in threading.enumerate()[1:]]
        return f"importing {', '.join(names)} leaves the threads {running} running"
    with open("/proc/self/maps", "rb") as file:
        shared = [row.split()[-1] for row in file if row.split()[1] == b"rw-s"]
    if shared:
        mappings = ", ".join(path.decode(errors="replace") for path in shared)
        return f"importing {', '.join(names)} leaves memory that is shared: {mappings}"
    gc.collect()
    gc.freeze()  # or every collection in a job would copy what they share
    return ""


def run_job(job: dict[str, Any]) -> None:
    """Run the job's program here, to the end of this process.

    Args:
        job: ``command`` holds what would follow ``python`` in a command line.
    """
    os.closerange(3, 1 << 20)
    env = {os.fsdecode(k): os.fsdecode(v) for k, v in job["env"].items()}
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)  # as Python does when it starts
    reset_process(env)
    run_program(_execute, [os.fsdecode(word) for word in job["command"]])


def run_program(execute: Callable[..., None], *arguments: Any) -> None:
    """Run a program here as a new Python would, to the end of this process.

    Args:
        execute: runs it; a function of a module next to this one.
        arguments: of ``execute``.
    """
    loaded = set(sys.modules)
    # ``random`` takes a new seed after a fork by itself.
    if "numpy.random" in loaded:
        sys.modules["numpy.random"].seed()
    code = 0
    try:
        execute(*arguments)
    except SystemExit as end:
        code = _exit_code(end.code)
    except Exception as error:
        trace = error.__traceback__
        while trace and os.path.dirname(trace.tb_frame.f_code.co_filename) == _FOLDER:
            trace = trace.tb_next  # without our own frames
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        code = 1
    _end(code, loaded)


def _exit_code(status: Any) -> int:
    if status is None or isinstance(status, int):
        return int(status or 0) & 0xFF
    print(status, file=sys.stderr)  # noqa: T201
    return 1


def _end(code: int, loaded: set[str]) -> None:
    """Exit as Python does, but skip tearing down the modules of the pool, which takes seconds.

    Args:
        code: exit code.
        loaded: modules that were there before the program.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    if threading.active_count() > 1:
        sys.exit(code)  # daemon threads must not see the teardown: Python stops them
    atexit._run_exitfuncs()
    for name in [n for n in sys.modules if n not in loaded or n == "__main__"]:
        del sys.modules[name]
    gc.collect()  # what only the program held: its destructors run, its files are written
    streams = [found for found in gc.get_objects() if issubclass(type(found), _io._IOBase)]
    # Text first, since it is flushed to the others.
    for stream in sorted(streams, key=lambda found: not issubclass(type(found), _io._TextIOBase)):
        with suppress(OSError, ValueError):
            stream.flush()
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            print(f"stdout could not be written: {error}", file=sys.stderr)  # noqa: T201
        code = 120
    _libc.fflush(None)
    os._exit(code)


def _execute(command: list[str]) -> None:
    script, *arguments = command
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    if script == "-c":
        _start("", "-c", arguments[1:])
        exec(compile(arguments[0], "<string>", "exec"), main.__dict__)
    elif script == "-m":
        _start(os.getcwd(), arguments[0], arguments[1:])
        import runpy

        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        _start(os.path.dirname(os.path.realpath(script)), script, arguments)
        main.__file__ = script
        try:
            with open(script, "rb") as file:
                source = file.read()
        except OSError as error:
            print(f"can't open file {script!r}: {error}", file=sys.stderr)  # noqa: T201
            sys.exit(2)
        exec(compile(source, script, "exec"), main.__dict__)


def _start(first: str, name: str, arguments: list[str]) -> None:
    """Set ``sys.path`` and ``sys.argv`` as a program expects them when it starts."""
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = [first, *paths]
    sys.argv = [name, *arguments]


def reset_process(env: dict[str, str]) -> None:
    """Replace the state of this process, which has served others, with that of a new one.

    Args:
        env: all environment variables.
    """
    gc.enable()
    os.environ.clear()
    os.environ.update(env)
    for name in [n for n in sys.modules if n == _PACKAGE or n.startswith(_PACKAGE + ".")]:
        del sys.modules[name]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        errors = "backslashreplace" if name == "stderr" else "strict"
        mode = "w" if number else "r"
        by_line = 1 if name == "stderr" else -1
        stream = os.fdopen(number, mode, by_line, "utf-8", errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if "tempfile" in sys.modules:
        vars(sys.modules["tempfile"])["tempdir"] = None
