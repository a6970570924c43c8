"""The process of one case: it runs the program, then what the case asks of it.

A fork of the driver inside the sandbox of a program (see ``case_driver``).
"""

from __future__ import annotations

import builtins
import fcntl
import json
import os
import resource
import signal
import sys
import types

from . import case_values, preloaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_TASK, _ANSWER = 3, 4
# The program may replace what it can reach, so that a test would seem to have run.
_exec, _compile, _read, _write, _loads = exec, compile, os.read, os.write, json.loads
_isinstance = isinstance


class RunCase(BaseException):
    """Unwinds the driver in the process that becomes a case."""


class Child:
    """What the process of a case starts with.

    Args:
        program: the compiled program.
        ends: descriptors that become 0 to 4: stdin, stdout, stderr, task and answer.
        cpu_s: limit on CPU seconds.
    """

    def __init__(self, program: CodeType | None, ends: list[int], cpu_s: float) -> None:
        self.program, self.ends, self.cpu_s = program, ends, cpu_s


def run(child: Child) -> None:
    """Run a case, to the end of this process.

    The task begins with a byte: ``m``, the program is all of it; ``c``, a call, as JSON; ``t``, a
    test: a mark that shows that it was run to its end, and the source.
    """
    os.setsid()  # a signal to its group does not reach the driver
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in child.ends]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number)
    os.closerange(_ANSWER + 1, 1 << 20)
    kind = os.read(_TASK, 1)
    if not kind:
        os._exit(0)  # there are no more cases
    if kind == b"m":
        os.closerange(_TASK, _ANSWER + 1)
    seconds = int(child.cpu_s) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or seconds < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as Python does when it starts
    program = child.program
    del child
    preloaded.run_program(_execute, program, kind)


def _execute(program: CodeType, kind: bytes) -> None:
    name = "__main__" if kind == b"m" else "program"
    main = types.ModuleType(name)
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = sys.modules[name] = main
    sys.path.insert(0, "")
    sys.argv = ["program.py"]
    exec(program, main.__dict__)
    if kind != b"m":
        _do_task(kind, main.__dict__)


def _do_task(kind: bytes, names: dict[str, Any]) -> None:
    task = b""
    while chunk := _read(_TASK, 1 << 20):
        task += chunk
    if kind == b"t":
        mark, _, source = task.partition(b"\n")
        _exec(_compile(source.decode(), "test.py", "exec", dont_inherit=True), names)
        _answer(mark)
        return
    call = _loads(task)
    value = _find(call["name"], names)(*call["args"], **call["kwargs"])
    _answer(case_values.to_text(value).encode(errors="surrogatepass"))


def _find(path: str, names: dict[str, Any]) -> Any:
    """Return what a dotted name stands for; an instance is made of a class on the way."""
    first, *rest = path.split(".")
    if first not in names:
        raise NameError(f"the program defines no {first!r}")
    found = names[first]
    for name in rest:
        found = getattr(found() if _isinstance(found, type) else found, name)
    return found


def _answer(data: bytes) -> None:
    while data:
        data = data[_write(_ANSWER, data) :]
