"""Lean text as words separated by single spaces, for models with one token per word; and back.

Words are Lean's tokens, except for what must not be split or joined on the way back: ``h.symm``,
``?_``, ``.inl`` and runs of operator characters are one word, and a bracket that touches the word
before it (``xs[0]``) is a different word from one after a space. Comments are left out, lines and
their indentation are words too. The tokens of :mod:`lit_research.lean.lexer` would not do: the text
could not be written again from them.
"""

from __future__ import annotations

import re
import textwrap

from lit_research.lean.lexer import NAME, QUOTED_NAME, without_comments

NEWLINE, TAB, SPACE, ATTACHED = "<nl>", "<tab>", "<sp>", "<[>"
"""A new line; 2 columns of indentation; 1 column; a ``[`` that touches the word before it."""

LAYOUT_WORDS = (NEWLINE, TAB, SPACE, ATTACHED)
"""Words that stand for the layout of a text, from which it is written again."""

_WORD = re.compile(
    rf"{NAME}(?<=\.)\{{|{NAME}|{QUOTED_NAME}(?:\.{NAME})?"  # names
    rf"|\?{NAME}"  # holes
    r"|0[xXbBoO][0-9a-fA-F]+|\d+\.\d+|\d+"  # numbers
    r'|"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^\\'\s])'"  # strings and characters
    rf"|(?<![)\]}}⟩»\u203a·\d])\.{NAME}"  # constructors: .inl, but not (f x).length
    r"|#\[|!\[|∃!(?!=)|\.\.+|\|>\.|<;>"
    r"|(?:(?!<;>)[<>=:+\-*/^|&!~$%#\\⁻¹])+|\S"
)
# After these a dot is a projection, which touches both of its sides.
_CLOSERS = tuple(")]}⟩»\u203a·0123456789")
_TIGHT_AFTER, _TIGHT_BEFORE = frozenset("([⟨@"), frozenset(")]⟩,;")


def to_words(text: str) -> str:
    """Return Lean text as words with single spaces between them."""
    text = without_comments(text, lenient=True).replace("\t", "  ")
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    lines = textwrap.dedent("\n".join(lines)).splitlines()
    return f" {NEWLINE} ".join(" ".join(_line_words(line)) for line in lines)


def _line_words(line: str) -> list[str]:
    code = line.lstrip()
    tabs, odd = divmod(len(line) - len(code), 2)
    words = [TAB] * tabs + [SPACE] * odd
    for match in _WORD.finditer(code):
        before = code[match.start() - 1] if match.start() else " "
        touches = before.isalnum() or before in "_'!?)]}⟩"
        words.append(ATTACHED if match.group() == "[" and touches else match.group())
    return words


def from_words(text: str) -> str:
    """Return words as Lean text, with spaces where Lean needs them."""
    lines, words = [], text.split()
    while words:
        end = words.index(NEWLINE) if NEWLINE in words else len(words)
        lines.append(_line(words[:end]))
        words = words[end + 1 :]
    return "\n".join(line for line in lines if line)


def _line(words: list[str]) -> str:
    line, before = "", ""
    for word in words:
        if word in (TAB, SPACE):
            # Anywhere but at the start of a line it is a model's slip, which changes nothing.
            line += "  " if word == TAB and not before else " " if not before else ""
            continue
        piece = "[" if word == ATTACHED else word
        if before and not _touches(before, word, line):
            line += " "
        line += piece
        before = word
    return line if before else ""


def _touches(before: str, word: str, line: str) -> bool:
    """Return whether no space stands between two words."""
    if word == ATTACHED or before in _TIGHT_AFTER or before == ATTACHED or word in _TIGHT_BEFORE:
        return True
    if word == ".":
        return before.endswith(_CLOSERS)
    return before == "." and line[:-1].endswith(_CLOSERS)
