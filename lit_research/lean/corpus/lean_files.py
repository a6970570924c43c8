"""Theorems in the text of a ``.lean`` file: statements, proofs and what they need before them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lit_research.lean.lexer import CLOSING, OPENING, without_comments
from lit_research.lean.statements import HEAD, OWN_LEVELS

_BY = re.compile(r"\s*by\b")
_HEADER = re.compile(r"(?:import|open|universe|set_option|noncomputable section)\b")


@dataclass(frozen=True)
class FileTheorem:
    """A theorem of a file.

    Attributes:
        name: as written, after the namespaces that it is in.
        statement: ``theorem``, name, binders of ``variable`` commands, binders, conclusion.
        header: imports, ``open`` and options before it; a namespace is opened.
        proof: a block of tactics; empty if there is none, or ``sorry``.
    """

    name: str
    statement: str
    header: str
    proof: str


def scan(text: str) -> Iterator[FileTheorem]:
    """Yield the theorems of a file.

    Definitions are skipped: theorems about definitions of the file need the file as an import.
    """
    header: list[str] = []
    variables: list[str] = []
    scopes: list[tuple[str, int, int]] = []  # namespace; lengths of header and variables
    for command in _commands(text):
        word, _, rest = command.partition(" ")
        if head := HEAD.match(f"{command}\n"):
            name = head[1]
            levels = OWN_LEVELS.match(command, head.end())
            tail = command[(levels or head).end() :]
            full_name = f"{name}{levels[0] if levels else ''}"
            namespaces = [scope[0] for scope in scopes if scope[0]]
            statement, proof = split_at_proof(f"theorem {full_name} {' '.join(variables)} {tail}")
            yield FileTheorem(".".join([*namespaces, name]), statement, "\n".join(header), proof)
        elif word in ("namespace", "section"):
            name = rest.strip() if word == "namespace" else ""
            scopes.append((name, len(header), len(variables)))
            if name:
                header.append(f"open {name}")
        elif word == "end" and scopes:
            _, lines, binders = scopes.pop()
            del header[lines:], variables[binders:]
        elif word == "variable":
            variables.append(" ".join(rest.split()))
        elif _HEADER.match(command) and not re.search(r"\bin\s*$", command):
            header.append(" ".join(command.split()))


def _commands(text: str) -> Iterator[str]:
    """Yield the commands of a file, without comments: each starts in column 0."""
    lines: list[str] = []
    for line in without_comments(text, lenient=True).split("\n"):
        if line[:1].strip() and not line.startswith(("|", "·", *CLOSING)):
            yield "\n".join(lines).strip()
            lines = []
        lines.append(line.rstrip())
    yield "\n".join(lines).strip()


def split_at_proof(text: str) -> tuple[str, str]:
    """Split a theorem's text into its statement and its proof, as a block of tactics.

    The proof is empty if there is none or only ``sorry``.
    """
    plain = without_comments(text, lenient=True)  # as long as the text
    depth = 0
    for index, character in enumerate(plain):
        depth += (character in OPENING) - (character in CLOSING)
        if depth == 0 and plain.startswith(":=", index):
            start = index + len(":=")
            if by := _BY.match(plain, start):
                block = text[by.end() :]
            else:
                block = f"exact {text[start:].strip()}" if plain[start:].strip() else ""
            block = _dedented(block)
            return text[:index].rstrip(), "" if block in ("sorry", "exact sorry") else block
    return text.rstrip(), ""


def _dedented(block: str) -> str:
    """Return a block without the common indentation of the lines after the first."""
    first, _, rest = block.partition("\n")
    lines = rest.split("\n")
    least = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0)
    body = "\n".join(line[least:].rstrip() for line in lines).strip("\n")
    return f"{first.strip()}\n{body}".strip() if first.strip() else body
