"""What a published patch changes: the files and lines that a repair's prompt must show."""

from __future__ import annotations

import re

from lit_research.methods.longcode.diffs import Hunk, parse_diff
from lit_research.methods.longcode.items import Span

_WRAPPED = re.compile(r"\s*<patch>\n(.*)\n</patch>\s*", re.DOTALL)


def unwrapped(patch: str) -> str:
    """Return a patch without the ``<patch>`` marks that LongSWE-Bench puts around it."""
    found = _WRAPPED.fullmatch(patch)
    return found[1] if found else patch


def changed_spans(patch: str) -> tuple[Span, ...]:
    """Return the lines of the old files that a unified diff takes away, or adds before.

    Files that the patch makes have no old lines, and are left out.
    """
    files = parse_diff(patch)
    if isinstance(files, str):
        return ()
    return tuple(
        Span(file.old, *lines)
        for file in files
        if file.old is not None
        for hunk in file.hunks
        if (lines := _changed(hunk)) is not None
    )


def _changed(hunk: Hunk) -> tuple[int, int] | None:
    """Return the first and last old line that a hunk touches."""
    old = hunk.start
    lines: list[int] = []
    for line in hunk.lines:
        # Lines that take the place of others are at those; others are before the next old line.
        if line[0] == "-" or (line[0] == "+" and (not lines or lines[-1] < old - 1)):
            lines.append(old)
        old += line[0] != "+"
    return (max(lines[0], 1), max(lines[-1], 1)) if lines else None
