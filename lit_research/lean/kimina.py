"""Verdicts from a Kimina Lean server (github.com/project-numina/kimina-lean-server) over HTTP."""

from __future__ import annotations

import http.client
import json
import math
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal
from urllib.parse import urlsplit

from lit_research.errors import UserError
from lit_research.lean.audit import (
    AuditedServer,
    Message,
    batch_of,
    judge,
    refuted,
    require_positive,
)
from lit_research.lean.batch import Batch
from lit_research.lean.guards import Guards
from lit_research.lean.records import Attempt, Verdict

# path, list, name of an attempt in it, its text.
_API = {
    "check": ("/api/check", "snippets", "id", "code"),
    "verify": ("/verify", "codes", "custom_id", "proof"),
}
# Words by which the server's own errors are known; versions differ in the rest.
_KINDS = {
    "timeout": ("timed out", "timeout"),
    "memory": ("memory", "OOM"),
    "crashed": ("overflow", "broken pipe", "crash", "shut down"),
}
_WRONG_ADDRESS = (400, 401, 403, 404, 405, 422)  # no repetition mends these


class KiminaServer(AuditedServer):
    """A client of a server that runs many REPLs.

    Results are matched to attempts by their ids, in whatever order they come. A request that fails
    is repeated after a pause, then in halves: an attempt that breaks the server costs itself.

    Args:
        url: the server's address, such as ``http://localhost:8000``.
        timeout_s: wall time that the server gives an attempt; it takes whole seconds.
        batch: attempts in a request.
        concurrency: requests at a time.
        retries: repetitions of a failed request.
        pause_s: before the first repetition; twice that before the next.
        wait_s: wall time for a request; None is ``timeout_s`` for each attempt in it, and a half.
        api: ``check`` for the current servers' ``/api/check``, ``verify`` for ``/verify``, which
            the first version had and later ones keep.
        key_variable: the environment variable that holds the server's key, where it asks for one.
        axioms: what a proof may rest on; those of Lean itself if None.
        guards: which text is shown to Lean at all; the default ones if None.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = 200.0,
        batch: int = 8,
        concurrency: int = 4,
        retries: int = 3,
        pause_s: float = 1.0,
        wait_s: float | None = None,
        api: Literal["check", "verify"] = "check",
        key_variable: str = "LEAN_SERVER_API_KEY",
        axioms: list[str] | None = None,
        guards: Guards | None = None,
    ) -> None:
        super().__init__(axioms, guards)
        require_positive(
            "KiminaServer",
            timeout_s=timeout_s,
            batch=batch,
            concurrency=concurrency,
            retries=retries + 1,
            wait_s=wait_s,
        )
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UserError(
                f"url is {url!r} in KiminaServer, which is no address of a web server; give one "
                "such as http://localhost:8000"
            )
        if api not in _API:
            raise UserError(f"api is {api!r} in KiminaServer; give one of {', '.join(_API)}")
        self.url, self.api, self.key_variable = url.rstrip("/"), api, key_variable
        self.timeout_s, self.batch, self.concurrency = timeout_s, batch, concurrency
        self.retries, self.pause_s, self.wait_s = retries, pause_s, wait_s
        self._answered = threading.Event()  # something like a server has been there

    @property
    def description(self) -> str:
        """Which Lean with which library, in words."""
        return f"the Lean of the Kimina server at {self.url}"

    def _run(self, attempts: list[Attempt]) -> list[Verdict]:
        jobs = [(str(i), attempt) for i, attempt in enumerate(attempts)]
        groups = [jobs[i : i + self.batch] for i in range(0, len(jobs), self.batch)]
        found: dict[str, Verdict] = {}
        with ThreadPoolExecutor(self.concurrency, "kimina") as threads:
            try:
                for part in threads.map(self._ask, groups):
                    found |= part
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
        return [found[str(i)] for i in range(len(attempts))]

    def _ask(self, jobs: list[tuple[str, Attempt]]) -> dict[str, Verdict]:
        """Return a verdict for each id, repeating what fails."""
        found: dict[str, Verdict] = {}
        problem = ""
        for repetition in range(self.retries + 1):
            left = [job for job in jobs if job[0] not in found]
            if not left:
                return found
            if repetition:
                time.sleep(self.pause_s * 2 ** (repetition - 1))
            try:
                found |= self._request(left)
                problem = "no result for this attempt in the server's answers"
            except _Failure as failure:
                problem = str(failure)
                if failure.is_final:
                    break
                if failure.may_be_an_attempts and len(left) > 1 and repetition:
                    half = len(left) // 2
                    return found | self._ask(left[:half]) | self._ask(left[half:])
        missing = [number for number, _ in jobs if number not in found]
        if missing and not self._answered.is_set():
            raise UserError(
                f"there is no Kimina server at {self.url}: {problem}. KiminaServer was given that "
                f"url, with api {self.api!r}. Start the server, or give its url (and put its key "
                f"into the environment variable {self.key_variable}, if it has one)"
            )
        return found | {number: refuted(f"server: {problem}") for number in missing}

    def _request(self, jobs: list[tuple[str, Attempt]]) -> dict[str, Verdict]:
        """Send a request; return the verdicts of the results that came back."""
        path, name, identity, text = _API[self.api]
        batches = {number: batch_of(attempt, self.axioms) for number, attempt in jobs}
        body = {
            name: [
                {identity: number, text: f"{attempt.header.strip()}\n{batches[number].source}"}
                for number, attempt in jobs
            ],
            "timeout": math.ceil(self.timeout_s),
        }
        wait = self.wait_s or 1.5 * self.timeout_s * len(jobs)
        answer = self._post(path, body, wait)
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list):
            raise _Failure(f"the answer has no list of results: {str(answer)[:200]}")
        self._answered.set()
        found: dict[str, Verdict] = {}
        for result in results:
            number = str(result.get(identity)) if isinstance(result, dict) else ""
            if number in batches and number not in found:
                found[number] = _verdict(batches[number], result)
        return found

    def _post(self, path: str, body: dict[str, Any], wait: float) -> Any:
        """Return the JSON that the server answers.

        Raises:
            _Failure: there is no such answer.
        """
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(self.key_variable)
        if key:
            # Versions of the server differ in where they look.
            headers |= {"Authorization": f"Bearer {key}", "X-Auth-Token": f"Bearer {key}"}
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=wait) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(300).decode(errors="replace")
            final = error.code in _WRONG_ADDRESS
            what = f"HTTP {error.code} {error.reason}: {said}"
            if not final:
                self._answered.set()
            raise _Failure(what, is_final=final, may_be_an_attempts=error.code >= 500) from error
        except urllib.error.URLError as error:
            timed_out = isinstance(error.reason, TimeoutError)
            raise _Failure(f"no connection: {error.reason}", is_final=timed_out) from error
        except TimeoutError as error:
            self._answered.set()
            raise _Failure(f"no answer within {wait:g} s", is_final=True) from error
        except ValueError as error:
            raise _Failure(f"the answer is not JSON: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            self._answered.set()
            what = f"the connection broke: {type(error).__name__}: {error}"
            raise _Failure(what, may_be_an_attempts=True) from error


class _Failure(Exception):  # noqa: N818 - it never leaves this file
    """A request without an answer.

    Args:
        what: why.
        is_final: a repetition would fail as well.
        may_be_an_attempts: one of the attempts in it may have brought the server down.
    """

    def __init__(
        self, what: str, *, is_final: bool = False, may_be_an_attempts: bool = False
    ) -> None:
        super().__init__(what)
        self.is_final, self.may_be_an_attempts = is_final, may_be_an_attempts


def _verdict(batch: Batch, result: dict[str, Any]) -> Verdict:
    """Return the verdict that a result gives."""
    response = result.get("response")
    if not isinstance(response, dict):
        response = {}
    seconds = _number(result.get("time")) or _number(response.get("time"))
    error = result.get("error") or response.get("message")
    if error:
        text = str(error)
        kinds = (kind for kind, words in _KINDS.items() if any(word in text for word in words))
        return refuted(f"{next(kinds, 'server')}: {text}", seconds)
    try:
        messages = list(_messages(response.get("messages") or []))
        holes = len(response.get("sorries") or [])
    except (TypeError, KeyError, ValueError) as problem:
        return refuted(f"server: its messages are not those of a REPL: {problem!r}", seconds)
    return judge(batch, messages, holes, seconds)


def _messages(found: Iterable[Any]) -> Iterable[Message]:
    for message in found:
        line = int(message["pos"]["line"])
        yield Message(str(message["severity"]), str(message["data"]), line)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
