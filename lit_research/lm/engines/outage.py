"""Waiting for a server that is down, once for all requests, in place of failing each of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from lit_research.messages import announce

T = TypeVar("T")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0


class ServerDownError(Exception):
    """The server did not come back in time; the message says why it is thought to be down."""


class Outages:
    """A circuit breaker, which the requests of all threads of an engine share.

    The first request that finds the server down waits for it, with growing pauses and a countdown
    in the log; the others wait for that one. Once the server is back, they are all repeated; if it
    is not back in time, they and all that follow fail at once, until ``hope`` is called.

    Args:
        down_s: seconds to wait; 0 never waits.
        server: its name in the log.
    """

    def __init__(self, down_s: float, server: str) -> None:
        self.down_s, self.server = down_s, server
        self._lock = threading.Lock()
        self._waits = 0
        self._reason: str | None = None

    def hope(self) -> None:
        """Forget that the server did not come back: a new call may find it."""
        self._reason = None

    def ask(
        self,
        request: Callable[[], T],
        *,
        is_down: Callable[[Exception], bool],
        is_up: Callable[[], bool],
        repeats: int,
        stopped: threading.Event,
    ) -> T:
        """Return what ``request`` returns, in spite of outages.

        Args:
            request: made again after each outage.
            is_down: whether an exception of the request means that the server is down.
            is_up: asks the server for a sign of life.
            repeats: outages to survive. A request that always meets one may be their cause.
            stopped: ends the waiting.

        Raises:
            ServerDownError: the server did not come back in time, for this or another request.
            Exception: what the request raised, if the server is not down, or ``repeats`` is spent.
        """
        while True:
            with self._lock:  # held by the one that waits
                begun = self._waits
            if self._reason:
                raise ServerDownError(self._reason)
            try:
                return request()
            except Exception as error:
                if not (self.down_s and repeats and is_down(error)):
                    raise
                if not self._wait(begun, error, is_up, stopped):
                    raise
                repeats -= 1

    def _wait(
        self, begun: int, error: Exception, is_up: Callable[[], bool], stopped: threading.Event
    ) -> bool:
        """Wait unless another request has waited since this one began; False once stopped."""
        with self._lock:
            if self._waits == begun:
                reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
                if not self._is_back(reason, is_up, stopped):
                    if stopped.is_set():
                        return False
                    self._reason = f"{reason} (no answer for {self.down_s:g} s)"
                self._waits += 1
        return True

    def _is_back(self, reason: str, is_up: Callable[[], bool], stopped: threading.Event) -> bool:
        end, pause = time.monotonic() + self.down_s, FIRST_PAUSE_S
        while (left := end - time.monotonic()) > 0 and not stopped.is_set():
            announce(f"{self.server} is down ({reason}); waiting for it, {left:.0f} s more at most")
            stopped.wait(min(pause, left))
            if is_up():
                announce(f"{self.server} is back")
                return True
            pause = min(2 * pause, LONGEST_PAUSE_S)
        return False
