"""What a reader of the options alone can go by: length, and words shared with the question."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z]+|\d+")
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Return runs of letters and of digits, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(text))


@lru_cache(maxsize=65536)
def pieces(text: str) -> frozenset[str]:
    """Return the parts of names in camel and snake case, in lower case, without the plural's s."""
    return frozenset(piece.lower().rstrip("s") or "s" for piece in _PIECE.findall(text))


@lru_cache(maxsize=65536)
def trigrams(text: str) -> frozenset[str]:
    """Return all runs of three characters, in lower case."""
    text = f" {text.lower()} "
    return frozenset(text[at : at + 3] for at in range(len(text) - 2))


def shared_words(question: str, option: str) -> float:
    """Return the share of an option's words that the question has, repeated ones each."""
    asked, own = set(words(question)), words(option)
    return sum(word in asked for word in own) / max(len(own), 1)


def shared_pieces(question: str, option: str) -> float:
    """Return how many parts of names both have."""
    return float(len(pieces(question) & pieces(option)))


def shared_trigrams(question: str, option: str) -> float:
    """Return the share of an option's runs of three characters that the question has."""
    own = trigrams(option)
    return round(len(trigrams(question) & own) / max(len(own), 1), 9)


@lru_cache(maxsize=65536)
def longest_common(question: str, option: str) -> float:
    """Return the length of the longest run of characters that both have, case ignored."""
    asked, own = question.lower(), option.lower()
    longest = 0
    for begin in range(len(own)):
        while begin + longest < len(own) and own[begin : begin + longest + 1] in asked:
            longest += 1
    return float(longest)


OVERLAPS: Mapping[str, Callable[[str, str], float]] = {
    "shared words": shared_words,
    "shared parts of names": shared_pieces,
    "longest common run": longest_common,
}
"""Measures of overlap that the builder balances."""
HELD_OUT: Mapping[str, Callable[[str, str], float]] = {"shared trigrams": shared_trigrams}
"""Measures that it does not see: whether they are at chance tells what balancing is worth."""
