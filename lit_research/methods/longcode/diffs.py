"""Read unified diffs, also those whose hunk headers count wrongly, and write them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

_HUNK = re.compile(r"^@@+ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@+")
_LOOSE_HUNK = re.compile(r"^@@")
_NO_NEWLINE = "\\"
_HEADERS = (
    "diff ",
    "index ",
    "old mode",
    "new mode",
    "new file mode",
    "deleted file mode",
    "similarity index",
    "dissimilarity index",
    "rename from",
    "rename to",
    "copy from",
    "copy to",
    "Binary files",
    "GIT binary patch",
)


@dataclass(frozen=True)
class Hunk:
    """Lines that are replaced.

    Attributes:
        start: line of the old file, from 1, as the header says; 0 where it says nothing.
        lines: each with its sign first, one of `` ``, ``-``, ``+``, and with its end of line.
        repaired: whether the header's counts are wrong.
    """

    start: int
    lines: tuple[str, ...]
    repaired: bool = False

    @property
    def old(self) -> list[str]:
        """The lines that it removes or keeps."""
        return [line[1:] for line in self.lines if line[0] != "+"]

    @property
    def new(self) -> list[str]:
        """The lines that it keeps or adds."""
        return [line[1:] for line in self.lines if line[0] != "-"]


@dataclass(frozen=True)
class FileDiff:
    """The hunks of one file.

    Attributes:
        old: its path before; None if it is created.
        new: its path after; None if it is removed.
        hunks: in order.
        refused: what it does that no text patch does; empty if nothing.
    """

    old: str | None
    new: str | None
    hunks: tuple[Hunk, ...]
    refused: str = ""


def parse_diff(text: str) -> list[FileDiff] | str:
    """Return the files of a unified diff, or why it is none.

    The counts of a hunk's header are believed where they fit; else the hunk ends where the next
    one, or the next file, begins.
    """
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if lines and all(line.endswith("\r") for line in lines):  # the answer's ends, not the file's
        lines = [line[:-1] for line in lines]
    found: list[FileDiff] = []
    at = 0
    while at < len(lines):
        if not _begins_file(lines, at):
            if lines[at].startswith("@@"):
                return "a hunk has no file: the lines --- and +++ are missing"
            at += 1
            continue
        diff, at = _file(lines, at)
        if isinstance(diff, str):
            return diff
        found.append(diff)
    return found or "it names no file: there are no lines --- and +++"


def _begins_file(lines: list[str], at: int) -> bool:
    return lines[at].startswith("diff --git ") or (
        lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")
    )


def _file(lines: list[str], at: int) -> tuple[FileDiff | str, int]:
    old = new = None
    refused, has_names = "", False
    git = re.match(r"diff --git (\S+) (\S+)\s*$", lines[at])
    if git:
        old, new = (_path(name) for name in git.groups())
    while at < len(lines) and lines[at].startswith(_HEADERS):
        refused = refused or _why_refused(lines[at])
        if lines[at].startswith("rename from "):
            old = lines[at][12:].strip()
        elif lines[at].startswith("rename to "):
            new = lines[at][10:].strip()
        elif lines[at].startswith("new file mode"):
            old = None
        elif lines[at].startswith("deleted file mode"):
            new = None
        at += 1
    if at + 1 < len(lines) and lines[at].startswith("--- ") and lines[at + 1].startswith("+++ "):
        before, after = _path(lines[at][4:]), _path(lines[at + 1][4:])
        old, new, has_names = before, after, True
        at += 2
    if old is None and new is None:
        return refused or "a file has no path", at
    hunks: list[Hunk] = []
    while at < len(lines) and _LOOSE_HUNK.match(lines[at]):
        hunk, at = _hunk(lines, at)
        if hunk is None:
            return f"a hunk of {new or old} has no lines", at
        hunks.append(hunk)
    if has_names and not hunks and not refused and old == new:
        return f"{new or old} has no hunk", at
    return FileDiff(old, new, tuple(hunks), refused), at


def _path(field: str) -> str | None:
    """Return a header's path without ``a/`` or ``b/`` and without a time; None for /dev/null."""
    name = field.split("\t")[0].strip().strip('"')
    if name == "/dev/null":
        return None
    return name[2:] if name.startswith(("a/", "b/")) else name


def _why_refused(line: str) -> str:
    if line.startswith(("Binary files", "GIT binary patch")):
        return "it has a binary hunk"
    if line.startswith(("old mode", "new mode")):
        return "it changes the mode of a file"
    if line.startswith(("new file mode", "deleted file mode")):
        mode = line.split()[-1]
        if mode.startswith("12"):
            return "it makes or removes a symbolic link"
        if mode != "100644" and line.startswith("new"):
            return f"it makes a file of the mode {mode}; must be 100644"
    return ""


def _hunk(lines: list[str], at: int) -> tuple[Hunk | None, int]:
    header = _HUNK.match(lines[at])
    start = int(header[1]) if header else _first_number(lines[at])
    body = at + 1
    if header:
        counts = [int(header[2] or 1), int(header[4] or 1)]
        if (exact := _counted(lines, body, counts)) is not None:
            return Hunk(start, tuple(_joined(lines[body:exact]))), exact
    end = body
    while end < len(lines) and not _LOOSE_HUNK.match(lines[end]) and not _begins_file(lines, end):
        if lines[end] and lines[end][0] not in " +-\\\t\r":
            break
        end += 1
    kept = end
    while kept > body and not lines[kept - 1].strip():  # blank lines between hunks
        kept -= 1
    taken = _joined(lines[body:kept])
    return (Hunk(start, tuple(taken), repaired=True) if taken else None), end


def _counted(lines: list[str], at: int, counts: list[int]) -> int | None:
    """Return where a hunk ends by its counts; None if another hunk or file does not follow."""
    old, new = counts
    while old > 0 or new > 0:
        if at >= len(lines):
            return None
        sign = lines[at][:1] or " "
        if sign not in " +-\\":
            return None
        old -= sign in " -"
        new -= sign in " +"
        at += 1
    if old < 0 or new < 0:
        return None
    if at < len(lines) and lines[at].startswith(_NO_NEWLINE):
        at += 1
    rest = at
    while rest < len(lines) and not lines[rest].strip():
        rest += 1
    if rest == len(lines) or _LOOSE_HUNK.match(lines[rest]) or _begins_file(lines, rest):
        return rest
    return None if lines[rest][0] in " +-" else at


def _joined(lines: list[str]) -> list[str]:
    """Return lines with their signs and ends; one before ``\\ No newline`` has no end."""
    joined: list[str] = []
    for line in lines:
        if line.startswith(_NO_NEWLINE):
            if joined:
                joined[-1] = joined[-1].removesuffix("\n")
        else:
            # Models drop the blank of an empty line of context, and some put a tab's line bare.
            joined.append((line if line[:1] in ("+", "-", " ") else f" {line}") + "\n")
    return joined


def _first_number(line: str) -> int:
    found = re.search(r"-(\d+)", line)
    return int(found[1]) if found else 0


def make_diff(old: Mapping[str, str], new: Mapping[str, str], context: int = 3) -> str:
    """Return the unified diff between two trees, as git writes it, with paths in order.

    Args:
        old: text by path.
        new: text by path.
        context: lines of context around each change.
    """
    parts = []
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        parts.append(f"diff --git a/{path} b/{path}\n")
        if before is None:
            parts.append("new file mode 100644\n")
        if after is None:
            parts.append("deleted file mode 100644\n")
        lines = difflib.unified_diff(
            split_lines(before or ""),
            split_lines(after or ""),
            "/dev/null" if before is None else f"a/{path}",
            "/dev/null" if after is None else f"b/{path}",
            n=context,
        )
        parts += [
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        ]
    return "".join(parts)


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a text with their ends; only ``\n`` ends one."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
