"""Verdicts from a Kimina Lean server (github.com/project-numina/kimina-lean-server) over HTTP."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable, Iterator
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
)
from lit_research.lean.batch import Batch
from lit_research.lean.guards import Guards
from lit_research.lean.post import PostFailure, post
from lit_research.lean.records import Attempt, Verdict
from lit_research.ranges import POSITIVE, check_range

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
_LAST_LINE = 10**9  # of a file; a server that says more does not count lines


class KiminaServer(AuditedServer):
    """A client of a server that runs many REPLs.

    The first request asks for two known verdicts, so that a wrong address costs no attempt. Results
    are matched to attempts by id, in any order. A failed request is repeated after a pause, then in
    halves (at once in halves where the server rejects it), so that an attempt that breaks the
    server costs no other.

    Args:
        url: the server's address, such as ``http://localhost:8000``.
        timeout_s: wall time that the server gives an attempt; it takes whole seconds.
        batch: attempts in a request.
        concurrency: number of concurrent requests.
        retries: repetitions of a failed request.
        pause_s: pause before the first repetition; doubled before each further one.
        wait_s: wall time for a request, its answer included; None is ``timeout_s`` for each attempt
            in it, and a half.
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
        check_range(
            POSITIVE,
            "in KiminaServer",
            timeout_s=timeout_s,
            batch=batch,
            concurrency=concurrency,
            retries=retries + 1,
            wait_s=wait_s,
        )
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UserError(
                f"url is {url!r}, in KiminaServer; must be the address of a web server, such as "
                "http://localhost:8000"
            )
        if api not in _API:
            raise UserError(f"api is {api!r}, in KiminaServer; must be one of {', '.join(_API)}")
        self.url, self.api, self.key_variable = url.rstrip("/"), api, key_variable
        self.timeout_s, self.batch, self.concurrency = timeout_s, batch, concurrency
        self.retries, self.pause_s, self.wait_s = retries, pause_s, wait_s
        self._contacting = threading.Lock()
        self._is_known = False  # whether it has told true from false

    @property
    def description(self) -> str:
        """Which Lean with which library, in words."""
        return f"the Lean of the Kimina server at {self.url}"

    def contact(self) -> None:
        """Ask for two known verdicts, if the server has not been asked before.

        Raises:
            UserError: there is no such server, or it does not tell true from false.
        """
        with self._contacting:
            if self._is_known:
                return
            known = {"True": True, "False": False}
            jobs = [(p, Attempt(f"theorem t : {p}", "trivial")) for p in known]
            found = self._ask(jobs)
            if {p: verdict.proved for p, verdict in found.items()} != known:
                reasons = {p: verdict.reason or "proved" for p, verdict in found.items()}
                raise UserError(
                    f"there is no Kimina server at {self.url} that tells true from false: it says "
                    f"{reasons['True']!r} of True and {reasons['False']!r} of False, in "
                    f"KiminaServer with api {self.api!r}; start the server, or give its url, and "
                    f"its key, if it has one, in the environment variable {self.key_variable}"
                )
            self._is_known = True

    def _run(self, attempts: list[Attempt]) -> list[Verdict]:
        self.contact()
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
        """Return a verdict for each id, repeating failed requests."""
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
            except PostFailure as failure:
                problem = str(failure)
                is_last = failure.is_final or repetition == self.retries
                if failure.may_be_an_attempts and len(left) > 1 and (repetition or is_last):
                    half = len(left) // 2
                    return found | self._ask(left[:half]) | self._ask(left[half:])
                if failure.is_final:
                    break
        missing = [number for number, _ in jobs if number not in found]
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
        key = os.environ.get(self.key_variable)
        # Versions of the server differ in where they look.
        names = ("Authorization", "X-Auth-Token") if key else ()
        answer = post(self.url + path, body, dict.fromkeys(names, f"Bearer {key}"), wait)
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list):
            raise PostFailure(f"the answer has no list of results: {str(answer)[:200]}")
        found: dict[str, Verdict] = {}
        for result in results:
            number = str(result.get(identity)) if isinstance(result, dict) else ""
            if number in batches and number not in found:
                found[number] = _verdict(batches[number], result)
        return found


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
    except (TypeError, KeyError, ValueError, OverflowError) as problem:
        return refuted(f"server: its messages are not those of a REPL: {problem!r}", seconds)
    return judge(batch, messages, holes, seconds)


def _messages(found: Iterable[Any]) -> Iterator[Message]:
    for message in found:
        line = int(message["pos"]["line"])
        if not 0 <= line <= _LAST_LINE:
            raise ValueError("no file has such a line")
        yield Message(str(message["severity"]), str(message["data"]), line)


def _number(value: Any) -> float:
    """Return a time in seconds; 0 for what is none."""
    is_number = isinstance(value, (int, float)) and 0 <= value < _LAST_LINE
    return float(value) if is_number else 0.0
