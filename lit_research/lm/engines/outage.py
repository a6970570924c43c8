"""Waiting for a server that is down, once for all requests, in place of failing each of them."""

from __future__ import annotations

import math
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
        silence_s: seconds without any answer after which the server counts as stalled.
    """

    def __init__(self, down_s: float, server: str, silence_s: float = math.inf) -> None:
        self.down_s, self.server, self.silence_s = down_s, server, silence_s
        self._lock = threading.Lock()
        self._waits = 0
        self._reason: str | None = None
        self._last_answer, self._last_stall = time.monotonic(), -math.inf

    def hope(self) -> None:
        """Forget that the server did not come back: a new call may find it."""
        self._reason = None
        self._last_answer = time.monotonic()

    def _note_answer(self) -> None:
        now = time.monotonic()
        if now - self._last_answer >= self.silence_s:
            self._last_stall = now
        self._last_answer = now

    def _stalled_since(self, begun: float) -> bool:
        """Return whether all requests waited in vain for ``silence_s`` while one was under way."""
        silent = time.monotonic() - self._last_answer >= self.silence_s
        return silent or self._last_stall > begun

    def ask(
        self,
        request: Callable[[], T],
        *,
        is_down: Callable[[Exception, bool], bool],
        is_up: Callable[[], bool],
        repeats: int,
        stopped: threading.Event,
        busy_s: Callable[[Exception], float | None] = lambda error: None,
    ) -> T:
        """Return what ``request`` returns, in spite of outages.

        Args:
            request: made again after each outage.
            is_down: whether an exception of the request means that the server is down, given
                whether the server stalled meanwhile: answered no request at all.
            is_up: asks the server for a sign of life.
            repeats: outages to survive. A request that always meets one may be their cause.
            stopped: ends the waiting.
            busy_s: seconds to wait if an exception of the request means that the server has no time
                for it now, else None. Such a request is repeated for ``down_s``.

        Raises:
            ServerDownError: the server did not come back in time, for this or another request.
            Exception: what the request raised, if the server is not down, or ``repeats`` or
                ``down_s`` is spent.
        """
        end = time.monotonic() + self.down_s
        while True:
            with self._lock:  # held by the one that waits
                waits = self._waits
            if self._reason:
                raise ServerDownError(self._reason)
            begun = time.monotonic()
            try:
                answer = request()
                self._note_answer()
                return answer
            except Exception as error:
                if repeats and (pause := busy_s(error)) is not None:
                    if time.monotonic() + pause > end or stopped.wait(pause):
                        raise
                    continue
                stalled = self._stalled_since(begun)
                if not (self.down_s and repeats and is_down(error, stalled)):
                    raise
                if not self._wait(waits, error, is_up, stopped):
                    raise
                repeats -= 1

    def _wait(
        self, waits: int, error: Exception, is_up: Callable[[], bool], stopped: threading.Event
    ) -> bool:
        """Wait unless another request has waited since this one began; False once stopped."""
        with self._lock:
            if self._waits == waits:
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
