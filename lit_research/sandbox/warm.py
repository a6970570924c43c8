"""Python programs in a process that has imported their modules already (see ``pool``).

The keeper of a pool imports the modules before it is asked for anything. What it forks for a job
becomes, after the namespaces, limits and filter of every other command, the job's Python program
itself instead of starting one. The keeper has read nothing of any job: what they share is what was
in memory before the first of them.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import os
import runpy
import signal
import sys
import threading
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PACKAGE = __name__.rpartition(".")[0]


def load(names: list[str]) -> str:
    """Import modules; return why that cannot be done, or nothing.

    Nothing that two jobs could both hold, and write to, may be left: memory that is shared (open
    descriptors are closed in each job). Nor threads, which a fork does not copy.
    """
    for name in names:
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
        places = ", ".join(place.decode(errors="replace") for place in shared)
        return f"importing {', '.join(names)} leaves memory that is shared: {places}"
    gc.collect()
    gc.freeze()  # or every collection in a job would copy what they have in common
    return ""


def become(job: dict[str, Any]) -> None:
    """Run the job's program here; returns, or raises, when it has ended.

    Args:
        job: ``command`` holds what would follow ``python`` in a command line.
    """
    os.closerange(3, 1 << 20)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)  # as Python does when it starts
    _renew({os.fsdecode(k): os.fsdecode(v) for k, v in job["env"].items()})
    sys.excepthook = _report
    kind, *words = [os.fsdecode(word) for word in job["command"]]
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    if kind == "-c":
        _start("", "-c", words[1:])
        exec(compile(words[0], "<string>", "exec"), main.__dict__)
    elif kind == "-m":
        _start(os.getcwd(), words[0], words[1:])
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        _start(os.path.dirname(os.path.realpath(kind)), kind, words)
        main.__file__ = kind
        try:
            with open(kind, "rb") as file:
                source = file.read()
        except OSError as error:
            print(f"can't open file {kind!r}: {error}", file=sys.stderr)  # noqa: T201
            sys.exit(2)
        exec(compile(source, kind, "exec"), main.__dict__)


def _start(first: str, name: str, arguments: list[str]) -> None:
    """Set what a program finds in ``sys`` when it begins."""
    given = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:0] = [first, *given]
    sys.argv = [name, *arguments]


def _renew(env: dict[str, str]) -> None:
    """Make what belonged to the keeper that of a new process."""
    gc.enable()
    os.environ.clear()
    os.environ.update(env)
    for name in [n for n in sys.modules if n == _PACKAGE or n.startswith(_PACKAGE + ".")]:
        del sys.modules[name]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        errors = "backslashreplace" if name == "stderr" else "strict"
        mode = "w" if number else "r"
        stream = os.fdopen(number, mode, encoding="utf-8", errors=errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    # ``random`` takes a new seed after a fork by itself.
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "tempfile" in sys.modules:
        vars(sys.modules["tempfile"])["tempdir"] = None


def _report(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print a traceback without the part that is ours."""
    at = trace
    while at is not None and at.tb_frame.f_code is not become.__code__:
        at = at.tb_next
    own = at.tb_next if at else trace
    sys.__excepthook__(kind, error.with_traceback(own), own)
