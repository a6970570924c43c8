"""The driver's questions about a batch of attempts, and the verdicts from its answers.

Each statement is asked about once, then each proof of it. The driver
(:mod:`lit_research.lean.driver`) answers in that order, a line for each, whatever a text holds; no
answer depends on another text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from lit_research.lean.guards import block
from lit_research.lean.reasons import cut, error_reason
from lit_research.lean.records import Verdict
from lit_research.lean.theorem import Theorem

Work = tuple[Theorem, str]
_IMPORT = re.compile(r"\s*import\b")
_NOT_ONE = "error: the proof ends before its text does, and what follows is no part of it"


@dataclass(frozen=True)
class _Question:
    """A question, and the attempts whose verdicts its answer decides."""

    kind: str  # header, statement or proof
    indices: list[int]
    request: dict[str, Any]
    name: str = ""


class Exchange:
    """Questions about a batch of attempts with one header, and their verdicts.

    Args:
        header: imports and the like.
        attempts: a statement and a proof each.
        axioms: what a proof may rest on.
        heartbeats: Lean's own limit for one declaration, in thousands of small allocations.

    Attributes:
        verdicts: one for each attempt, None until it is known.
        is_broken: the driver sent something that is not an answer.
    """

    def __init__(
        self, header: str, attempts: Sequence[Work], axioms: Collection[str], heartbeats: int
    ) -> None:
        self.verdicts: list[Verdict | None] = [None] * len(attempts)
        self.is_broken = False
        self._axioms = frozenset(axioms)
        everything = list(range(len(attempts)))
        text = _header(header, heartbeats)
        self._questions = [_Question("header", everything, {"text": text})]
        groups: dict[Theorem, list[int]] = {}
        for index, (theorem, _) in enumerate(attempts):
            groups.setdefault(theorem, []).append(index)
        for theorem, of in groups.items():
            universes = " ".join(theorem.universes(header))
            request = {"text": theorem.text, "name": theorem.name, "universes": universes}
            self._questions.append(_Question("statement", of, request, theorem.name))
            self._questions += [
                _Question("proof", [i], {"text": block(attempts[i][1])}, theorem.name) for i in of
            ]
        self._place = 0

    @property
    def source(self) -> bytes:
        """The questions, a line each."""
        lines = [json.dumps({"kind": q.kind, **q.request}) for q in self._questions]
        return "\n".join([*lines, ""]).encode()

    @property
    def is_finished(self) -> bool:
        """Whether every question has its answer."""
        return self._place == len(self._questions)

    @property
    def in_hand(self) -> list[int]:
        """The attempts that depend on the current question."""
        if self.is_finished:
            return []
        return [i for i in self._questions[self._place].indices if self.verdicts[i] is None]

    def feed(self, line: str, seconds: float = 0.0) -> None:
        """Read an answer.

        Args:
            line: as JSON.
            seconds: wall time since the answer before it.
        """
        question = self._questions[self._place]
        try:
            answer = json.loads(line)
            said = [(m["severity"], m["data"], m["kind"]) for m in answer["messages"]]
            reason = self._reason(question, answer, said)
        except (ValueError, TypeError, KeyError, RecursionError):
            self.is_broken = True
            return
        self._place += 1
        if question.kind == "proof":
            self._settle(question.indices, reason, seconds)
        elif reason:
            self._settle(question.indices, reason, 0.0)

    def _settle(self, indices: list[int], reason: str, seconds: float) -> None:
        for index in indices:
            if self.verdicts[index] is None:
                self.verdicts[index] = Verdict(not reason, reason, seconds)

    def _reason(
        self, question: _Question, answer: dict[str, Any], said: list[tuple[str, str, str]]
    ) -> str:
        """Return why a question's attempts are not proved; empty if no reason is known."""
        errors = [text for severity, text, _ in said if severity == "error"]
        reason = ""
        if errors:
            plain = errors[0].replace(question.name, "this theorem") if question.name else errors[0]
            reason = error_reason(errors[0], cut(plain))
        if question.kind != "proof":
            where = "the header does not elaborate: " if question.kind == "header" else ""
            if reason and not reason.startswith(("timeout", "memory")):
                return f"statement: {where}{reason.partition(': ')[2]}"
            if not reason and not answer["is_one"]:
                return "statement: it is not one theorem and no more"
            return reason
        if errors and errors[0].startswith("type of theorem"):
            return f"statement: {reason.partition(': ')[2]}"
        if not answer["is_one"]:  # goals are left where the text was cut
            return _NOT_ONE if not reason or reason.startswith("unsolved goals") else reason
        if reason:
            return reason
        if answer["problem"]:
            return f"error: {answer['problem']}"
        used = set(answer["axioms"])
        if "sorryAx" in used or any(kind == "hasSorry" for *_, kind in said):
            return "sorry: the proof has holes"
        if used - self._axioms:
            return f"axioms: {', '.join(sorted(used - self._axioms))}"
        return ""


def _header(header: str, heartbeats: int) -> str:
    """Return a header with our options after its imports.

    Unbound names are errors; levels are declared with the statement.
    """
    lines = header.splitlines()
    imports = [line for line in lines if _IMPORT.match(line)]
    others = [line for line in lines if not _IMPORT.match(line)]
    options = {
        "autoImplicit": "false",
        "linter.all": "false",
        "Elab.async": "false",
        "maxHeartbeats": str(heartbeats),
    }
    ours = [f"set_option {name} {value}" for name, value in options.items()]
    return "\n".join([*imports, *ours, *others, ""])
