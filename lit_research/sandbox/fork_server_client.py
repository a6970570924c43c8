"""The caller's side of a fork server: starts it when it is first needed, and sends it requests."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lit_research.errors import UserError

FOLDER = Path(__file__).parent
_IMPORTS_S = 600.0  # for everything that is to be preloaded
_fork_servers: weakref.WeakSet[ForkServer] = weakref.WeakSet()


def start_code(module: str) -> str:
    """Return the code that starts ``main`` of a module next to this one, with its arguments.

    The modules next to it are a package apart: importing the real one would load all of it.
    """
    return (
        "import sys\n"
        "package = type(sys)('sandbox_apart')\n"
        f"package.__path__ = [{str(FOLDER)!r}]\n"
        "sys.modules[package.__name__] = package\n"
        f"from sandbox_apart import {module}\n"
        f"{module}.main(sys.argv[1:])\n"
    )


class ForkServer:
    """A handle of the program that starts sandboxes.

    Args:
        preload: modules that it imports before anything else, see ``preloaded``.
        env: its environment variables.
    """

    def __init__(self, preload: tuple[str, ...] = (), env: Mapping[str, str] | None = None) -> None:
        self._preload = preload
        self._env = dict(env or {})
        self._is_closed = False
        self._reset()
        _fork_servers.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._pid: int | None = None
        # Held by a forked child too, they would keep alive what is to end with this process.
        self._held: set[socket.socket] = set()

    def open(self) -> None:
        """Start it, if it does not run yet.

        Raises:
            OSError: the system does not start it.
            UserError: a module cannot be preloaded.
        """
        with self._lock:
            self._open()

    def request(self, descriptors: list[int]) -> socket.socket:
        """Start a launcher; return the socket to it.

        Args:
            descriptors: stdin, stdout and stderr of the command.

        Raises:
            OSError: the system does not start it.
            UserError: a module cannot be preloaded, or the fork server was closed.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            sent = [*descriptors, theirs.fileno()]
            try:
                try:
                    socket.send_fds(self._open(), [b"j"], sent)
                except (BrokenPipeError, ConnectionError):  # somebody killed it
                    self._close()
                    socket.send_fds(self._open(), [b"j"], sent)
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

    def close(self) -> None:
        """End it, and everything that it started."""
        with self._lock:
            self._is_closed = True
            self._close()

    def forget(self) -> None:
        """Close everything in a forked child, to which it does not belong."""
        for held in (self._channel, *self._held):
            if held is not None:
                held.close()
        self._reset()

    def _open(self) -> socket.socket:
        if self._is_closed:
            raise UserError("the Pool was closed; start jobs inside its with block")
        if self._channel is not None:
            return self._channel
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # It lasts as long as this process: it must not keep a pipe of the caller's open.
            actions = [
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ]
            # -I -S: neither the environment nor, without preloads, site-packages can affect it.
            options = ["-I"] if self._preload else ["-I", "-S"]
            command = [sys.executable, *options, "-c", start_code("fork_server"), *self._preload]
            kept = {k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"}
            env = {**kept, **self._env}
            try:
                self._pid = os.posix_spawn(
                    sys.executable, command, env, file_actions=actions, setsid=True
                )
            except BaseException:
                ours.close()
                raise
        self._channel = ours
        if self._preload:
            self._await_imports(ours)
        return ours

    def _await_imports(self, channel: socket.socket) -> None:
        """Wait until the modules are imported."""
        channel.settimeout(_IMPORTS_S)
        try:
            answer = channel.recv(65536).decode(errors="replace")
        except TimeoutError:
            answer = f"took more than {_IMPORTS_S:g} s"
        if answer != "ready":
            assert self._pid is not None
            os.kill(self._pid, signal.SIGKILL)  # not awaited yet, so that the number is its own
            self._close()
            raise UserError(
                f"preload={list(self._preload)!r} cannot be used, in a Pool of the sandbox "
                f"({answer or 'the process that imports it ended'}); give modules of this Python's "
                "installed packages that only define things when they are imported"
            )
        channel.settimeout(None)

    def _close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._pid is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = None


# One for each process: what it starts dies with the process.
_fork_server = ForkServer()


def fork_server() -> ForkServer:
    """Return the fork server of this process."""
    return _fork_server


def _forget_all() -> None:
    for server in list(_fork_servers):
        server.forget()


os.register_at_fork(after_in_child=_forget_all)
atexit.register(_forget_all)
