"""Statements as text: the parts of ``theorem NAME BINDERS : CONCLUSION``, and measures of them.

This reads tokens and brackets, no types: what a statement means, Lean says. The embedded Lean is
shown a statement to the letter instead (:mod:`lit_research.lean.theorem`); both know where a
statement begins from ``HEAD``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lit_research.lean.lexer import (
    BINDING,
    BRACKET,
    CLOSING,
    OPENING,
    LexError,
    in_one_line,
    tokens,
    unbalanced,
    without_comments,
)

KEYWORDS = ("theorem", "lemma")
# What may stand before the keyword: it changes how the theorem is used, not what it says.
MODIFIERS = r"(?:@\[[^\[\]]*\]\s*)*(?:(?:private|protected|public|nonrec|noncomputable)\s+)*"
# No name, since a declaration begins with it.
_DECLARATIONS = "abbrev axiom class def example inductive instance opaque structure"
NO_NAMES = frozenset((*KEYWORDS, *_DECLARATIONS.split()))
_STOP = r"\s(\[{⦃:"  # ends a name
HEAD = re.compile(rf"\s*{MODIFIERS}(?:{'|'.join(KEYWORDS)})\s+([^{_STOP}]+?)(?=\.\{{|[{_STOP}])")
"""``theorem NAME`` at the start of a text without comments; the name is group 1."""
OWN_LEVELS = re.compile(r"\.\{([^{}]*)\}")
"""The universes that may follow the name: ``.{u, v}``."""

_NAMED_INSTANCE = re.compile(r"\[\s*[^\W\d][\w'₀-₉]*\s*:(?!=)")
LONGEST = 20_000  # characters of a statement that is read at all
_LET = re.compile(r"(?<![\w.])(?:let|have)(?!\w)|;|:=|" + BRACKET)
_VALUE_END = re.compile(r"[\w)\]}⟩'!?]$")  # not an operator, nor the `:=`
# What begins a term, so that the end of the line before it may stand for a semicolon.
_TERM = re.compile(r"[\w(\[{⟨∀∃¬|‖⌊⌈√∑∏↑]")
OR, AND, IFF, IMPLIES, NOT = "∨", "∧", "↔", "→", "¬"
CONNECTIVES = (IFF, IMPLIES, OR, AND)
"""As Lean reads them, the loosest first: a proposition is split at the loosest one."""


@dataclass(frozen=True)
class Binder:
    """One binder of a statement.

    Attributes:
        bracket: the opening one.
        names: that it binds; none for an instance without a name.
        type: as it is written, empty where it is left to Lean.
    """

    bracket: str
    names: tuple[str, ...]
    type: str

    @property
    def type_tokens(self) -> tuple[str, ...]:
        """The tokens of the type."""
        return tuple(tokens(self.type))


def _read_binder(text: str) -> Binder:
    width = 2 if text.startswith("{{") and text.endswith("}}") else 1
    inner = text[width:-width]
    # An instance without a name may hold a colon, too: `[∀ x : A, Decidable (p x)]`.
    if text[0] == "[" and not _NAMED_INSTANCE.match(text):
        return Binder("[", (), inner.strip())
    names, _, type_ = inner.partition(":")
    return Binder(text[0], tuple(tokens(names)), type_.strip())


@dataclass(frozen=True)
class Statement:
    """The parts of a statement.

    Attributes:
        name: of the theorem.
        binders: each with its brackets, as they stand.
        conclusion: what stands after the colon that is in no bracket.
    """

    name: str
    binders: tuple[str, ...]
    conclusion: str

    @property
    def text(self) -> str:
        """The statement in one line, ``theorem NAME BINDERS : CONCLUSION``."""
        return " ".join(["theorem", self.name, *self.binders, ":", self.conclusion])

    @property
    def type(self) -> str:
        """The same as a closed proposition, ``∀ BINDERS, CONCLUSION``."""
        return f"∀ {' '.join(self.binders)}, {self.conclusion}" if self.binders else self.conclusion

    @property
    def body(self) -> tuple[str, ...]:
        """The tokens after the name: two statements that differ in their names alone share it."""
        return tuple(tokens(" ".join([*self.binders, ":", self.conclusion])))

    def renamed(self, name: str) -> Statement:
        """Return it under another name."""
        return Statement(name, self.binders, self.conclusion)

    @property
    def bindings(self) -> tuple[Binder, ...]:
        """The binders, read."""
        return tuple(map(_read_binder, self.binders))

    @property
    def binder_names(self) -> tuple[str, ...]:
        """The names that the binders bind, in their order; ``_`` for an instance without a name."""
        names: list[str] = []
        for binder in self.bindings:
            names += ["_"] if binder.bracket == "[" and not binder.names else binder.names
        return tuple(names)

    @property
    def namespace(self) -> str:
        """What stands before the last dot of the name: Lean looks names up there, too."""
        return self.name.removeprefix("_root_.").rpartition(".")[0]

    @property
    def key(self) -> tuple[str, ...]:
        """What a proof of it depends on: all but the last part of the name."""
        return (self.namespace, *self.binders, self.conclusion)

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """The types of the binders' variables where they are written, one a binder."""
        return tuple(binder.type for binder in self.bindings if binder.names and binder.type)

    @property
    def disjuncts(self) -> int:
        """Number of parts that ``∨`` joins in the conclusion, at any depth."""
        return 1 + tokens(self.conclusion).count(OR)

    @property
    def conjuncts(self) -> int:
        """Number of parts that ``∧`` joins in the conclusion, at any depth."""
        return 1 + tokens(self.conclusion).count(AND)

    @property
    def conclusion_length(self) -> int:
        """Length of the conclusion in tokens."""
        return len(tokens(self.conclusion))


@lru_cache(maxsize=65536)
def parse_statement(text: str) -> Statement | None:
    """Return the parts of a theorem's statement; None if it is not one.

    Args:
        text: ``theorem NAME BINDERS : CONCLUSION``, perhaps with ``:= by`` or ``:= by sorry`` at
            its end, or attributes and ``private`` before it, perhaps over several lines.
    """
    if len(text) > LONGEST:
        return None
    try:
        text = in_one_line(_with_semicolons(without_comments(text)))
    except LexError:
        return None
    text = re.sub(r"\s*:=\s*(by\b)?\s*(sorry)?\s*$", "", text)
    head = HEAD.match(text)
    if head is None or head[1] in NO_NAMES:
        return None
    # `t.{u}`: which universes there are is read in the types.
    levels = OWN_LEVELS.match(text, head.end())
    found = _split(text[(levels or head).end() :])
    if found is None:
        return None
    binders, conclusion = found
    return Statement(head[1], binders, conclusion) if conclusion else None


def _with_semicolons(text: str) -> str:
    """Return ``text`` with a semicolon where the end of a line ends the value of a ``let``.

    As Lean reads it, what begins further right than the ``let`` continues the value.
    """
    lines = [line.rstrip(" ") for line in text.split("\n")]
    # Of each open `let`: its column, the brackets around it, and whether its value has begun.
    lets: list[tuple[int, int, bool]] = []
    depth = 0
    for number, line in enumerate(lines):
        column = len(line) - len(line.lstrip(" "))
        if lets and _TERM.match(line, column) and _VALUE_END.search(lines[number - 1]):
            at, around, has_value = lets[-1]
            if has_value and around == depth and column <= at:
                lines[number - 1] += ";"
                lets.pop()
        for match in _LET.finditer(line):
            mark = match.group()
            if mark in ("let", "have"):
                lets.append((match.start(), depth, False))
            elif mark == ";":
                if lets and lets[-1][1] == depth:
                    lets.pop()
            elif mark == ":=":
                if lets and lets[-1][1] == depth:
                    lets[-1] = (*lets[-1][:2], True)
            else:
                depth += 1 if mark in OPENING else -1
                while lets and lets[-1][1] > depth:
                    lets.pop()
    return "\n".join(lines)


def _split(text: str) -> tuple[tuple[str, ...], str] | None:
    """Return the bracketed binders and what stands after the first colon outside of them."""
    binders: list[str] = []
    open_brackets: list[str] = []
    start = 0
    for place, character in enumerate(text):
        if character in OPENING:
            if not open_brackets:
                if text[start:place].strip() or character not in BINDING:
                    return None  # a binder without its brackets
                start = place
            open_brackets.append(character)
        elif character in CLOSING:
            if not open_brackets or open_brackets.pop() != CLOSING[character]:
                return None
            if not open_brackets:
                binders.append(text[start : place + 1])
                start = place + 1
        elif character == ":" and not open_brackets:
            conclusion = text[place + 1 :].strip()
            between = text[start:place].strip()
            ok = not between and not conclusion.startswith("=") and not unbalanced(conclusion)
            return (tuple(binders), conclusion) if ok else None
    return None
