"""Run the cases of one program inside its sandbox: one fork of a warm interpreter for each case.

The driver compiles the program once and never runs any of it. A fork is made before its case is
known, so that it holds no other case; it holds none of the driver's descriptors and cannot read or
write the driver's memory. What the driver reports is how a case ended and what it wrote: whether
that is right is judged outside, and the expected texts never come here.

Requests are lines on stdin and reports lines on stdout, both JSON; bytes are base64.
"""

from __future__ import annotations

import binascii
import builtins
import gc
import importlib
import json
import os
import signal
import site
import sys

from . import case_child, case_folders, case_watch, kernel, preloaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, NoReturn

# Imported here if the program uses their names: of the standard library, what has no effect but to
# define things.
_WARM = """
abc array bisect calendar cmath collections contextlib copy dataclasses datetime decimal enum
fractions functools heapq io itertools json math numbers operator queue random re statistics string
struct textwrap time typing
"""


def main(_: list[str]) -> None:
    """Serve the socket that is stdin until it closes; run a case in the fork for it."""
    try:
        _serve()
    except case_child.RunCase as reached:
        child = reached.args[0]
    # Outside the except block, so that what it held is released, and no error has it as cause.
    case_child.run(child)


def _serve() -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # who sends a signal ends the driver by that signal
    kernel.set_dumpable(False)
    kernel.adopt_orphans()
    requests = _Requests()
    setup = requests.next()
    program, error = _prepare(setup)
    folders = case_folders.Folders([os.getcwd(), *setup["folders"]])
    _report({"error": error})
    gc.collect()
    gc.freeze()  # or every collection in a case would copy what they share
    preloaded.reset_process(dict(os.environ))  # once for all cases
    while True:
        fork = case_watch.fork(program, setup["cpu_s"])
        request = requests.next()
        report = case_watch.watch(fork, request, setup)
        report["clean"] = folders.clean()
        _report(report)


class _Requests:
    """Reads the lines of stdin, and waits for no more than the next one."""

    def __init__(self) -> None:
        self._data = b""

    def next(self) -> dict[str, Any]:
        """Return the next request; exit when there are no more."""
        chunks = [self._data]
        while b"\n" not in chunks[-1]:
            chunk = os.read(0, 1 << 20)
            if not chunk:
                os._exit(0)
            chunks.append(chunk)
        line, self._data = b"".join(chunks).split(b"\n", 1)
        request: dict[str, Any] = json.loads(line)
        return request


def _report(report: dict[str, Any]) -> None:
    for name, value in report.items():
        if isinstance(value, bytes | bytearray):
            report[name] = binascii.b2a_base64(value, newline=False).decode()
    data = memoryview(json.dumps(report).encode() + b"\n")
    while data:
        data = data[os.write(1, data) :]


def _prepare(setup: dict[str, Any]) -> tuple[CodeType | None, str]:
    """Import what is asked for and compile the program; return it, or why that failed."""
    if not hasattr(builtins, "exit"):
        # Python was started without site, which runs code of installed packages (``.pth`` files).
        sys.path += setup["paths"]
        site.setquit()
        site.setcopyright()
        site.sethelper()
    for name in setup["preload"]:
        try:
            importlib.import_module(name)
        except BaseException as error:
            return None, f"preload: importing {name!r} failed: {type(error).__name__}: {error}"
    try:
        source = binascii.a2b_base64(setup["code"]).decode(errors="surrogatepass")
        program = compile(source, "program.py", "exec", dont_inherit=True)
    except Exception as error:  # SyntaxError, ValueError, RecursionError, MemoryError
        return None, f"{type(error).__name__}: {error}"
    for name in _names(program) & set(_WARM.split()) - set(sys.modules):
        importlib.import_module(name)
    return program, ""


def _names(code: CodeType) -> set[str]:
    """Return the names that a program uses, those of the modules that it imports among them."""
    found, todo = set(code.co_names), list(code.co_consts)
    for constant in todo:  # grows
        if isinstance(constant, type(code)):
            found.update(constant.co_names)
            todo += constant.co_consts
    return found
