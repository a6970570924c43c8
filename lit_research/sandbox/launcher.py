"""The program between the parent and a command at levels ``namespaces`` and ``rlimits``.

The parent runs it with its own Python, isolated and without ``site``: it imports nothing of the
package beyond the small modules beside it. It ends the command and everything below when it gets
SIGTERM, which the kernel also sends when the parent dies, and exits as the command did: its exit
code, or 128 plus the number of the signal.
"""

from __future__ import annotations

import marshal
import os
import resource
import signal
import sys
import time

if __package__:
    from lit_research.sandbox import kernel, namespaces, tree
else:  # as the program, with the modules beside it alone
    import kernel  # type: ignore[no-redef]
    import namespaces  # type: ignore[no-redef]
    import tree  # type: ignore[no-redef]

TYPE_CHECKING = False  # importing typing would double the time that this program takes
if TYPE_CHECKING:
    from typing import Any, NoReturn

FAILED = "sandbox: cannot execute"
_SIGNALS = {signal.SIGTERM, signal.SIGCHLD}


def main() -> NoReturn:
    """Read the job from the only argument, run it, and exit as it did."""
    job: dict[str, Any] = marshal.loads(bytes.fromhex(sys.argv[1]))
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    kernel.die_with_parent(signal.SIGTERM)
    if os.getppid() != job["parent"]:
        os._exit(1)
    try:
        code = _in_namespaces(job) if job["level"] == "namespaces" else _in_session(job)
    except OSError as error:
        _fail(job, error)
    os._exit(code)


def _in_namespaces(job: dict[str, Any]) -> int:
    """Run the command below a process 1; when that ends the kernel ends all of its namespace."""
    namespaces.leave(own_user=job["uid"] is None)
    alive, held = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(held)
        _first(job, alive)
    os.write(job["report"], b'{"child-pid": %d}' % first)
    os.close(job["report"])
    while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
        pid, status = os.waitpid(first, os.WNOHANG)
        if pid:
            return _code(status)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    return 128 + signal.SIGKILL


def _first(job: dict[str, Any], alive: int) -> NoReturn:
    """Be process 1: prepare, start the command, reap what ends, and end with it."""
    try:
        os.close(job["report"])
        kernel.die_with_parent(signal.SIGKILL)
        os.set_blocking(alive, False)
        try:
            if os.read(alive, 1) == b"":  # the launcher was gone before the line above
                os._exit(1)
        except BlockingIOError:
            pass
        os.setsid()
        namespaces.enter(job["view"], job["tmpfs_bytes"])
        command = os.fork()
        if command == 0:
            _execute(job)
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        while True:
            pid, status = os.wait()
            if pid == command:
                os._exit(_code(status))
    except OSError as error:
        _fail(job, error)


def _in_session(job: dict[str, Any]) -> int:
    """Run the command in a session of its own; afterwards kill all that it left."""
    kernel.adopt_orphans()
    command = os.fork()
    if command == 0:
        kernel.die_with_parent(signal.SIGKILL)
        _execute(job)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    code = 128 + signal.SIGKILL
    while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
        ended = dict(_reap())
        if command in ended:
            code = _code(ended[command])
            break
    while True:
        tree.kill_tree(os.getpid())
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            break
        time.sleep(0.001)
    if os.getppid() != job["parent"]:  # who would have removed it
        import shutil

        shutil.rmtree(job["folder"], ignore_errors=True)
    return code


def _reap() -> list[tuple[int, int]]:
    """Return (process, status) of the children that have ended."""
    found = []
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(ended)
    except ChildProcessError:
        pass
    return found


def _execute(job: dict[str, Any]) -> NoReturn:
    """Become the command, under its limits and without privileges."""
    try:
        os.setsid()
        os.chdir(job["folder"])
        limits = dict(job["limits"])
        uid = job["uid"]
        if job["level"] == "rlimits" and uid is None:
            # The kernel counts all that the user runs, so what is there already is added.
            limits["RLIMIT_NPROC"] += sum(_threads(p, os.getuid()) for p in os.listdir("/proc"))
        elif uid is None:
            kernel.bound(None)
        else:
            _become(uid, job)
        kernel.no_new_privileges()
        for name, value in limits.items():
            _limit(getattr(resource, name), value)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        # Python ignores these two, and exec would hand that down.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.execve(job["command"][0], job["command"], os.environ)
    except OSError as error:
        _fail(job, error)


def _limit(kind: int, value: int) -> None:
    """Set a limit, or leave it where the parent's own is lower."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # The grace between the two is for SIGXCPU, which names the cause; the hard one is SIGKILL.
    above = value + 1 if kind == resource.RLIMIT_CPU else value
    resource.setrlimit(kind, (value, above if hard == resource.RLIM_INFINITY else value))


def _become(uid: int, job: dict[str, Any]) -> None:
    """Leave root for a user that nobody else is, but keep a right to pass over file modes.

    At level ``rlimits`` reading is not restricted and writing is, unless folders are to be written.
    In a namespace the mounts say what can be written; there the right to read alone must not be
    given, for it opens files by their inode, whatever the mounts show.
    """
    capability = kernel.CAP_DAC_OVERRIDE
    if job["level"] == "rlimits":
        os.chown(job["folder"], uid, uid)
        # Containers often lack the narrower capability.
        if not job["writes"] and kernel.holds(kernel.CAP_DAC_READ_SEARCH):
            capability = kernel.CAP_DAC_READ_SEARCH
    kernel.bound(capability)
    kernel.become(uid, capability)


def _threads(pid: str, uid: int) -> int:
    try:
        if pid.isdigit() and os.stat(f"/proc/{pid}").st_uid == uid:
            return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:  # it ended meanwhile
        pass
    return 0


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _fail(job: dict[str, Any], error: OSError) -> NoReturn:
    os.write(2, f"{FAILED} {job['command'][0]}: {error.strerror}\n".encode())
    os._exit(127)
