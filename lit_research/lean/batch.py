"""One file of Lean for many attempts, and how to read a verdict for each from its messages.

The file is ours: every statement first, as a definition; then, for each attempt, the statement
again with the proof under it, the question whether that theorem proves that definition, and a
command that prints the axioms. Names are made anew for each file, so that a proof can name neither
another attempt nor its own check. Lean says where each message comes from, and we know which lines
we wrote: no text of an attempt, nor of a message, decides where an attempt starts or ends.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from lit_research.lean.guards import block
from lit_research.lean.records import Verdict
from lit_research.lean.statements import Statement

AXIOMS = ("propext", "Classical.choice", "Quot.sound")  # those of Lean itself
DETAIL = 1000  # characters of a reason
_UNIVERSE = re.compile(r"\b(?:Type|Sort) ([a-z]\w*)")
_RESOURCE = re.compile(r"\(deterministic\) timeout|maximum number of heartbeats")
_MEMORY = re.compile(r"excessive memory|out of memory|memory limit", re.IGNORECASE)


@dataclass
class _Unit:
    """A stretch of the file that ends with a command that always answers.

    Attributes:
        first: its first line, counted from 1.
        check: the line that compares what was proved with what was asked for.
        last: the line of the command that answers.
        name: whose axioms that command prints.
        indices: the attempts that depend on it.
        is_statement: it defines a statement, and has no proof.
    """

    first: int
    check: int
    last: int
    name: str
    indices: list[int]
    is_statement: bool
    errors: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    has_sorry: bool = False


class Batch:
    """The source of a file and the verdicts that its messages give.

    Args:
        header: imports and the like.
        attempts: a statement and a proof each.
        axioms: what a proof may rest on.

    Attributes:
        source: the file.
        verdicts: one for each attempt, None as long as there is none.
        is_broken: messages came that cannot come from such a file: trust no further one.
    """

    def __init__(
        self, header: str, attempts: Sequence[tuple[Statement, str]], axioms: Collection[str]
    ) -> None:
        self.verdicts: list[Verdict | None] = [None] * len(attempts)
        self.is_broken = False
        self._axioms = frozenset(axioms)
        self._secret = f"LitResearch_{secrets.token_hex(8)}"
        self._header = "\n".join(header.splitlines())
        self._units: list[_Unit] = []
        self._place = 0
        self._header_error = ""
        self._lines = self._header.count("\n") + 1
        parts = [self._header]
        numbers: dict[tuple[tuple[str, ...], str], int] = {}
        for index, (statement, _) in enumerate(attempts):
            key = (statement.binders, statement.conclusion)
            if key in numbers:
                self._units[numbers[key]].indices.append(index)
                continue
            numbers[key] = len(numbers)
            name, universes = f"{self._secret}_s{numbers[key]}", self._universes(statement)
            define = f"def {name}{universes} : Prop := ({statement.type})"
            parts.append(self._unit(name, [define], [index], is_statement=True))
        for index, (statement, proof) in enumerate(attempts):
            number = numbers[(statement.binders, statement.conclusion)]
            parts.append(self._attempt(index, number, statement, proof))
        self.source = "\n".join(parts) + "\n"

    def _universes(self, statement: Statement) -> str:
        """Return the universes that a statement names, which a header may declare instead."""
        if "universe" in self._header:
            return ""
        names = dict.fromkeys(_UNIVERSE.findall(statement.type))
        return f".{{{', '.join(names)}}}" if names else ""

    def _attempt(self, index: int, number: int, statement: Statement, proof: str) -> str:
        universes = self._universes(statement)
        proved, check = f"{self._secret}_p{index}", f"{self._secret}_c{index}"
        binders = " ".join(statement.binders)
        lines = [
            f"theorem {proved}{universes} {binders} : ({statement.conclusion}) := (by",
            block(proof),
            ")",
            f"theorem {check}{universes} : {self._secret}_s{number}{universes} := @{proved}",
        ]
        return self._unit(check, lines, [index], is_statement=False)

    def _unit(self, name: str, lines: list[str], indices: list[int], *, is_statement: bool) -> str:
        text = "\n".join([*lines, f"#print axioms {name}"])
        first = self._lines + 1
        self._lines += text.count("\n") + 1
        check = self._lines + (1 if is_statement else -1)
        self._units.append(_Unit(first, check, self._lines, name, indices, is_statement))
        return text

    @property
    def is_finished(self) -> bool:
        """Whether every attempt has its verdict."""
        return bool(self._header_error) or self._place == len(self._units)

    @property
    def in_hand(self) -> list[int]:
        """The attempts that depend on what Lean is at: one, or all of a statement."""
        if self.is_finished:
            return []
        return [i for i in self._units[self._place].indices if self.verdicts[i] is None]

    @property
    def complaint(self) -> str:
        """What Lean says of the stretch that it is at; empty if nothing."""
        errors = [] if self.is_finished else self._units[self._place].errors
        return self._detail(str(errors[0][1]["data"])) if errors else ""

    def feed(self, line: str, seconds: float = 0.0) -> bool:
        """Read a line of Lean's output.

        Args:
            line: a message as JSON; what is none is left out.
            seconds: wall time since the last stretch ended.

        Returns:
            whether a stretch of the file ended with it.
        """
        try:
            message = json.loads(line)
            at, text = int(message["pos"]["line"]), str(message["data"])
            severity = str(message["severity"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        if self.is_finished or self.is_broken:
            self._late(at, severity, text)
            return False
        unit = self._units[self._place]
        if at > unit.last:
            self.is_broken = True
        elif at < self._units[0].first:
            if severity == "error":
                self._fail_header(text)
        elif at < unit.first:
            self._late(at, severity, text)
        elif at == unit.last:
            self._close(unit, severity, text, seconds)
            self._place += 1
            return True
        elif severity == "error":
            unit.errors.append((at, message))
        elif severity == "warning" and "`sorry`" in text:
            unit.has_sorry = True
        return False

    def _late(self, at: int, severity: str, text: str) -> None:
        """Take a verdict back when an error of its lines arrives after it."""
        for unit in self._units:
            if severity == "error" and unit.first <= at <= unit.last:
                for index in unit.indices:
                    self.verdicts[index] = Verdict(False, f"error: {self._detail(text)}")

    def _fail_header(self, text: str) -> None:
        self._header_error = self._detail(text)
        reason = f"statement: the header does not elaborate: {self._header_error}"
        self.verdicts = [Verdict(False, reason)] * len(self.verdicts)

    def _close(self, unit: _Unit, severity: str, text: str, seconds: float) -> None:
        reason = self._reason(unit, severity, text)
        if not unit.is_statement:
            index = unit.indices[0]
            if self.verdicts[index] is None:
                self.verdicts[index] = Verdict(not reason, reason, seconds)
        elif reason:
            if not reason.startswith(("timeout", "memory")):
                reason = f"statement: {reason.partition(': ')[2]}"
            for index in unit.indices:
                self.verdicts[index] = Verdict(False, reason, seconds)

    def _reason(self, unit: _Unit, severity: str, text: str) -> str:
        """Return why a stretch is not what it should be; empty if it is."""
        if unit.errors:
            return self._error(unit)
        stated = re.fullmatch(rf"'{unit.name}' depends on axioms: \[(.*)\]", text, re.DOTALL)
        none = text == f"'{unit.name}' does not depend on any axioms"
        if severity != "information" or not (stated or none):
            return f"server: no list of axioms but: {self._detail(text)}"
        used = {name.strip() for name in stated.group(1).split(",")} if stated else set()
        if unit.has_sorry or "sorryAx" in used:
            return "sorry: the proof has holes"
        if used - self._axioms:
            return f"axioms: {', '.join(sorted(used - self._axioms))}"
        return ""

    def _error(self, unit: _Unit) -> str:
        own = [error for error in unit.errors if error[0] != unit.check]
        at, message = (own or unit.errors)[0]
        text = str(message["data"])
        detail = self._detail(text)
        if _MEMORY.search(text):
            return f"memory: {detail}"
        if _RESOURCE.search(text):
            return f"timeout: {detail}"
        if at == unit.check and not unit.is_statement:
            return f"statement: what was proved is not what was asked for: {detail}"
        if text.startswith("unsolved goals"):
            return f"unsolved goals: {self._detail(text.removeprefix('unsolved goals').strip())}"
        return f"error: {detail}"

    def _detail(self, text: str) -> str:
        """Return a message's text, cut, with the names that are ours made plain."""
        plain = re.sub(rf"{self._secret}_[spc]\d+", "this theorem", text)
        return plain if len(plain) <= DETAIL else f"{plain[:DETAIL]} ..."
