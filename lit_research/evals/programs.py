"""Programs in texts: fenced blocks of Python, or a text that is a program itself."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from dataclasses import dataclass

from lit_research.evals.final_answers import END_OF_THOUGHT

MAX_PROGRAM = 100_000
"""Longest text, in characters, that is read as a program where no fence says that it is one."""

_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*([^`\s]*)[^`]*")
_PYTHON = ("python", "python3", "py", "py3")


@dataclass(frozen=True)
class Program:
    """The program that a text states, or why there is none.

    Attributes:
        code: the program; None if the text states none, or not all of it.
        reason: why ``code`` is None: ``none`` or ``malformed: ...``.
    """

    code: str | None
    reason: str = ""


@dataclass(frozen=True)
class _Block:
    language: str
    code: str
    is_closed: bool


def parse_program(text: str, final: str | None = None) -> Program:
    """Return the program of a response, in time linear in its length.

    It is the last fenced block of the final answer that is marked as Python, else its last block
    without a mark; without such blocks, the final answer itself if it is a program; else the last
    block, likewise, of the whole text. A block that is never closed was cut: it is malformed, and
    an earlier one is not taken in its place.

    Args:
        text: the response.
        final: its final answer; None: what follows the last ``</think>`` of ``text``, if anything
            does, else all of it.
    """
    if final is None:
        final = text
        for tag in END_OF_THOUGHT:
            after = final.rpartition(tag)[2]
            final = after if after.strip() else final
    if found := _last(final):
        return found
    if is_program(final):
        return Program(final)
    return _last(text) or Program(None, "none")


def is_program(text: str) -> bool:
    """Return whether a text is Python that does anything: a number or a name alone does not."""
    if len(text) > MAX_PROGRAM:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(one, ast.Expr) or isinstance(one.value, ast.Call) for one in body)


def _last(text: str) -> Program | None:
    blocks = _blocks(text)
    for languages in (_PYTHON, ("",)):
        chosen = [block for block in blocks if block.language in languages]
        if chosen and not chosen[-1].is_closed:
            return Program(None, "malformed: the last block of code is not closed")
        if chosen:
            return Program(chosen[-1].code)
    return None


def _blocks(text: str) -> list[_Block]:
    """Return the fenced blocks of a text, as Markdown has them; the last one may be open."""
    blocks: list[_Block] = []
    fence, language = "", ""
    lines: list[str] = []
    for line in text.splitlines():
        found = _FENCE.fullmatch(line)
        if not fence:
            if found:
                fence, language, lines = found[1], found[2].strip("{}.").lower(), []
        elif found and found[1].startswith(fence) and not found[2]:
            blocks.append(_Block(language, textwrap.dedent("\n".join(lines)), True))
            fence = ""
        else:
            lines.append(line)
    if fence:
        blocks.append(_Block(language, textwrap.dedent("\n".join(lines)), False))
    return blocks
