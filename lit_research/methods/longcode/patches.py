"""Read a solver's answer as edits of files, in any of three forms, and apply them to a tree.

``diff``
    A unified diff, as in the paper: the first fenced block marked ``patch`` or ``diff``, or the
    first ``<patch>``; else the text itself.
``search-replace``
    A line with the path, then ``<<<<<<< SEARCH``, the old lines, ``=======``, the new lines and
    ``>>>>>>> REPLACE``.
``whole-file``
    A line with the path, then a fenced block with the whole new file.

Nothing is executed and no file is touched: trees are texts by path. What cannot be applied is a
value with a reason, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from lit_research.methods.longcode.diffs import FileDiff, parse_diff
from lit_research.methods.longcode.hunks import FUZZ, apply_hunks
from lit_research.sandbox.suite_paths import why_protected

PatchFormat: TypeAlias = Literal["diff", "search-replace", "whole-file"]
"""How a solver writes edits."""

PatchStatus: TypeAlias = Literal["applied", "no patch", "malformed", "refused", "not applicable"]
"""``refused``: it touches what no repair may touch. ``not applicable``: the tree has no place for
it."""


@dataclass(frozen=True)
class Patched:
    """What became of an answer.

    Attributes:
        status: whether there is a new tree.
        files: the new tree; None unless ``applied``.
        reason: why it was not applied; empty if it was.
        changed: paths that were written or removed.
        repaired: hunks whose header had wrong counts.
        fuzz: most lines of context that had to be left out at an end of a hunk.
        moved: hunks that were found at another line than their header says.
    """

    status: PatchStatus
    files: dict[str, str] | None = None
    reason: str = ""
    changed: tuple[str, ...] = ()
    repaired: int = 0
    fuzz: int = 0
    moved: int = 0


class _RefusedError(Exception):
    """Carries the status and the reason."""

    def __init__(self, status: PatchStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass
class _Work:
    """A tree as it is being edited."""

    files: dict[str, str]
    allows_protected: bool
    changed: dict[str, None] = field(default_factory=dict)
    repaired: int = 0
    fuzz: int = 0
    moved: int = 0

    def check(self, path: str) -> None:
        if reason := why_refused(path):
            raise _RefusedError("refused", f"the path {path!r} {reason}")
        if not self.allows_protected and (reason := why_protected(path)):
            raise _RefusedError("refused", f"{path!r} may not be changed: {reason}")

    def put(self, path: str, text: str | None) -> None:
        self.check(path)
        self.changed[path] = None
        if text is None:
            self.files.pop(path, None)
        else:
            self.files[path] = text


def patch_files(
    files: Mapping[str, str],
    answer: str,
    form: PatchFormat = "diff",
    *,
    fuzz: int = FUZZ,
    allows_protected: bool = False,
) -> Patched:
    """Apply a solver's answer to a tree.

    Args:
        files: text by path.
        answer: what the solver wrote.
        form: how it was asked to write it.
        fuzz: most lines of context that may be left out at each end of a hunk, as
            ``patch --fuzz``.
        allows_protected: whether tests, settings and build files may be changed; only tests of
            the guards and builders say so.
    """
    work = _Work(dict(files), allows_protected)
    edit = {"diff": _diff, "search-replace": _search_replace, "whole-file": _whole_file}[form]
    try:
        edit(work, answer, fuzz)
    except _RefusedError as refused:
        return Patched(refused.status, None, refused.reason, (), work.repaired)
    return Patched(
        "applied", work.files, "", (*work.changed,), work.repaired, work.fuzz, work.moved
    )


def why_refused(path: str) -> str:
    """Return why a path cannot be one in a tree; empty if it can."""
    pure = PurePosixPath(path)
    if not path or path.endswith("/"):
        return "names no file"
    if pure.is_absolute() or re.match(r"[A-Za-z]:", path) or path.startswith("~"):
        return "is absolute"
    if ".." in pure.parts:
        return "has a part '..'"
    if "\\" in path or any(ord(c) < 32 or ord(c) == 127 for c in path):
        return "has a backslash or a control character"
    if pure.as_posix() != path:
        return "is not in its shortest form"
    return ""


def diff_text(answer: str) -> str | None:
    """Return the diff in an answer: the paper's blocks, else a text that is one; None without."""
    found = re.search(
        r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?:patch|diff)[ \t]*\r?\n(?P<a>.*?)^[ \t]*(?P=fence)"
        r"[ \t]*\r?$|<patch>[ \t]*\r?\n?(?P<b>.*?)</patch>",
        answer,
        re.DOTALL | re.MULTILINE,
    )
    if found:
        return found["a"] if found["a"] is not None else found["b"]
    if re.search(r"^(--- |diff --git )", answer, re.MULTILINE) and "```" not in answer:
        return answer
    return None


def _diff(work: _Work, answer: str, fuzz: int) -> None:
    text = diff_text(answer)
    if text is None:
        raise _RefusedError(
            "no patch", "the answer has no block marked patch or diff, and no <patch>"
        )
    diffs = parse_diff(text)
    if isinstance(diffs, str):
        raise _RefusedError("malformed", diffs)
    work.repaired = sum(hunk.repaired for diff in diffs for hunk in diff.hunks)
    for diff in diffs:
        if diff.refused:
            raise _RefusedError("refused", diff.refused)
        for path in (diff.old, diff.new):
            if path is not None:
                work.check(path)
        _apply(work, diff, fuzz)


def _apply(work: _Work, diff: FileDiff, fuzz: int) -> None:
    if diff.old is None:
        assert diff.new is not None
        if work.files.get(diff.new):
            raise _RefusedError("not applicable", f"{diff.new!r} is to be created, but is there")
        text = ""
    elif diff.old not in work.files:
        raise _RefusedError("not applicable", f"the tree has no file {diff.old!r}")
    else:
        text = work.files[diff.old]
    applied = apply_hunks(text, diff.hunks, fuzz)
    if isinstance(applied, str):
        raise _RefusedError("not applicable", f"{diff.old or diff.new}: {applied}")
    if diff.old is not None and diff.old != diff.new:
        work.put(diff.old, None)
    if diff.new is not None:
        work.put(diff.new, applied.text)
    work.fuzz = max(work.fuzz, applied.fuzz)
    work.moved += applied.moved


_BLOCK = re.compile(
    r"^<{5,9} ?SEARCH[ \t]*\r?\n(?P<old>.*?)^={5,9}[ \t]*\r?\n"
    r"(?P<new>.*?)^>{5,9} ?REPLACE[ \t]*\r?$",
    re.DOTALL | re.MULTILINE,
)


def _search_replace(work: _Work, answer: str, _: int) -> None:
    blocks = [*_BLOCK.finditer(answer)]
    if not blocks:
        raise _RefusedError("no patch", "the answer has no block of SEARCH and REPLACE")
    path, end = "", 0
    for block in blocks:
        path = _path_before(answer[end : block.start()]) or path
        if not path:
            raise _RefusedError("malformed", "a block of SEARCH has no line with a path before it")
        end = block.end()
        work.check(path)
        old, new = (part.replace("\r\n", "\n") for part in (block["old"], block["new"]))
        text = work.files.get(path)
        if text is None and old.strip():
            raise _RefusedError("not applicable", f"the tree has no file {path!r}")
        work.put(path, new if text is None else _replaced(path, text, old, new))


def _replaced(path: str, text: str, old: str, new: str) -> str:
    is_crlf = text.count("\r\n") * 2 > text.count("\n")
    plain = text.replace("\r\n", "\n") if is_crlf else text
    if not old:
        raise _RefusedError("not applicable", f"SEARCH is empty, and {path!r} is there")
    lines, wanted = plain.splitlines(keepends=True), old.splitlines(keepends=True)
    for same in (str, str.rstrip):  # exactly; else but for blanks at the ends of lines
        keys, key = [same(line) for line in lines], [same(line) for line in wanted]
        if lines and wanted and not lines[-1].endswith("\n"):  # the file's last line has no end
            keys = [k.rstrip("\n") for k in keys]
            key = [k.rstrip("\n") for k in key]
        at = [n for n in range(len(keys) - len(key) + 1) if keys[n : n + len(key)] == key]
        if len(at) > 1:
            raise _RefusedError(
                "not applicable", f"SEARCH is in {path!r} {len(at)} times; must be once"
            )
        if at:
            found = "".join([*lines[: at[0]], new, *lines[at[0] + len(wanted) :]])
            return found.replace("\n", "\r\n") if is_crlf else found
    raise _RefusedError("not applicable", f"SEARCH is not in {path!r}")


def _whole_file(work: _Work, answer: str, _: int) -> None:
    fence = re.compile(
        r"^(?P<fence>`{3,}|~{3,})[^\n]*\n(?P<text>.*?)^(?P=fence)[ \t]*\r?$",
        re.DOTALL | re.MULTILINE,
    )
    end, found = 0, False
    for block in fence.finditer(answer):
        path = _path_before(answer[end : block.start()])
        end = block.end()
        if not path:
            continue
        found = True
        old, text = work.files.get(path, ""), block["text"].replace("\r\n", "\n")
        is_crlf = old.count("\r\n") * 2 > old.count("\n")
        work.put(path, text.replace("\n", "\r\n") if is_crlf else text)
    if not found:
        raise _RefusedError(
            "no patch", "the answer has no fenced block with a line with a path before"
        )


def _path_before(text: str) -> str:
    """Return the path on the last line that is not empty and no fence; empty if it is none."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("```", "~~~"))]
    if not lines:
        return ""
    line = re.sub(r"^(?:#+ |[-*] |(?:File|Path|file|path): ?)", "", lines[-1])
    line = line.strip("*` \t:")
    line = re.sub(r"^(?:File|file|Path|path): ?`?", "", line)
    return line if re.fullmatch(r"\S+", line) and ("." in line or "/" in line) else ""
