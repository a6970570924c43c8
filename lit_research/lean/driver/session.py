"""The questions that the driver is asked, and its answers."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from .kernel import AXIOM, THEOREM, Checker
from .library import Lean
from .objects import Object, box, field, items, tag, written

Stated = tuple[Object, list[str]]  # the type of a constant, and the names of its levels


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
        self._stated: Stated | None = None
        self._is_theorem = False  # whether that is how the statement was elaborated

    def header(self, text: str) -> None:
        """Elaborate the header, which all that follows starts from."""
        self._state, messages = self._lean.header(text)
        self._checker = Checker(self._lean, field(self._state, 0))
        self._answer(messages, is_one=True)

    def statement(self, text: str, name: str, universes: str) -> None:
        """Elaborate a statement by itself; the proofs that follow are of it.

        As an axiom, which Lean reads by the same rules: a theorem with a hole for its proof takes
        half as long again, and is asked only where the types differ (Lean makes each ``let`` of a
        theorem's type a ``have``).

        Args:
            text: what follows the word ``theorem``, up to ``:=``.
            name: the theorem's, with which ``text`` begins.
            universes: levels to declare before it.
        """
        self._text, self._name, self._stated = text, name, None
        self._is_theorem = False
        self._from = self._state
        if universes:
            self._from = self._lean.command(self._state, f"universe {universes}\n")[0]
        state, messages, is_one = self._lean.command(self._from, f"axiom {text}\n")
        found = self._found(state, AXIOM)
        self._stated = found if is_one else None
        self._answer(messages, is_one=self._stated is not None)

    def _found(self, state: Object, kind: int) -> Stated | None:
        """Return type and universes of what a state has under our name; None if that is no such."""
        info = self._lean.constant(field(state, 0), self._lean.name(self._name))
        if info is None or tag(info) != kind:
            return None
        common = field(field(info, 0), 0)
        return field(common, 2), [written(level) for level in items(field(common, 1))]

    def proof(self, text: str) -> None:
        """Try a proof of the statement."""
        if self._stated is None:
            self._answer([], is_one=False)
            return
        whole = f"theorem {self._text}\n:= by\n{text}\n"
        state, messages, is_one = self._lean.command(self._from, whole)
        problem, axioms = "", list[str]()
        if is_one and not any(message["severity"] == "error" for message in messages):
            found = self._found(state, THEOREM)
            if found is None:
                problem = "it declares no theorem"
            elif not self._is_stated(found):
                problem = "it proves another statement"
            else:
                name = self._lean.name(self._name)
                problem, axioms = self._checker.check(field(state, 0), name)
        self._answer(messages, is_one=is_one, problem=problem, axioms=axioms)

    def _is_stated(self, proved: Stated) -> bool:
        """Tell whether what was proved is the statement; ask again, as a theorem, where not."""
        if self._equal(proved):
            return True
        if self._is_theorem:
            return False
        self._is_theorem = True
        state, _, is_one = self._lean.command(self._from, f"theorem {self._text}\n:=\nsorry\n")
        self._stated = self._found(state, THEOREM) if is_one else None
        return self._equal(proved)

    def _equal(self, proved: Stated) -> bool:
        stated = self._stated
        return (
            stated is not None
            and bool(self._lean.are_equal(proved[0], stated[0]))
            and proved[1] == stated[1]
        )

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
