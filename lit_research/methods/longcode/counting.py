"""Tokens of a text, by a counter that has a name, since buckets depend on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
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


class Counter(ABC):
    """Counts tokens; a ``TokenCounter`` that a config can name by its class path.

    Attributes:
        name: what a card and a report call it.
    """

    name: str

    @abstractmethod
    def count(self, texts: list[str]) -> list[int]:
        """Return the number of tokens of each text."""
