"""The fork server: one program for each process that uses sandboxes, forked for each sandbox.

The caller runs it with its own Python, isolated and without ``site``: of the package it imports
only the small modules next to it. Python is started once, not for every command. The program ends
with its caller, when the kernel closes the other end of its socket; what it started ends with it.
The fork server of a pool also holds the modules that its jobs need, see ``preloaded``.
"""

from __future__ import annotations

import _socket
import gc
import os
import signal

from . import kernel, launcher, process_tree

TYPE_CHECKING = False  # importing typing would double the time that this program takes
if TYPE_CHECKING:
    from typing import NoReturn

_launchers: set[int] = set()
_MSG_CMSG_CLOEXEC = 0x40000000


def main(modules: list[str]) -> None:
    """Serve the socket that is stdin until it closes; run a job of a pool in the fork for it.

    Args:
        modules: names of the modules to import before anything else, for the jobs of a pool.
    """
    try:
        _serve(modules)
    except launcher.RunPreloaded as reached:
        job = reached.args[0]
    # Outside the except block, so that what it held (sockets too) is released, and no error has it
    # as cause.
    from . import preloaded

    preloaded.run_job(job)


def _serve(modules: list[str]) -> NoReturn:
    os.closerange(3, 1 << 20)  # whatever the caller left open to its children
    kernel.adopt_orphans()
    kernel.set_dumpable(False)
    channel = _socket.socket(fileno=0)
    gc.disable()  # nothing lives long enough, and a collection writes to all that a fork shares
    if modules:
        from . import preloaded

        channel.send(preloaded.preload(modules).encode(errors="replace") or b"ready")
    # Python runs a handler between two bytecodes, so a pid is recorded before it is looked up.
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    while True:
        descriptors = _receive(channel)
        if not descriptors:
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # no processes left: the caller sees the socket close
            pid = -1
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            channel.detach()
            os.dup2(1, 0)  # /dev/null: the numbers of stdin and the like must not be reused
            launcher.serve(server, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _launchers.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _receive(channel: _socket.socket) -> list[int]:
    """Return the descriptors of the next request: stdin, stdout, stderr and a socket; or none."""
    room = _socket.CMSG_LEN(4 * 4)
    data, ancillary, _, _ = channel.recvmsg(1, room, _MSG_CMSG_CLOEXEC)
    if not data:
        return []
    (_, _, numbers), *_ = ancillary
    return [int.from_bytes(numbers[i : i + 4], "little") for i in range(0, 16, 4)]


def _reap() -> None:
    """Reap children; where a launcher was killed, kill what it left behind."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        if pid in _launchers:
            _launchers.discard(pid)
            if os.WIFSIGNALED(status):
                _kill_orphans()


def _kill_orphans() -> None:
    parents = process_tree.parents()
    orphans = [p for p, q in parents.items() if q == os.getpid() and p not in _launchers]
    for orphan in orphans:
        process_tree.kill_tree(orphan)
    process_tree.send(orphans, signal.SIGKILL)
