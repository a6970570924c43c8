"""Start programs from a thread that outlives them.

The kernel's "signal me when my parent dies" watches the thread that started a process, not the
whole parent. A command that a worker of a pool starts would die with that worker.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

_Call = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]


class _Spawner:
    """A thread that starts programs for the others, and ends with the parent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: SimpleQueue[_Call] | None = None

    def run(self, call: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        if threading.current_thread() is threading.main_thread():
            return call()
        with self._lock:
            if self._calls is None:
                self._calls = SimpleQueue()
                threading.Thread(
                    target=self._serve, args=(self._calls,), name="sandbox-spawner", daemon=True
                ).start()
        future: Future[subprocess.Popen[bytes]] = Future()
        self._calls.put((call, future))
        return future.result()

    @staticmethod
    def _serve(calls: SimpleQueue[_Call]) -> None:
        while True:
            call, future = calls.get()
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
            del call, future  # or the last process would be kept until the next one


# One a process: what it guards, the life of a thread, is a property of the process.
_spawner = _Spawner()


def _renew() -> None:
    global _spawner
    _spawner = _Spawner()


# A forked child has the object but not its thread.
os.register_at_fork(after_in_child=_renew)


def spawn(words: list[str], env: dict[str, str], folder: str, keep: int) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own with pipes for stdin, stdout and stderr.

    Args:
        words: the command line.
        env: its whole environment.
        folder: its working directory.
        keep: a descriptor that it gets beside the three.

    Raises:
        OSError: the system does not start it.
    """
    return _spawner.run(
        lambda: subprocess.Popen(
            words,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=folder,
            pass_fds=(keep,),
            start_new_session=True,
        )
    )
