"""Tokens of a text, by a counter that has a name: which one defined a bucket is part of a result."""

from __future__ import annotations

from typing import Protocol


class TokenCounter(Protocol):
    """Counts the tokens of texts.

    Attributes:
        name: what a card and a report call it.
    """

    name: str

    def count(self, texts: list[str]) -> list[int]:
        """Return the number of tokens of each text."""
        ...
