"""Find where hunks belong in a text, and put them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lit_research.methods.longcode.diffs import Hunk, split_lines

FUZZ = 5
"""Most lines of context that are left out at each end of a hunk, as in the paper's ``patch``."""


@dataclass(frozen=True)
class AppliedHunks:
    """A text after its hunks.

    Attributes:
        text: the new one.
        fuzz: most lines of context that were left out at an end of a hunk.
        moved: hunks that were found elsewhere than their header says.
    """

    text: str
    fuzz: int = 0
    moved: int = 0


def apply_hunks(text: str, hunks: Sequence[Hunk], fuzz: int = FUZZ) -> AppliedHunks | str:
    """Return a text with hunks applied, or why one has no place.

    As ``patch`` does, each hunk is looked for near its line, moved by as much as the one before,
    and with less and less context. Ends of lines are compared without ``\\r``; in a file whose
    lines end with ``\\r\\n``, so do the new ones, unless the hunks have such ends themselves.

    Args:
        text: the old one.
        hunks: in the order of the file.
        fuzz: most lines of context that may be left out at each end.
    """
    lines = split_lines(text)
    adds_cr = text.count("\r\n") * 2 > text.count("\n") and not any(
        line.endswith("\r\n") for hunk in hunks for line in hunk.lines
    )
    keys = [_key(line) for line in lines]
    offset, floor, most, moved = 0, 0, 0, 0
    for number, hunk in enumerate(hunks, 1):
        found = _find(keys, hunk, offset, floor, fuzz)
        if found is None:
            return f"hunk {number} of {len(hunks)} matches nowhere"
        at, head, tail = found
        body = hunk.lines[head : len(hunk.lines) - tail]
        old_count = sum(line[0] != "+" for line in body)
        new = _merged(lines[at : at + old_count], body, adds_cr)
        lines[at : at + old_count] = new
        keys[at : at + old_count] = [_key(line) for line in new]
        most = max(most, head, tail)
        if hunk.start > 0:
            distance = at - _expected(hunk, head, offset)
            moved += distance != 0
            offset += distance
        offset += len(new) - old_count
        floor = at + len(new)
    # Only the last line of a file may have no end.
    whole = [line if line.endswith("\n") else f"{line}\n" for line in lines[:-1]]
    return AppliedHunks("".join([*whole, *lines[-1:]]), most, moved)


def _key(line: str) -> str:
    return line.rstrip("\r\n")


def _expected(hunk: Hunk, head: int, offset: int) -> int:
    """Return the index of the first old line; an insertion without context stands after its."""
    return hunk.start + head + offset - bool(hunk.old)


def _find(
    keys: Sequence[str], hunk: Hunk, offset: int, floor: int, fuzz: int
) -> tuple[int, int, int] | None:
    """Return the line of a hunk, and how many lines of context at its ends are left out."""
    signs = [line[0] for line in hunk.lines]
    leading = next((n for n, sign in enumerate(signs) if sign != " "), len(signs))
    trailing = next((n for n, sign in enumerate(reversed(signs)) if sign != " "), len(signs))
    if leading == len(signs):  # it changes nothing
        leading = trailing = 0
    old = [_key(line) for line in hunk.old]
    tried = set()
    for allowed in range(fuzz + 1):
        head, tail = min(allowed, leading), min(allowed, trailing)
        wanted = old[head : len(old) - tail]
        if (head, tail) in tried or (allowed and not wanted):
            continue
        tried.add((head, tail))
        expected = max(_expected(hunk, head, offset), 0)
        last = len(keys) - len(wanted)
        if not wanted:
            return (max(min(expected, last), floor), 0, 0)
        places = (n for n in range(floor, last + 1) if keys[n] == wanted[0])
        for at in sorted(places, key=lambda n: abs(n - expected)):
            if keys[at : at + len(wanted)] == wanted:
                return at, head, tail
    return None


def _merged(old: Sequence[str], body: Sequence[str], adds_cr: bool) -> list[str]:
    """Return the new lines; what is kept stays as the file has it."""
    kept = iter(old)
    new = []
    for line in body:
        if line[0] == "+":
            new.append(f"{line[1:-1]}\r\n" if adds_cr and line.endswith("\n") else line[1:])
        else:
            text = next(kept)
            if line[0] == " ":
                new.append(text)
    return new
