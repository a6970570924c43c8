"""One POST of JSON, with a limit on its whole time and on the size of its answer.

The timeout of ``urllib`` is a limit on each read: a server that sends a byte now and then keeps it
waiting for ever.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LARGEST_MIB = 64  # of an answer
_ATTEMPTS_OWN = (400, 413, 422)  # what a server says of a request that it does not take
_REFUSED = (401, 403, 404, 405)  # no repetition changes these


class PostFailure(Exception):  # noqa: N818 - a verdict's reason in the end
    """A request without an answer.

    Args:
        what: why.
        is_final: a repetition would fail as well.
        may_be_an_attempts: one of the attempts in it may be the cause.
    """

    def __init__(
        self, what: str, *, is_final: bool = False, may_be_an_attempts: bool = False
    ) -> None:
        super().__init__(what)
        self.is_final, self.may_be_an_attempts = is_final, may_be_an_attempts


def post(url: str, body: dict[str, Any], headers: dict[str, str], wait_s: float) -> Any:
    """Return the JSON that a server answers.

    Args:
        url: where to.
        body: what to send, as JSON.
        headers: of the request, besides its type.
        wait_s: wall time for all of it.

    Raises:
        PostFailure: there is no such answer.
    """
    data = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data, headers, method="POST")
    with _Deadline(wait_s) as deadline:
        try:
            text = _read(deadline, request, wait_s)
        except (OSError, http.client.HTTPException) as error:
            raise _failure(error, deadline, wait_s) from error
    if deadline.is_over:
        raise PostFailure(f"no answer within {wait_s:g} s", is_final=True)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise PostFailure(f"the answer is not JSON: {said}", may_be_an_attempts=True) from error


def _read(deadline: _Deadline, request: urllib.request.Request, wait_s: float) -> bytes:
    largest = LARGEST_MIB << 20
    with deadline.opener.open(request, timeout=wait_s) as answer:
        text: bytes = answer.read(largest + 1)
        # Where a length was promised, `read` with a limit does not tell a broken connection.
        if len(text) <= largest and answer.length:
            raise http.client.IncompleteRead(text, answer.length)
    if len(text) > largest:
        raise PostFailure(
            f"the answer has more than {LARGEST_MIB} MiB", is_final=True, may_be_an_attempts=True
        )
    return text


def _failure(
    error: OSError | http.client.HTTPException, deadline: _Deadline, wait_s: float
) -> PostFailure:
    """Return what an error of the connection means."""
    if isinstance(error, urllib.error.HTTPError):
        said = ""
        with error, suppress(OSError, http.client.HTTPException):
            said = error.read(300).decode(errors="replace")
        own = error.code in _ATTEMPTS_OWN
        return PostFailure(
            f"HTTP {error.code} {error.reason}: {said}",
            is_final=own or error.code in _REFUSED,
            may_be_an_attempts=own or error.code >= 500,
        )
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if deadline.is_over or isinstance(reason, TimeoutError):
        return PostFailure(f"no answer within {wait_s:g} s", is_final=True)
    if isinstance(error, urllib.error.URLError):
        return PostFailure(f"no connection: {reason}")
    what = f"the connection broke: {type(error).__name__}: {error}"
    return PostFailure(what, may_be_an_attempts=True)


class _Deadline:
    """Shuts down the connections of one request when its time is over.

    Attributes:
        opener: opens the request, with the proxies of the environment.
        is_over: whether that has happened.
    """

    def __init__(self, wait_s: float) -> None:
        self.is_over = False
        self._connections: list[http.client.HTTPConnection] = []
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(wait_s, self._end)
        self._timer.daemon = True
        self.opener = urllib.request.build_opener(
            _handler(urllib.request.HTTPHandler, self._connection(http.client.HTTPConnection)),
            _handler(urllib.request.HTTPSHandler, self._connection(http.client.HTTPSConnection)),
        )

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _connection(self, kind: type[http.client.HTTPConnection]) -> Callable[..., Any]:
        deadline = self

        class Connection(kind):  # type: ignore[misc, valid-type]
            def connect(self) -> None:
                deadline._connections.append(self)  # its socket is there before TLS is
                super().connect()
                deadline._sockets.append(self.sock)  # urllib takes it from the connection

        return Connection

    def _end(self) -> None:
        self.is_over = True
        sockets = [*self._sockets, *(c.sock for c in self._connections if c.sock is not None)]
        for connected in sockets:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


def _handler(kind: type[Any], connection: Callable[..., Any]) -> urllib.request.BaseHandler:
    """Return a handler of ``http`` or ``https`` that opens connections of the given kind."""

    class Handler(kind):
        def do_open(self, http_class: Any, request: Any, **options: Any) -> Any:
            return super().do_open(connection, request, **options)

    handler: urllib.request.BaseHandler = Handler()
    return handler
