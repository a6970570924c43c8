"""A statement as Lean is to read it: its own text, to the letter, under a name of ours.

:mod:`lit_research.lean.statements` reads the parts of a statement to write them again, for files
that we write and for what compares statements. Here nothing is read but where it begins and ends:
the embedded Lean compares types itself, so that its own reading is the only one that counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lit_research.lean.lexer import LexError, without_comments
from lit_research.lean.statements import HEAD, LONGEST, NO_NAMES, OWN_LEVELS

OWN_NAME = "LitResearch_theorem"  # no text that the guard lets through can write it
_QUOTES = frozenset('«»"')
_LEVELS = re.compile(rf"\b(?:Type|Sort)(?: ?\(([^()]*)\)| ([^\W\d]\w*))|{OWN_LEVELS.pattern}")
_LEVEL = re.compile(r"[^\W\d]\w*")
_DECLARED = re.compile(r"^[^\S\n]*universe ([^\n]*)$", re.MULTILINE)


@dataclass(frozen=True)
class Theorem:
    """A statement for Lean.

    Attributes:
        namespace: what stands before the last dot of its name: Lean looks names up there, too.
        rest: all that follows the name, as it was written, without ``:=`` and what follows.
    """

    namespace: str
    rest: str

    @property
    def name(self) -> str:
        """The name that it is given: what it was called decides nothing else."""
        return f"{self.namespace}.{OWN_NAME}" if self.namespace else OWN_NAME

    @property
    def text(self) -> str:
        """What follows the word ``theorem``, up to ``:=``."""
        return f"{self.name}{self.rest}"

    def universes(self, header: str) -> tuple[str, ...]:
        """Return the levels to declare before it: those that it uses and nothing declares.

        One too many does no harm: levels have their own namespace.
        """
        own = OWN_LEVELS.match(self.rest)
        known = set(_LEVEL.findall(own[1])) if own else set()
        known |= declared_universes(header)
        return tuple(name for name in written_universes(self.rest) if name not in known)


def written_universes(text: str) -> list[str]:
    """Return the universes that a statement's text writes, each once, in their order."""
    parts = (" ".join(match.groups(default="")) for match in _LEVELS.finditer(text))
    names = dict.fromkeys(name for part in parts for name in _LEVEL.findall(part))
    return [name for name in names if name not in ("max", "imax", "_")]


def declared_universes(header: str) -> set[str]:
    """Return the universes that a header declares."""
    return {name for line in _DECLARED.findall(header) for name in line.split()}


@lru_cache(maxsize=65536)
def read_theorem(text: str) -> Theorem | None:
    """Return a statement for Lean; None where it does not begin with ``theorem NAME``.

    Args:
        text: ``theorem NAME BINDERS : CONCLUSION``, perhaps with ``:=``, ``:= by`` or
            ``:= by sorry`` at its end, and attributes or ``private`` before it, which are left
            out. Whether it is one statement and no more, Lean says.
    """
    if len(text) > LONGEST:
        return None
    try:
        plain = without_comments(text)  # as long as the text
    except LexError:
        return None
    head = HEAD.match(plain)
    if head is None or head[1] in NO_NAMES or _QUOTES & set(head[1]):
        return None
    namespace = head[1].removeprefix("_root_.").rpartition(".")[0]
    return Theorem(namespace, text[head.end(1) : _end(plain)])


def _end(plain: str) -> int:
    """Return where a statement ends, before ``:= by sorry`` or part of it."""
    whole = plain.rstrip()
    rest = whole
    for word in ("sorry", "by", ":="):
        if rest.endswith(word):
            rest = rest[: -len(word)].rstrip()
            if word == ":=":
                return len(rest)
    return len(whole)
