"""Lean's brackets, comments and tokens: the one place that says what they are.

Two readers of tokens, since they must err on different sides. ``lex`` is the guards': so strict
that it and Lean cannot disagree. What Lean sees of an untrusted text is what was read here:
comments are taken out before anything is looked at, strings, characters and quoted names are
refused, and a character that Lean does not take for part of a name is never one here. ``tokens``
reads any text, as statements are compared, graded and measured: it never refuses, takes any letter
for part of a name, and decides nothing about what is proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Characters of names, as in Lean's `isIdFirst` and `isIdRest`: a letter that Lean does not know
# would hide the keyword after it from us and not from Lean.
_GREEK = "\u0391-\u039f\u03a1\u03a4-\u03a9\u03b1-\u03ba\u03bc-\u03fb\u1f00-\u1ffe"  # no \u03bb
_FIRST = f"A-Za-z_{_GREEK}\u2100-\u214f\U0001d49c-\U0001d59f"
_REST = f"{_FIRST}0-9'!?\u2080-\u2089\u2090-\u209c\u1d62-\u1d6a\u2c7c"
_WORD = re.compile(f"[{_FIRST}][{_REST}]*(?:\\.[{_FIRST}][{_REST}]*)*")
_DECIMAL = "[0-9]+(?:_[0-9]+)*"
_NUMBER = re.compile(
    f"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|{_DECIMAL}(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
)
_GLUED = re.compile(f"[{_FIRST}]")

# Symbols: ASCII, and the blocks from which mathematical notation is made. Letters of other scripts,
# spaces other than two, controls and marks that change the direction of text are in none of them.
_LATIN_1 = "\u00ac\u00b0-\u00b3\u00b7\u00b9\u00d7\u00f7"
_GREEK_SYMBOLS = "\u03bb\u03a0\u03a3"
_PUNCTUATION = "\u2016\u2020-\u2022\u2026\u2032\u2033\u2039\u203a\u203c"
_RAISED = "\u2070\u2074-\u207e\u208a-\u208e\u1d40\u1d34\u1d43-\u1d61\u1d9b-\u1dbf"
_RAISED += "\u02b0-\u02b8\u02e0-\u02e4"
_DOUBLE_STRUCK = "\U0001d7d8-\U0001d7e1"
_MATHEMATICS = "\u2190-\u23ff\u2500-\u25ff\u2713-\u27bf\u27c0-\u27ff\u2900-\u2aff\u2b00-\u2bff"
# Big operators and inverses: a lone quote may start a character; after these, before a space, none.
_PRIMED = "(?:[\u2210\u2211\u220f\u22c2\u22c3\u2a05\u2a06\u03a3]|\u207b\u00b9)'(?= )"
_SYMBOL = re.compile(
    rf":=|@\[|#\[|''|{_PRIMED}|\.\.|<;>|[-!%&()*+,./:;<=>?@\[\\\]^_{{|}}~$"
    f"{_LATIN_1}{_GREEK_SYMBOLS}{_PUNCTUATION}{_RAISED}{_DOUBLE_STRUCK}{_MATHEMATICS}]"
)

_MARK, _MARK_INSIDE = re.compile(r"/-|-/|--[^\n]*"), re.compile(r"/-|-/")
# Where no comment starts: in quoted names, characters and strings, of which the beginning is found.
_CHARACTER = r"(?<![\w'!?])'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^\n]))'"
_OUTSIDE = re.compile(rf"{_MARK.pattern}|«[^«»\n]*»|{_CHARACTER}|(?<![\w.])r#*\"|\"")
_STRING_REST = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

OPENING = {"(": ")", "[": "]", "{": "}", "⟨": "⟩", "⦃": "⦄", "\u2039": "\u203a", "⟪": "⟫"}
CLOSING = {closed: opened for opened, closed in OPENING.items()}
BRACKET = f"[{re.escape(''.join([*OPENING, *CLOSING]))}]"
"""One bracket, as a regular expression."""
# Between these a binder or ``:=`` may stand; the others hold terms.
BINDING = ("(", "[", "{", "⟨", "⦃")

NAME = r"[^\W\d][\w.'?!₀-₉]*"
"""A name for a lenient reader, dots included: any letters, whether Lean knows them or not."""
QUOTED_NAME = r"«[^»\n]*»"
# Operators of several characters before those of one.
_TOKEN = re.compile(
    rf"{NAME}|{QUOTED_NAME}|\d+|:=|<;>|<\|>|=>|->|<->|←|<-|<=|>=|!=|\+\+|::|\|\||&&|\S"
)


class LexError(ValueError):
    """The text is not made of Lean's words and symbols alone; the message says what is there."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word (``kind`` is ``word``), ``number`` or ``symbol``, with its text."""

    kind: str
    text: str


def without_comments(text: str, *, lenient: bool = False) -> str:
    """Return ``text`` with a space for each character of a comment; lines and columns stay.

    Args:
        text: of Lean; comments may be nested.
        lenient: return a text whose comments cannot be read as it is. Not for guards.

    Raises:
        LexError: a comment or a string is not closed, or a comment is closed without being open.
    """
    try:
        return _blanked(text, (span for *span, is_comment in _spans(text) if is_comment))
    except LexError:
        if lenient:
            return text
        raise


def tokens(text: str) -> list[str]:
    """Return the tokens of any ``text``, comments left out; see the head of this module."""
    return _TOKEN.findall(without_comments(text, lenient=True))


def code_of(text: str) -> str:
    """Return ``text`` with a space for each character of a comment, string or quoted name, too.

    Raises:
        LexError: as :func:`without_comments`.
    """
    return _blanked(text, (span for *span, _ in _spans(text)))


def in_one_line(text: str) -> str:
    """Return a text without comments with one space for each run of spaces and line ends.

    Strings and quoted names stay as they are.

    Raises:
        LexError: as :func:`without_comments`, or one of them goes over the end of a line.
    """
    out: list[str] = []
    place = 0
    for start, end, _ in _spans(text):
        if "\n" in text[start:end]:
            raise LexError("a string goes over the end of its line")
        out += [re.sub(r"\s+", " ", text[place:start]), text[start:end]]
        place = end
    return "".join([*out, re.sub(r"\s+", " ", text[place:])]).strip()


def _blanked(text: str, spans: Iterator[list[int]]) -> str:
    out: list[str] = []
    place = 0
    for start, end in spans:
        out += [text[place:start], _blank(text[start:end])]
        place = end
    return "".join(out) + text[place:]


def _spans(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield start and end of comments (True), strings, characters and quoted names (False)."""
    place = 0
    while match := _OUTSIDE.search(text, place):
        mark, place = match.group(), match.end()
        is_comment = mark[0] in "/-"
        if mark == "-/":
            raise LexError("it closes a comment that is not open: -/")
        if mark == "/-":
            place = _end_of_comment(text, place)
        elif mark[-1] == '"' and mark[0] in '"r':
            place = _end_of_string(text, place, mark)
        yield match.start(), place, is_comment


def _end_of_comment(text: str, place: int) -> int:
    depth = 1
    while depth:
        match = _MARK_INSIDE.search(text, place)
        if match is None:
            raise LexError("a comment is not closed: /-")
        depth += 1 if match.group() == "/-" else -1
        place = match.end()
    return place


def _end_of_string(text: str, place: int, mark: str) -> int:
    """Return where a string ends whose beginning, ``"`` or ``r#"``, ends at ``place``."""
    if mark[0] == "r":
        closing = '"' + "#" * (len(mark) - 2)
        end = text.find(closing, place) + len(closing)
        is_closed = end >= place + len(closing)
    else:
        match = _STRING_REST.match(text, place)
        end, is_closed = (match.end(), True) if match else (0, False)
    if not is_closed:
        raise LexError("a string is not closed")
    return end


def _blank(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))


def lex(text: str) -> list[Token]:
    """Return the tokens of a text without comments.

    Raises:
        LexError: it holds a character that is in none of Lean's names, numbers and symbols, or a
            string, a character in quotes, a quoted name, a mark of a comment, or a word that
            starts within a number.
    """
    found: list[Token] = []
    place = 0
    while place < len(text):
        character = text[place]
        if character in " \n":
            place += 1
            continue
        if match := _WORD.match(text, place):
            kind = "word"
        elif match := _NUMBER.match(text, place):
            kind = "number"
            if _GLUED.match(text, match.end()):
                raise LexError(f"a number runs into a name: {text[place : match.end() + 1]}")
        elif match := _MARK.match(text, place):
            raise LexError(f"a comment starts or ends: {match.group()[:2]}")
        elif match := _SYMBOL.match(text, place):
            kind = "symbol"
        else:
            raise LexError(f"the character U+{ord(character):04X} is not allowed: {character!r}")
        found.append(Token(kind, match.group()))
        place = match.end()
    return found


def unbalanced(texts: Iterable[str], deepest: int | None = None) -> str | None:
    """Return what is wrong with the brackets, None if nothing is.

    Args:
        texts: tokens, or the characters of a text.
        deepest: how deep they may be nested; None is any depth.
    """
    open_brackets: list[str] = []
    for text in texts:
        if text in OPENING:
            open_brackets.append(text)
            if deepest is not None and len(open_brackets) > deepest:
                return f"brackets are nested more than {deepest} deep"
        elif text in CLOSING and (not open_brackets or open_brackets.pop() != CLOSING[text]):
            return f"a bracket closes nothing: {text}"
    return f"a bracket is not closed: {open_brackets[-1]}" if open_brackets else None
