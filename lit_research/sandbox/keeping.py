"""The caller's side of the keeper: starts it when it is first needed, and hands it requests."""

from __future__ import annotations

import atexit
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

_FOLDER = str(Path(__file__).parent)
_START = f"import sys; sys.path.append({_FOLDER!r}); import keeper; keeper.main()"


class Keeper:
    """The one keeper of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._pid: int | None = None
        # Held by a forked child too, they would keep alive what is to end with this process.
        self._held: set[socket.socket] = set()

    def request(self, descriptors: list[int]) -> socket.socket:
        """Start a launcher; return the socket to it.

        Args:
            descriptors: stdin, stdout and stderr of the command.

        Raises:
            OSError: the system does not start it.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            given = [*descriptors, theirs.fileno()]
            try:
                try:
                    socket.send_fds(self._open(), [b"j"], given)
                except (BrokenPipeError, ConnectionError):  # somebody killed it
                    self._close()
                    socket.send_fds(self._open(), [b"j"], given)
            except BaseException:
                ours.close()
                raise
            self._held.add(ours)
        return ours

    def release(self, control: socket.socket) -> None:
        """Close a socket that ``request`` returned."""
        with self._lock:
            self._held.discard(control)
        control.close()

    def forget(self) -> None:
        """Close everything in a forked child, to which it does not belong."""
        for held in (self._channel, *self._held):
            if held is not None:
                held.close()

    def _open(self) -> socket.socket:
        if self._channel is not None:
            return self._channel
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # It lasts as long as this process: it must not hold a pipe of the caller's open.
            actions = [
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ]
            # -I -S -E: neither the environment nor site-packages have a say in it.
            words = [sys.executable, "-I", "-S", "-E", "-c", _START]
            env = {k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"}
            try:
                self._pid = os.posix_spawn(
                    sys.executable, words, env, file_actions=actions, setsid=True
                )
            except BaseException:
                ours.close()
                raise
        self._channel = ours
        return ours

    def _close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._pid is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)


# One a process: what it guards, what dies with the process, is a property of the process.
_keeper = Keeper()


def keeper() -> Keeper:
    """Return the keeper of this process."""
    return _keeper


def _renew() -> None:
    global _keeper
    _keeper.forget()
    _keeper = Keeper()


os.register_at_fork(after_in_child=_renew)
atexit.register(lambda: _keeper.forget())
