"""The questions that the driver is asked, and its answers."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from .kernel import AXIOM, THEOREM, Checker
from .library import Lean
from .objects import Object, box, field, items, tag, written


class Session:
    """Answers requests, each from the header's state.

    Args:
        lean: the library.
        out: where answers are written, line by line.
    """

    def __init__(self, lean: Lean, out: BinaryIO) -> None:
        self._lean, self._out = lean, out
        self._state = box(0)
        self._from = box(0)  # the header's state, with the universes of the statement
        self._text = self._name = ""
        self._type: Object | None = None
        self._levels: list[str] = []

    def header(self, text: str) -> None:
        """Elaborate the header, which all that follows starts from."""
        self._state, messages = self._lean.header(text)
        self._checker = Checker(self._lean, field(self._state, 0))
        self._answer(messages, is_one=True)

    def statement(self, text: str, name: str, universes: str) -> None:
        """Elaborate a statement by itself; the proofs that follow are of it.

        As an axiom, which Lean reads and elaborates by the same rules: a theorem
        with a hole for its proof would take half as long again.

        Args:
            text: what follows the word ``theorem``, up to ``:=``.
            name: the theorem's, with which ``text`` begins.
            universes: levels to declare before it.
        """
        self._text, self._name, self._type = text, name, None
        self._from = self._state
        if universes:
            self._from = self._lean.command(self._state, f"universe {universes}\n")[0]
        state, messages, is_one = self._lean.command(self._from, f"axiom {text}\n")
        found = self._found(state, AXIOM)
        if is_one and found is not None:
            self._type, self._levels = found
        self._answer(messages, is_one=self._type is not None)

    def _found(self, state: Object, kind: int) -> tuple[Object, list[str]] | None:
        """Return type and universes of what a state has under our name; None if that is no such."""
        info = self._lean.constant(field(state, 0), self._lean.name(self._name))
        if info is None or tag(info) != kind:
            return None
        common = field(field(info, 0), 0)
        return field(common, 2), [written(level) for level in items(field(common, 1))]

    def proof(self, text: str) -> None:
        """Try a proof of the statement."""
        if self._type is None:
            self._answer([], is_one=False)
            return
        whole = f"theorem {self._text}\n:= by\n{text}\n"
        state, messages, is_one = self._lean.command(self._from, whole)
        problem, axioms = "", list[str]()
        if is_one and not any(message["severity"] == "error" for message in messages):
            found = self._found(state, THEOREM)
            if found is None:
                problem = "it declares no theorem"
            elif not self._lean.are_equal(found[0], self._type) or found[1] != self._levels:
                problem = "it proves another statement"
            else:
                name = self._lean.name(self._name)
                problem, axioms = self._checker.check(field(state, 0), name)
        self._answer(messages, is_one=is_one, problem=problem, axioms=axioms)

    def _answer(self, messages: list[dict[str, Any]], **facts: Any) -> None:
        shown = [
            {"severity": m["severity"], "kind": m.get("kind", ""), "data": m["data"][:4000]}
            for m in messages
            if m["severity"] != "information"
        ]
        line = json.dumps({"messages": shown[:20], **facts})
        self._out.write(line.encode() + b"\n")
        self._out.flush()


def main() -> None:
    """Answer the requests on stdin until it ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what else is written to stdout is no answer
    session = Session(Lean(sys.argv[1], int(sys.argv[2])), out)
    answer = {k: getattr(session, k) for k in ("header", "statement", "proof")}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        answer[request.pop("kind")](**request)
