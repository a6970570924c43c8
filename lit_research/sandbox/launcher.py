"""One command: makes its namespaces, starts it, stays with it, and says how it ended.

A fork of the keeper runs this, outside the namespaces of the command, and is its parent: nobody
else knows, or can make up, how it ended. It says so on a socket to the caller that the command
never holds. It ends the command and everything below when the caller asks, closes the socket, or
dies. Imports little, because the keeper loads it.
"""

from __future__ import annotations

import _socket
import marshal
import os
import resource
import signal

from . import bubblewrap, kernel, namespaces, warden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class Warm(BaseException):
    """Leaves every frame of the launcher in the process that becomes a pool's Python program."""


def serve(keeper: int, descriptors: list[int]) -> NoReturn:
    """Run the job that the socket brings, and exit.

    Args:
        keeper: pid of the parent.
        descriptors: stdin, stdout and stderr of the command, and the socket.

    Raises:
        Warm: in the process that is to become the job's Python program.
    """
    try:
        kernel.set_dumpable(True)
        os.setsid()
        kernel.die_with_parent(signal.SIGTERM)
        if os.getppid() == keeper:
            *stdio, socket = descriptors
            _run(_socket.socket(fileno=socket), stdio)
    except Warm:
        raise
    except BaseException:
        os._exit(1)
    os._exit(0)


def _run(control: _socket.socket, stdio: list[int]) -> None:
    size = int.from_bytes(_exactly(control, 4), "little")
    job: dict[str, Any] = marshal.loads(_exactly(control, size))
    guard = warden.Warden(job, control)
    signal.signal(signal.SIGTERM, lambda *_: guard.end("killed", "its caller has ended"))
    try:
        kernel.leave_keyring()
        guard.count_in(job["cgroup"])
        space = _make(job)
        command, report, clock, go = _start(job, stdio, space)
    except OSError as error:
        guard.refuse(f"the system does not start it: {error.strerror or error}")
        return
    for descriptor in stdio:
        os.close(descriptor)
    if space.first is None:
        kernel.set_dumpable(False)
    guard.watch(space, command, report, clock, go)


def _exactly(control: _socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = control.recv(size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data


def _make(job: dict[str, Any]) -> warden.Space:
    """Make the namespaces; this process is then in all of them but that of the file system.

    Its own process namespace stays too: only its children are in the new one.
    """
    level = job["level"]
    if level == "rlimits":
        kernel.adopt_orphans()
        return warden.Space()
    own_user = job["uid"] is None
    if level == "namespaces":
        first = helper = namespaces.make(job["view"], job["tmpfs_bytes"], own_user)
    else:
        helper, first = bubblewrap.make(job)
    try:
        handle = os.pidfd_open(first)
    except ProcessLookupError:
        raise OSError(0, "process 1 of its namespaces was killed") from None
    if level == "bubblewrap":
        flags = kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
        flags |= kernel.CLONE_NEWPID | (kernel.CLONE_NEWUSER if own_user else 0)
        kernel.enter(handle, flags)
    return warden.Space(first, handle, helper, ours=2 if level == "bubblewrap" else 1)


def _start(
    job: dict[str, Any], stdio: list[int], space: warden.Space
) -> tuple[int, int, int | None, int]:
    """Fork the process that becomes the command, and let it go once it is counted.

    Returns:
        Its pid; the pipe on which it says why it could not become the command; the descriptor of
        its processor time; the pipe that lets it go.
    """
    wait, go = os.pipe()
    report, its_report = os.pipe()
    launcher = os.getpid()
    command = os.fork()
    if command == 0:
        try:
            os.close(go)
            _become_command(job, stdio, space, wait, launcher)
        except Warm:
            raise
        except BaseException as error:
            if isinstance(error, OSError):
                os.write(its_report, os.strerror(error.errno or 0).encode())
            os._exit(127)
    os.close(wait)
    os.close(its_report)
    return command, report, kernel.task_clock(command), go


def _become_command(
    job: dict[str, Any], stdio: list[int], space: warden.Space, wait: int, launcher: int
) -> None:
    """Become the command, in its namespaces, under its limits and without privileges.

    Raises:
        Warm: it is a Python program to be run here.
        OSError: it cannot be started.
    """
    if os.read(wait, 1) != b"g":
        os._exit(127)
    os.setsid()
    for number, descriptor in enumerate(stdio):
        os.dup2(descriptor, number)
    if space.handle is not None:
        kernel.enter(space.handle, kernel.CLONE_NEWNS)
    os.chdir(job["folder"])
    limits = dict(job["limits"])
    uid = job["uid"]
    if uid is not None:
        _become(uid, job)
    elif job["level"] == "rlimits":
        # The kernel counts all that the user runs, so what is there already is added.
        limits["RLIMIT_NPROC"] += sum(_threads(p, os.getuid()) for p in os.listdir("/proc"))
    else:
        kernel.bound(None)
    kernel.die_with_parent(signal.SIGKILL)  # after the change of user, which forgets it
    if space.first is None and os.getppid() != launcher:
        os._exit(127)
    for name, value in limits.items():
        _limit(getattr(resource, name), value)
    # Python ignores these two, and exec would hand that down.
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    kernel.no_new_privileges()
    if job["warm"]:
        if uid is None:
            kernel.drop_capabilities()
        kernel.set_dumpable(True)  # or what /proc shows of it would be root's
    kernel.filter_calls(job["filter"])
    if job["warm"]:
        raise Warm(job)
    os.execve(job["command"][0], job["command"], job["env"])


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
