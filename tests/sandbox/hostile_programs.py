"""Programs that attack their judge, their sandbox or the machine, and what is to become of each.

Each attacks in its first case only and answers the second one rightly, unless something was left.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

from lit_research.sandbox import Case, FunctionCase, Limits, StdinCase, UnitTest

SECRET = "the-text-that-is-expected"
_LIMITS: dict[str, Any] = {
    "wall_s": 20,
    "cpu_s": 8,
    "memory_mib": 160,
    "processes": 16,
    "output_kib": 256,
    "file_kib": 4096,
    "inodes": 2000,
}


@dataclass(frozen=True)
class Hostile:
    """A program and the reasons for which its first case may fail.

    Args:
        attack: what it does in its first case.
        reasons: why that case fails, at every level.
        weakest: the same at level ``rlimits``, where it is another.
        kind: of its cases: ``stdin``, ``call`` or ``test``.
        limits: that are not those of the others.
    """

    attack: str
    reasons: str
    weakest: str = ""
    kind: str = "stdin"
    limits: dict[str, Any] = field(default_factory=dict)

    def expected(self, level: str) -> list[str]:
        """Return the reasons that are right at a level."""
        chosen = self.weakest if level == "rlimits" and self.weakest else self.reasons
        return chosen.split(", ")

    def all_limits(self) -> Limits:
        """Return its limits."""
        return Limits(**{**_LIMITS, **self.limits})

    def code(self) -> str:
        """Return the program."""
        attack = textwrap.dedent(self.attack).strip()
        if self.kind == "stdin":
            body = textwrap.indent(attack, "    ")
            return f"line = input()\nif line == 'attack':\n{body}\nelse:\n    print(line)\n"
        return f"import os\n{attack}\n"

    def cases(self) -> list[Case]:
        """Return the case that it attacks, and for programs on stdin one that it does not."""
        if self.kind == "stdin":
            return [StdinCase("attack\n", SECRET), StdinCase("next\n", "next")]
        if self.kind == "call":
            return [FunctionCase("f", [20], 42)]
        return [UnitTest("assert f(20) == 42")]


def _stdin(attack: str, reasons: str, weakest: str = "", **limits: Any) -> Hostile:
    return Hostile(attack, reasons, weakest, limits=limits)


def _call(attack: str, reasons: str = "wrong value") -> Hostile:
    return Hostile(attack, reasons, kind="call")


def _test(attack: str, reasons: str) -> Hostile:
    return Hostile(attack, reasons, kind="test")


PROGRAMS = {
    # Looking for what is expected.
    "reads the files of the cases": _stdin(
        """
        import os, sys
        found, python = "", {sys.prefix, sys.base_prefix, sys.exec_prefix}
        is_private = os.getcwd() == "/run/scratch"
        for top in (".", *(["/tmp", "/run", "/dev/shm"] if is_private else [])):
            for folder, folders, names in os.walk(top):
                folders[:] = [n for n in folders if os.path.join(folder, n) not in python]
                for name in names:
                    try: found += open(os.path.join(folder, name), errors="replace").read(10**6)
                    except OSError: pass
        print("the-text-that-is-" + "expected" if "the-text-that-is-" + "expected" in found else "")
        """,
        "wrong output",
    ),
    "reads what /proc shows": _stdin(
        """
        import glob
        for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
            try: text = open(path, errors="replace").read()
            except OSError: continue
            at = text.find("the-text-that-is-")
            if at >= 0: print(text[at:at + 25])
        """,
        "wrong output",
    ),
    "searches its own memory": _stdin(
        """
        import gc, sys
        frame, seen = sys._getframe(), []
        while frame: seen.append(str(frame.f_locals)); frame = frame.f_back
        seen += [text for text in gc.get_objects() if isinstance(text, (str, bytes))]
        for text in map(str, seen):
            at = text.find("the-text-" + "that-is-e")
            if at >= 0: print(text[at:at + 25])
        """,
        "wrong output",
    ),
    "reads the memory of the driver": _stdin(
        "import os; print(open(f'/proc/{os.getppid()}/mem', 'rb').read(1))", "exception"
    ),
    "writes to the memory of the driver": _stdin(
        "import os; open(f'/proc/{os.getppid()}/mem', 'r+b').write(b'x')", "exception"
    ),
    "forges a report of the driver": _stdin(
        """
        import os
        report = b'{"status": "", "code": 0, "stdout": "", "stderr": "", "answer": ""}\\n'
        open(f"/proc/{os.getppid()}/fd/1", "wb").write(report)
        """,
        "exception",
    ),
    "takes a descriptor of the driver": _stdin(
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        taken = libc.syscall(438, os.pidfd_open(os.getppid()), 1, 0)
        raise SystemExit(-taken + 1)
        """,
        "exit",
    ),
    "traces the driver": _stdin(
        "import ctypes, os; raise SystemExit(1 - ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0))",
        "exit",
    ),
    "writes to descriptors that are not its own": _stdin(
        """
        import os
        for number in range(3, 64):
            try: os.write(number, b"x"); print("written", number)
            except OSError: pass
        """,
        "wrong output",
    ),
    "opens a connection": _stdin(
        "import socket; socket.create_connection(('10.0.0.1', 80), 1)", "exception"
    ),
    # Forging a verdict.
    "patches what the judge may use": _call(
        """
        import builtins, json
        builtins.open = builtins.exec = builtins.compile = lambda *_, **__: None
        json.loads = lambda *_, **__: {"name": "g", "args": [], "kwargs": {}}
        os.read = lambda *_: b""
        def g(): return 42
        def f(x): return x
        """
    ),
    "returns what is equal to everything": _call(
        """
        class Equal(int):
            def __eq__(self, other): return True
            def __repr__(self): return "42"
            __str__ = __repr__
            __hash__ = int.__hash__
        def f(x): return Equal(x)
        """
    ),
    "returns an object with the wanted repr": _call(
        """
        class Thing:
            def __repr__(self): return "42"
        def f(x): return Thing()
        """
    ),
    "answers with no JSON": _call("def f(x): os.write(4, b'{'); return 42"),
    "answers twice": _call("def f(x): os.write(4, b'4'); os.write(4, b'2 '); return 42"),
    "answers with brackets without end": _call(
        "def f(x): os.write(4, b'[' * 100_000); os._exit(0)"
    ),
    "answers with more than it may": _call(
        "def f(x):\n    while True: os.write(4, b'4' * 65536)", "output"
    ),
    "ends before its function is called": _call("import sys; sys.exit(0)", "unfinished"),
    "exits with success before its test": _test("import sys; sys.exit(0)", "unfinished"),
    "exits with success in its test": _test("def f(x): os._exit(0)", "unfinished"),
    "raises SystemExit in its test": _test("def f(x): raise SystemExit(0)", "unfinished"),
    "ends in a thread": _test(
        """
        import threading, time
        def end(): time.sleep(0.1); os._exit(0)
        threading.Thread(target=end, daemon=True).start()
        def f(x): time.sleep(9)
        """,
        "unfinished",
    ),
    "hides that its test failed, by a hook": _test(
        "import sys; sys.excepthook = lambda *_: os._exit(0)\ndef f(x): return 0", "unfinished"
    ),
    "hides that its test failed, at exit": _test(
        "import atexit; atexit.register(os._exit, 0)\ndef f(x): return 0", "unfinished"
    ),
    "patches how tests are run": _test(
        """
        import builtins
        builtins.exec = builtins.compile = lambda *_, **__: None
        builtins.AssertionError = type("Nothing", (BaseException,), {})
        def f(x): return 0
        """,
        "exception",
    ),
    # Acting on later cases.
    "leaves files for the next case": _stdin(
        """
        import os
        is_private = os.getcwd() == "/run/scratch"
        for place in (".", *(["/tmp", "/dev/shm"] if is_private else [])):
            try: os.makedirs(place + "/left/deep"); open(place + "/left/deep/f", "w").write("x")
            except OSError: pass
        """,
        "wrong output",
    ),
    "leaves links that lead out": _stdin(
        """
        import os
        for name, target in (("usr", "/usr"), ("up", ".."), ("self", "."), ("none", "/nowhere")):
            os.symlink(target, name)
        """,
        "wrong output",
    ),
    "takes its folder away": _stdin(
        "import os; os.rmdir(os.getcwd())", "exception", "exception, wrong output"
    ),
    "forks and lives on": _stdin(
        """
        import os, time
        if os.fork() == 0:
            time.sleep(0.3); print("late"); time.sleep(60)
        os._exit(0)
        """,
        "wrong output",
    ),
    "leaves a daemon that computes": _stdin(
        """
        import os, signal
        for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in range(3): os.close(number)
                while True: pass
            os._exit(0)
        os.wait()
        """,
        "wrong output",
    ),
    "kills the driver": _stdin("import os; os.kill(os.getppid(), 9)", "killed"),
    "interrupts the driver": _stdin("import os; os.kill(os.getppid(), 2)", "killed"),
    "stops the driver": _stdin(
        "import os, time; os.kill(os.getppid(), 19); time.sleep(60)", "timeout", wall_s=0.5
    ),
    "kills all that it can": _stdin("import os; os.kill(-1, 9)", "killed"),
    "slows the driver down": _stdin(
        """
        import os
        os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)
        os.sched_setaffinity(os.getppid(), [min(os.sched_getaffinity(0))])
        """,
        "wrong output",
    ),
    # Using up the machine.
    "makes files without end": _stdin(
        "for n in range(4000): open(str(n), 'w').close()", "exception", "wrong output"
    ),
    "makes links without end": _stdin(
        """
        import os
        for n in range(4000 if os.getcwd() == "/run/scratch" else 40): os.symlink("x", str(n))
        """,
        "exception",
        "wrong output",
    ),
    "makes a sparse file": _stdin("open('x', 'wb').truncate(10**13)", "exception"),
    "fills a file": _stdin(
        "with open('x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))", "exception"
    ),
    "fills its folder": _stdin(
        """
        for n in range(60):
            with open(str(n), "wb") as f: f.write(bytes(4000 << 10))
        """,
        "memory, exception",
        "wrong output",
    ),
    "makes folders deeper and deeper": _stdin(
        "import os\nfor n in range(1500): os.mkdir('d' * 50); os.chdir('d' * 50)", "wrong output"
    ),
    "prints a line of 1 GB": _stdin("print('x' * 10**9)", "memory"),
    "prints without a line end": _stdin(
        "import sys\nwhile True: sys.stdout.write('x' * 65536)", "output"
    ),
    "writes to stderr without end": _stdin(
        "import os\nwhile True: os.write(2, b'x' * 65536)", "output"
    ),
    "opens pipes without end": _stdin(
        "import os\nwhile True: os.pipe()", "exception"
    ),
    "forks without end": _stdin(
        """
        import os
        while True:
            try: os.fork()
            except OSError: pass
        """,
        "timeout, killed, cpu",
        wall_s=1,
    ),
    "starts threads without end": _stdin(
        """
        import threading, time
        while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        """,
        "exception, killed",
    ),
    "takes memory in its children": _stdin(
        """
        import os, time
        for _ in range(4):
            if os.fork() == 0: break
        keep = bytearray(b"x" * (50 << 20)); time.sleep(60)
        """,
        "memory",
    ),
    "recurses": _stdin("def f(): f()\nf()", "exception"),
    "recurses without a limit": _stdin(
        "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", "memory"
    ),
    "overflows the stack of C": _stdin(
        """
        import sys
        sys.setrecursionlimit(10**9)
        keep = ()
        for _ in range(10**6): keep = (keep,)
        hash(keep)
        """,
        "killed",
    ),
    "computes a number of a billion digits": _stdin(
        "x = 10 ** 10 ** 9", "cpu, memory", cpu_s=0.5
    ),
    "computes without end, whatever the signal": _stdin(
        """
        import signal
        for number in range(1, 32):
            try: signal.signal(number, signal.SIG_IGN)
            except OSError: pass
        while True: pass
        """,
        "cpu",
        cpu_s=0.3,
    ),
    "waits without end": _stdin(
        "import threading; threading.Event().wait()", "timeout", wall_s=0.5
    ),
    "stops itself": _stdin("import os; os.kill(os.getpid(), 19)", "timeout", wall_s=0.5),
    # Breaking its own process.
    "crashes in C": _stdin("import ctypes; ctypes.string_at(0)", "killed"),
    "aborts": _stdin("import os; os.abort()", "killed"),
    "ends in a thread, on stdin": _stdin(
        "import os, threading; threading.Thread(target=os._exit, args=(0,)).start()", "wrong output"
    ),
    "closes all descriptors": _stdin("import os; os.closerange(0, 64)\nprint(1)", "exit"),
    "raises what is no exception": _stdin(
        "class Odd(BaseException): pass\nraise Odd", "exception"
    ),
    "is replaced by another program": _stdin(
        "import os; os.execv('/bin/echo', ['/bin/echo', 'other'])", "wrong output"
    ),
}  # fmt: skip
