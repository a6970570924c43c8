"""The pipes of a command: its output line by line, and the input that it has not read yet."""

from __future__ import annotations

import os
import threading
import time


class Lines:
    """Bytes that one thread adds and others take line by line."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._scanned = 0  # no newline before this index
        self._ended = False
        self._changed = threading.Condition()

    def add(self, data: bytes) -> None:
        """Append bytes."""
        with self._changed:
            self._data += data
            self._changed.notify_all()

    def end(self) -> None:
        """Say that nothing more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def readline(self, timeout_s: float | None) -> bytes:
        r"""Take the next line with its ``\n``, or what is left at the end, or ``b""``.

        Raises:
            TimeoutError: no complete line came within ``timeout_s`` seconds.
        """
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while True:
                at = self._data.find(b"\n", self._scanned)
                if at >= 0 or self._ended:
                    return self._cut(at + 1 if at >= 0 else len(self._data))
                self._scanned = len(self._data)
                left_s = None if until_s is None else until_s - time.monotonic()
                if left_s is not None and left_s <= 0:
                    raise TimeoutError(f"no line from the sandboxed process in {timeout_s} s")
                self._changed.wait(left_s)

    def rest(self) -> bytes:
        """Return the lines not taken yet, and keep them."""
        with self._changed:
            return bytes(self._data)

    def _cut(self, count: int) -> bytes:
        line = bytes(self._data[:count])
        del self._data[:count]
        self._scanned = 0
        return line


class Feed:
    """Bytes waiting for a stdin that may be read slowly, or not at all."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._data = bytearray()
        self._closing = False
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            ValueError: it was closed before.
        """
        with self._lock:
            if self._closing:
                raise ValueError(
                    "stdin of the sandboxed process was closed; write before close_stdin or wait"
                )
            if self._descriptor is not None:  # else the process reads no more
                self._data += data

    def close(self) -> None:
        """Close the pipe once everything is written."""
        with self._lock:
            self._closing = True

    def push(self) -> int | None:
        """Write as much as the pipe takes; return the descriptor to wait for if there is more."""
        with self._lock:
            if self._descriptor is None:
                return None
            try:
                while self._data:
                    del self._data[: os.write(self._descriptor, self._data[:65536])]
            except BlockingIOError:
                return self._descriptor
            except BrokenPipeError:
                self._shut()
            if self._closing:
                self._shut()
            return None

    def shut(self) -> None:
        """Close the pipe at once."""
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        self._data.clear()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
