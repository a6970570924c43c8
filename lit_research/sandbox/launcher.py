"""Launch one command: make its namespaces, start it, supervise it, and report how it ended.

A fork of the fork server runs this, outside the namespaces of the command, and is its parent, so
that only it knows how the command ended and the command cannot forge that. It reports on a socket
to the caller that the command never holds. It kills the command and its descendants when the caller
asks, closes the socket, or dies. Imports little, because the fork server loads it.
"""

from __future__ import annotations

import _socket
import marshal
import os
import resource
import signal

from . import bubblewrap, kernel, namespaces, supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class RunPreloaded(BaseException):
    """Unwinds the launcher in the process that becomes a job of a pool (see ``preloaded``)."""


def serve(server: int, descriptors: list[int]) -> NoReturn:
    """Run the job that the socket brings, and exit.

    Args:
        server: pid of the parent, the fork server.
        descriptors: stdin, stdout and stderr of the command, and the socket.

    Raises:
        RunPreloaded: in the process that is to become the job's Python program.
    """
    try:
        kernel.set_dumpable(True)
        os.setsid()
        kernel.die_with_parent(signal.SIGTERM)
        if os.getppid() == server:
            *stdio, socket = descriptors
            _run(_socket.socket(fileno=socket), stdio)
    except RunPreloaded:
        raise
    except BaseException:
        os._exit(1)
    os._exit(0)


def _run(control: _socket.socket, stdio: list[int]) -> None:
    size = int.from_bytes(_receive_exactly(control, 4), "little")
    job: dict[str, Any] = marshal.loads(_receive_exactly(control, size))
    command_supervisor = supervisor.Supervisor(job, control)
    signal.signal(
        signal.SIGTERM, lambda *_: command_supervisor.end("killed", "its caller has ended")
    )
    try:
        kernel.leave_keyring()
        command_supervisor.count_in(job["cgroup"])
        spaces = _make(job)
        command, report, clock, go = _start(job, stdio, spaces)
    except OSError as error:
        command_supervisor.refuse(f"the system does not start it: {error.strerror or error}")
        return
    for descriptor in stdio:
        os.close(descriptor)
    if spaces.first is None:
        kernel.set_dumpable(False)
    command_supervisor.watch(spaces, command, report, clock, go)


def _receive_exactly(control: _socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = control.recv(size - len(data))
        if not chunk:
            os._exit(0)
        data += chunk
    return data


def _make(job: dict[str, Any]) -> supervisor.Namespaces:
    """Make the namespaces; this process is then in all of them but that of the file system.

    Its own process namespace stays too: only its children are in the new one.
    """
    level = job["level"]
    if level == "rlimits":
        kernel.adopt_orphans()
        return supervisor.Namespaces()
    new_user = job["uid"] is None
    if level == "namespaces":
        first = helper = namespaces.make(job["view"], job["tmpfs_bytes"], new_user)
    else:
        helper, first = bubblewrap.make(job)
    try:
        handle = os.pidfd_open(first)
    except ProcessLookupError:
        raise OSError(0, "process 1 of its namespaces was killed") from None
    if level == "bubblewrap":
        flags = kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
        flags |= kernel.CLONE_NEWPID | (kernel.CLONE_NEWUSER if new_user else 0)
        kernel.enter(handle, flags)
    return supervisor.Namespaces(first, handle, helper, ours=2 if level == "bubblewrap" else 1)


def _start(
    job: dict[str, Any], stdio: list[int], spaces: supervisor.Namespaces
) -> tuple[int, int, int | None, int]:
    """Fork the process that becomes the command, and let it go once it is counted.

    Returns:
        Its pid; the pipe on which it reports why it could not become the command; the descriptor
        of its CPU time; the pipe that lets it go.
    """
    wait, go = os.pipe()
    report, its_report = os.pipe()
    launcher = os.getpid()
    command = os.fork()
    if command == 0:
        try:
            os.close(go)
            _become_command(job, stdio, spaces, wait, launcher)
        except RunPreloaded:
            raise
        except BaseException as error:
            if isinstance(error, OSError):
                os.write(its_report, os.strerror(error.errno or 0).encode())
            os._exit(127)
    os.close(wait)
    os.close(its_report)
    return command, report, kernel.task_clock(command), go


def _become_command(
    job: dict[str, Any], stdio: list[int], spaces: supervisor.Namespaces, wait: int, launcher: int
) -> None:
    """Become the command, in its namespaces, under its limits and without privileges.

    Raises:
        RunPreloaded: it is a Python program to be run here.
        OSError: it cannot be started.
    """
    if os.read(wait, 1) != b"g":
        os._exit(127)
    os.setsid()
    for number, descriptor in enumerate(stdio):
        os.dup2(descriptor, number)
    if spaces.handle is not None:
        kernel.enter(spaces.handle, kernel.CLONE_NEWNS)
        for kind, _, target in job["view"]:  # bwrap has no option for it
            if kind == "tmpfs" and ("seal", "", target) not in job["view"]:
                kernel.limit_inodes(target, job["bounds"]["inodes"])
    os.chdir(job["folder"])
    limits = dict(job["limits"])
    uid = job["uid"]
    if uid is not None:
        _become(uid, job)
    elif job["level"] == "rlimits":
        # The kernel counts all that the user runs, so what is there already is added.
        limits["RLIMIT_NPROC"] += sum(_threads(p, os.getuid()) for p in os.listdir("/proc"))
    else:
        kernel.limit_capabilities(None)
    kernel.die_with_parent(signal.SIGKILL)  # after the change of user, which forgets it
    if spaces.first is None and os.getppid() != launcher:
        os._exit(127)
    for name, value in limits.items():
        _limit(getattr(resource, name), value)
    # Python ignores these two, and exec would hand that down.
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    kernel.no_new_privileges()
    if job["preloaded"]:
        if uid is None:
            kernel.drop_capabilities()
        kernel.set_dumpable(True)  # or what /proc shows of it would be root's
    kernel.filter_calls(job["filter"])
    if job["preloaded"]:
        raise RunPreloaded(job)
    os.execve(job["command"][0], job["command"], job["env"])


def _limit(resource_id: int, value: int) -> None:
    """Set a limit, or leave it where the parent's own is lower."""
    hard = resource.getrlimit(resource_id)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # The grace between the two is for SIGXCPU, which names the cause; the hard one is SIGKILL.
    hard_value = value + 1 if resource_id == resource.RLIMIT_CPU else value
    resource.setrlimit(
        resource_id, (value, hard_value if hard == resource.RLIM_INFINITY else value)
    )


def _become(uid: int, job: dict[str, Any]) -> None:
    """Switch from root to an otherwise unused user, but keep the right to bypass file permissions.

    At level ``rlimits`` reading is not restricted and writing is, unless folders are to be written.
    In a namespace the mounts decide what can be written; there CAP_DAC_READ_SEARCH must not be
    given, since it opens files by their inode, whatever the mounts show.
    """
    capability = kernel.CAP_DAC_OVERRIDE
    if job["level"] == "rlimits":
        os.chown(job["folder"], uid, uid)
        # Containers often lack the narrower capability.
        if not job["writes"] and kernel.holds(kernel.CAP_DAC_READ_SEARCH):
            capability = kernel.CAP_DAC_READ_SEARCH
    kernel.limit_capabilities(capability)
    kernel.become(uid, capability)


def _threads(pid: str, uid: int) -> int:
    try:
        if pid.isdigit() and os.stat(f"/proc/{pid}").st_uid == uid:
            return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:  # it ended meanwhile
        pass
    return 0
