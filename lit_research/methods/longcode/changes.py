"""The single changes between two trees, any subset of which can be applied."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from lit_research.methods.longcode.diffs import split_lines


@dataclass(frozen=True, order=True)
class Change:
    """Lines of one file that another tree has differently.

    Attributes:
        path: the file.
        first: index of the first old line that is replaced.
        last: index after the last one.
        new: the lines in their place, with their ends.
        exists: whether the file is there afterwards.
    """

    path: str
    first: int
    last: int
    new: tuple[str, ...]
    exists: bool = True


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Return the changes from one tree to another, in order; a file made or removed is one.

    Args:
        old: text by path.
        new: text by path.
    """
    found = []
    for path in sorted({*old, *new}):
        if path not in new:
            found.append(Change(path, 0, len(split_lines(old[path])), (), exists=False))
        elif path not in old:
            found.append(Change(path, 0, 0, tuple(split_lines(new[path]))))
        else:
            before, after = split_lines(old[path]), split_lines(new[path])
            matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
            found += [
                Change(path, a, b, tuple(after[c:d]))
                for tag, a, b, c, d in matcher.get_opcodes()
                if tag != "equal"
            ]
    return found


def changed(old: Mapping[str, str], chosen: Collection[Change]) -> dict[str, str]:
    """Return a tree with some of the changes.

    Args:
        old: the tree that they start from.
        chosen: of the changes that ``changes`` returned for it.
    """
    files = dict(old)
    by_path: dict[str, list[Change]] = {}
    for change in sorted(chosen):
        by_path.setdefault(change.path, []).append(change)
    for path, parts in by_path.items():
        if not parts[0].exists:
            del files[path]
            continue
        lines = split_lines(old.get(path, ""))
        for change in reversed(parts):
            lines[change.first : change.last] = change.new
        # The last line of either text may have no end.
        whole = [line if line.endswith("\n") else f"{line}\n" for line in lines[:-1]]
        files[path] = "".join([*whole, *lines[-1:]])
    return files
