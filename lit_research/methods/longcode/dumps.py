"""Source files as the one text that a prompt shows, in the layout of the released benchmark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_START = re.compile(r"\[start of ([^\n]*)\]\n")


def dump_file(path: str, text: str, *, numbered: bool = False) -> str:
    """Return a file between two marks; with ``numbered``, each line after its number and a space.

    The text ends with the mark; what follows begins on a new line.
    """
    return f"[start of {path}]\n{_numbered(text) if numbered else text}\n[end of {path}]"


def dump_files(files: Iterable[tuple[str, str]], *, numbered: bool = False) -> str:
    """Return files (path and text), one below the other, in the order given."""
    return "\n".join(dump_file(path, text, numbered=numbered) for path, text in files)


def split_dump(dump: str, *, numbered: bool = False) -> dict[str, str] | None:
    """Return the files of a dump, in order, if they give exactly this dump again; else None.

    None is for what cannot be taken apart for certain: two files of one path, as of a README that
    is shown twice, or lines that are not numbered from 1.
    """
    files: dict[str, str] = {}
    position = 0
    while position < len(dump):
        start = _START.match(dump, position)
        if start is None or start[1] in files:
            return None
        path = start[1]
        # Of several such marks, as in a file about dumps, the first that a file follows.
        mark = f"\n[end of {path}]"
        end = dump.find(mark, start.end() - 1)
        while end >= 0 and not _is_end(dump, end + len(mark)):
            end = dump.find(mark, end + 1)
        if end < 0:
            return None
        shown = dump[start.end() : end] if end >= start.end() else ""
        text = _unnumbered(shown) if numbered else shown
        if text is None:
            return None
        files[path] = text
        position = end + len(mark) + 1
    return files if dump_files(files.items(), numbered=numbered) == dump else None


def place_of_line(text: str, line: int) -> int:
    """Return how many characters are before a line (from 1) of a text; its length if it ends."""
    place = 0
    for _ in range(line - 1):
        place = text.find("\n", place) + 1
        if place == 0:
            return len(text)
    return place


def is_safe(files: Mapping[str, str]) -> bool:
    """Return whether all paths are relative and stay in their tree, as ``SourceTree`` demands."""
    return all(
        path and not path.startswith("/") and ".." not in path.split("/") and "\\" not in path
        for path in files
    )


def _is_end(dump: str, position: int) -> bool:
    return position == len(dump) or dump.startswith("\n[start of ", position)


def _numbered(text: str) -> str:
    return "\n".join(f"{n} {line}" for n, line in enumerate(text.split("\n"), start=1))


def _unnumbered(shown: str) -> str | None:
    lines = []
    for number, line in enumerate(shown.split("\n"), start=1):
        mark = f"{number} "
        if not line.startswith(mark):
            return None
        lines.append(line[len(mark) :])
    return "\n".join(lines)
