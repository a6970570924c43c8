"""What a published patch changes: the files and lines that a repair's prompt must show."""

from __future__ import annotations

import re

from lit_research.methods.longcode.items import Span

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_WRAPPED = re.compile(r"\s*<patch>\n(.*)\n</patch>\s*", re.DOTALL)


def unwrapped(patch: str) -> str:
    """Return a patch without the ``<patch>`` marks that LongSWE-Bench puts around it."""
    found = _WRAPPED.fullmatch(patch)
    return found[1] if found else patch


def changed_spans(patch: str) -> tuple[Span, ...]:
    """Return the lines of the old files that a unified diff takes away, or adds before.

    Files that the patch makes have no old lines, and are left out.
    """
    spans: list[Span] = []
    file, lines = "", patch.split("\n")
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if line.startswith("--- "):
            file = _path(line[4:])
        elif file and (hunk := _HUNK.match(line)):
            position, first, last = _hunk_lines(lines, position, hunk)
            if first is not None and last is not None:
                spans.append(Span(file, max(first, 1), max(last, 1)))
    return tuple(spans)


def _path(name: str) -> str:
    name = name.split("\t")[0].strip().strip('"')
    return "" if name == "/dev/null" else name.removeprefix("a/")


def _hunk_lines(
    lines: list[str], position: int, hunk: re.Match[str]
) -> tuple[int, int | None, int | None]:
    """Return where a hunk ends, and the first and last old line that it touches."""
    old, old_left, new_left = int(hunk[1]), int(hunk[2] or 1), int(hunk[4] or 1)
    first: int | None = None
    last: int | None = None
    while position < len(lines) and (old_left > 0 or new_left > 0):
        sign = lines[position][:1]
        if sign in {"-", "+"}:
            first, last = (old if first is None else first), old
        if sign == "+":
            new_left -= 1
        elif sign == "-":
            old, old_left = old + 1, old_left - 1
        elif sign != "\\":
            old, old_left, new_left = old + 1, old_left - 1, new_left - 1
        position += 1
    return position, first, last
