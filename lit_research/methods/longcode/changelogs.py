"""What a changelog says of a release: the entries that the older one does not have."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

_NAME = re.compile(r"(change|history|news|release|whats?_?new|versions?\b)", re.IGNORECASE)
_SUFFIXES = {"", ".md", ".rst", ".txt"}
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]{2,}")
_COMMON = """
the and for with that this from not are was now when has have been can fix fixed fixes bug
add added adds change changed changes remove removed support use used using issue test tests
python version def self return none true false assert import class else elif raise
"""
_MOST = 4  # entries of one statement


def is_changelog(path: str) -> bool:
    """Tell whether a file is a changelog, by its name."""
    pure = PurePosixPath(path)
    return (
        pure.suffix.lower() in _SUFFIXES and bool(_NAME.search(pure.name)) and len(pure.parts) < 4
    )


def new_entries(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the entries that a newer release adds to its changelogs, each as one line.

    Args:
        old: text by path of the older release.
        new: text by path of the newer one.
    """
    found: list[str] = []
    for path in sorted(filter(is_changelog, new)):
        known = {line.strip() for line in old.get(path, "").splitlines()}
        entry: list[str] = []
        for line in [*new[path].splitlines(), ""]:
            text = line.strip()
            is_new = bool(text) and text not in known and not re.fullmatch(r"[-=~^*#_]+", text)
            starts = bool(re.match(r"([-*+•]|\d+[.)])\s+", text))
            if entry and (starts or not is_new):
                found.append(" ".join(entry))
                entry = []
            if is_new and (starts or entry):
                entry.append(re.sub(r"^([-*+•]|\d+[.)])\s+", "", text))
    return [entry for entry in dict.fromkeys(found) if len(entry) > 15]


def words(text: str) -> set[str]:
    """Return the words by which entries are compared with code."""
    found = {word.lower() for word in _WORD.findall(text)}
    found |= {part for word in found for part in word.split("_") if len(part) > 2}
    return found - set(_COMMON.split())


def nearest_entries(entries: Collection[str], about: Collection[str]) -> list[str]:
    """Return the entries that share most words with a repair, best first; none where none does.

    Args:
        entries: of a changelog.
        about: words of what was changed, and of the tests.
    """
    known = set(about)
    scores = {entry: len(words(entry) & known) / (len(words(entry)) + 2) for entry in entries}
    best = max(scores.values(), default=0)
    chosen = [entry for entry in scores if scores[entry] > 0 and scores[entry] >= best / 2]
    return sorted(chosen, key=lambda entry: -scores[entry])[:_MOST]
