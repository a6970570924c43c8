"""One file of Lean for many attempts, and how to read a verdict for each from its messages.

The file is ours: every statement first, as a definition, before Lean has read any proof; then, for
each attempt, a theorem whose type is that definition and a command that prints its axioms. So the
kernel itself compares what is proved with what was asked for, and a statement is elaborated once
for all attempts at it. Names are generated for each file, so that a proof can name no other
attempt. Lean says where each message comes from, and we know which lines we wrote: no text of an
attempt, nor of a message, decides where an attempt starts or ends.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from lit_research.lean.guards import block
from lit_research.lean.reasons import DETAIL, cut, error_reason
from lit_research.lean.records import Verdict
from lit_research.lean.statements import Statement
from lit_research.lean.theorem import declared_universes, written_universes

AXIOMS = ("propext", "Classical.choice", "Quot.sound")  # those of Lean itself
_PRINT = "#print axioms"
_PRINT_PLAINLY = (
    "set_option pp.all false in set_option pp.universes false in set_option pp.fullNames true in "
    f"{_PRINT}"
)
_NAMELESS = re.compile(r"\b(Type|Sort)( ?\*| _(?!\w))")


@dataclass
class _Unit:
    """A section of the file that ends with a command that always answers.

    Attributes:
        first: its first line, counted from 1.
        last: the line of the command that answers.
        name: whose axioms that command prints.
        indices: the attempts that depend on it.
        statements: the first line of each statement that it defines and the attempts at it; none
            where it is an attempt.
    """

    first: int
    last: int
    name: str
    indices: list[int]
    statements: list[tuple[int, list[int]]]
    errors: list[tuple[int, str]] = field(default_factory=list)
    has_sorry: bool = False


class Batch:
    """The source of a file and the verdicts that its messages give.

    Args:
        header: imports and the like.
        attempts: a statement and a proof each.
        axioms: what a proof may rest on.
        with_header: begin the file with the header; else it is known where the file goes.
        closely: let Lean answer after each statement instead of once after all, to know which one
            it crashes on.

    Attributes:
        source: the file.
        verdicts: one for each attempt, None until it is known.
        is_broken: a message came that such a file cannot cause; later ones are not trusted.
    """

    def __init__(
        self,
        header: str,
        attempts: Sequence[tuple[Statement, str]],
        axioms: Collection[str],
        *,
        with_header: bool = True,
        closely: bool = False,
    ) -> None:
        self.verdicts: list[Verdict | None] = [None] * len(attempts)
        self.is_broken = False
        self._axioms = frozenset(axioms)
        self._secret = f"LitResearch_{secrets.token_hex(8)}"
        self._header = "\n".join(header.splitlines()) if with_header else ""
        self._declared = declared_universes(header)
        # An `open` would shorten the names of axioms, and options would add their universes.
        self._print = _PRINT_PLAINLY if re.search(r"\bopen\b|\bpp\.", header) else _PRINT
        self._units: list[_Unit] = []
        self._place = 0
        self._header_error = ""
        self._lines = self._header.count("\n") + 1
        asked: dict[tuple[str, ...], list[int]] = {}
        for index, (statement, _) in enumerate(attempts):
            asked.setdefault(statement.key, []).append(index)
        groups = list(asked.values())
        parts = [self._header]
        size = 1 if closely else max(len(groups), 1)
        for first in range(0, len(groups), size):
            part = groups[first : first + size]
            parts.append(self._statements([(attempts[of[0]][0], of) for of in part], first))
        place_of = {index: place for place, of in enumerate(groups) for index in of}
        universes = [self._typed(attempts[of[0]][0])[0] for of in groups]
        for index, (statement, proof) in enumerate(attempts):
            place = place_of[index]
            parts.append(self._attempt(index, place, universes[place], statement, proof))
        self.source = "\n".join(parts) + "\n"

    def _typed(self, statement: Statement) -> tuple[str, str]:
        """Return the universes to declare, and the type with a name for each nameless one."""
        numbers = itertools.count()
        text = _NAMELESS.sub(lambda match: f"{match[1]} lit_u{next(numbers)}", statement.type)
        new = [name for name in written_universes(text) if name not in self._declared]
        return f".{{{', '.join(new)}}}" if new else "", text

    def _name(self, statement: Statement, kind: str, number: int) -> str:
        """Return a name that no attempt can know, in the statement's namespace."""
        name = f"{self._secret}_{kind}{number}"
        return f"{statement.namespace}.{name}" if statement.namespace else name

    def _statements(self, statements: list[tuple[Statement, list[int]]], number: int) -> str:
        """Return definitions of statements, of each of which the attempts at it are given."""
        lines: list[str] = []
        starts: list[tuple[int, list[int]]] = []
        for place, (statement, indices) in enumerate(statements, start=number):
            starts.append((self._lines + 1 + len(lines), indices))
            universes, type_ = self._typed(statement)
            lines.append(f"def {self._name(statement, 's', place)}{universes} : Prop := ({type_})")
        # One of ours, which always answers, whatever became of the others.
        closing = f"{self._secret}_e{number}"
        lines.append(f"def {closing} : Prop := True")
        indices = [index for _, of in starts for index in of]
        return self._unit(closing, lines, indices, starts)

    def _attempt(
        self, index: int, number: int, universes: str, statement: Statement, proof: str
    ) -> str:
        proved, asked = self._name(statement, "p", index), self._name(statement, "s", number)
        # The goal must be the conclusion, with the binders' variables before it.
        names = statement.binder_names
        start = f"@fun {' '.join(names)} => (by" if names else f"(by delta {asked}; exact (by"
        lines = [
            f"theorem {proved}{universes} : {asked}{universes} := {start}",
            block(proof),
            ")" if names else "))",
        ]
        return self._unit(proved, lines, [index], [])

    def _unit(
        self,
        name: str,
        lines: list[str],
        indices: list[int],
        statements: list[tuple[int, list[int]]],
    ) -> str:
        text = "\n".join([*lines, f"{self._print} {name}"])
        first = self._lines + 1
        self._lines += text.count("\n") + 1
        self._units.append(_Unit(first, self._lines, name, indices, statements))
        return text

    @property
    def is_finished(self) -> bool:
        """Whether every attempt has its verdict."""
        return bool(self._header_error) or self._place == len(self._units)

    @property
    def in_hand(self) -> list[int]:
        """The attempts that depend on the current section: one, all at a statement, or all."""
        if self.is_finished:
            return []
        return [i for i in self._units[self._place].indices if self.verdicts[i] is None]

    @property
    def is_vague(self) -> bool:
        """Whether the current section has several statements: ``in_hand`` blames too many then."""
        return not self.is_finished and len(self._units[self._place].statements) > 1

    @property
    def complaint(self) -> str:
        """What Lean says of the current section; empty if nothing."""
        errors = [] if self.is_finished else self._units[self._place].errors
        return self._detail(errors[0][1]) if errors else ""

    def feed(self, line: str, seconds: float = 0.0) -> bool:
        """Read a line of Lean's output.

        Args:
            line: a message as JSON; anything else is ignored.
            seconds: wall time since the last section ended.

        Returns:
            whether a section of the file ended with it.
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
            unit.errors.append((at, text))
        elif severity == "warning" and "`sorry`" in text:
            unit.has_sorry = True
        return False

    def _late(self, at: int, severity: str, text: str) -> None:
        """Withdraw verdicts when an error in their lines arrives after them."""
        for unit in self._units:
            if severity == "error" and unit.first <= at <= unit.last:
                of_statement = self._statement_at(unit, at)
                for index in unit.indices if of_statement is None else of_statement:
                    self.verdicts[index] = Verdict(False, f"error: {self._detail(text)}")

    def _fail_header(self, text: str) -> None:
        self._header_error = self._detail(text)
        reason = f"statement: the header does not elaborate: {self._header_error}"
        self.verdicts = [Verdict(False, reason)] * len(self.verdicts)

    @staticmethod
    def _statement_at(unit: _Unit, line: int) -> list[int] | None:
        """Return the attempts at the statement on a line; None if there is none."""
        found = None
        for first, indices in unit.statements:
            if first <= line:
                found = indices
        return found

    def _close(self, unit: _Unit, severity: str, text: str, seconds: float) -> None:
        used = _axioms(unit.name, text) if severity == "information" else None
        if unit.statements:
            for at, error in unit.errors:
                reason = self._error(error)
                if not reason.startswith(("timeout", "memory")):
                    reason = f"statement: {reason.partition(': ')[2]}"
                self._settle(self._statement_at(unit, at) or [], reason, 0.0)
            if used is None:
                why = self._error(text) if severity == "error" else self._unanswered(text)
                self._settle(unit.indices, why, 0.0)
        else:
            errors = [text for _, text in unit.errors]
            reason = self._error(errors[0]) if errors else self._reason(unit, used, text)
            self._settle(unit.indices, reason, seconds)

    def _settle(self, indices: list[int], reason: str, seconds: float) -> None:
        for index in indices:
            if self.verdicts[index] is None:
                self.verdicts[index] = Verdict(not reason, reason, seconds)

    def _reason(self, unit: _Unit, used: set[str] | None, text: str) -> str:
        """Return why an attempt without errors is not proved; empty if it is."""
        if used is None:
            return self._unanswered(text)
        if unit.has_sorry or "sorryAx" in used:
            return "sorry: the proof has holes"
        if used - self._axioms:
            return f"axioms: {', '.join(sorted(used - self._axioms))}"
        return ""

    def _unanswered(self, text: str) -> str:
        return f"server: no list of axioms but: {self._detail(text)}"

    def _error(self, text: str) -> str:
        return error_reason(text, self._detail(text))

    def _detail(self, text: str) -> str:
        """Return a message's text, truncated, with our generated names replaced."""
        first, *others = re.split(rf"{self._secret}_[sep]\d+", text[: 4 * DETAIL])
        plain = first
        for part in others:
            plain = f"{_without_namespace(plain)}this theorem{part}"
        return cut(plain)


def _without_namespace(text: str) -> str:
    """Return ``text`` without the namespace that it ends with, if any."""
    start = len(text)
    while start and (text[start - 1].isalnum() or text[start - 1] in "_."):
        start -= 1
    return text[:start] if text.endswith(".") else text


def _axioms(name: str, text: str) -> set[str] | None:
    """Return the axioms that Lean says ``name`` depends on; None if it does not say so."""
    if text == f"'{name}' does not depend on any axioms":
        return set()
    before, after = f"'{name}' depends on axioms: [", "]"
    if not (text.startswith(before) and text.endswith(after)):
        return None
    return {axiom.strip() for axiom in text[len(before) : -len(after)].split(",")}
