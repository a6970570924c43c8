"""The place of a theorem that lean-dojo has traced in its file, and its record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypedDict

from lit_research.lean.lexer import LexError, without_comments
from lit_research.lean.statements import Statement, parse_statement


class TracedRecord(TypedDict):
    """A theorem as a record of a target set, and what its proof uses.

    Attributes:
        id: repository, commit, file and full name.
        header: the file up to the theorem.
        theorem: ``theorem NAME BINDERS : CONCLUSION``.
        tag: the file.
        source: where to read it.
        proofs: its proof as a block of tactics, if it is one.
        premises: full names of what statement and proof mention, each once.
    """

    id: str
    header: str
    theorem: str
    tag: str
    source: str
    proofs: list[str]
    premises: list[str]


@dataclass(frozen=True)
class Place:
    """A theorem and the command of its file that it is in.

    Attributes:
        traced: lean-dojo's ``TracedTheorem``.
        statement: what it states.
        command: lean-dojo's node of the syntax tree, a child of the file's.
    """

    traced: Any
    statement: Statement
    command: Any

    @property
    def line(self) -> int:
        """The line on which the command starts, counted from 1."""
        return int(self.command.start.line_nb)

    def header(self) -> str:
        """Return the file up to the command."""
        file = self.traced.traced_file.lean_file
        return str(file[file.start_pos : self.command.start])

    def is_wrapped(self) -> bool:
        """Whether ``open ... in`` and the like stand before it in its command."""
        before = self.traced.traced_file.lean_file[self.command.start : self.traced.start]
        try:
            return "in" in without_comments(before).split()
        except LexError:
            return True

    def record(self) -> TracedRecord:
        """Return the theorem as a record of a target set."""
        theorem, proof = self.traced.theorem, self.traced.get_tactic_proof()
        where = f"{theorem.repo.url}/blob/{theorem.repo.commit}/{theorem.file_path}#L{self.line}"
        return {
            "id": theorem.uid,
            "header": self.header(),
            "theorem": self.statement.text,
            "tag": str(theorem.file_path),
            "source": where,
            "proofs": [] if proof is None else [self._tactics(proof)],
            "premises": list(dict.fromkeys(self.traced.get_premise_full_names())),
        }

    def _tactics(self, proof: str) -> str:
        """Return ``by ...`` without ``by``, with every column as it is in the file."""
        start, _ = self.traced.locate_proof()
        text = " " * (start.column_nb + 1) + proof.removeprefix("by")
        return re.sub(r"\A\s*\n", "", text)


def place_of(traced: Any) -> Place | None:
    """Return a theorem's place; None where its statement or its command is unknown."""
    try:
        statement = parse_statement(traced.get_theorem_statement())
    except AssertionError:  # what looks like a comment inside the statement
        return None
    for command in traced.traced_file.ast.children:
        inside = command.start is not None and command.start <= traced.start
        if inside and traced.end <= command.end:
            return Place(traced, statement, command) if statement else None
    return None
