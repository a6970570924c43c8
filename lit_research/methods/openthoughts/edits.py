"""Copies of a text at graded distances, and texts that share a run of tokens with another."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lit_research.text import Normalisation

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

_SPACES = (" ", "  ", "\n", "\t ", "\u00a0")
_CAPITALS = 0.3  # share of words
_ATTEMPTS = 100


def respaced(text: str, random: np.random.Generator) -> str:
    """Return a text with other case and white space."""
    words = [
        word.upper() if random.random() < _CAPITALS else word.swapcase() for word in text.split()
    ]
    spaces = [_SPACES[kind] for kind in random.integers(len(_SPACES), size=len(words)).tolist()]
    return " " + "".join(word + space for word, space in zip(words, spaces, strict=True))


def edited(text: str, share: float, random: np.random.Generator) -> str:
    """Return a text in which a share of the characters, at least one, are other letters.

    Letters are replaced by letters: numbers and spaces stay. The Indel similarity to the text is
    one minus the share, hardly more; letters left out or put in would cost half as much.
    """
    characters = list(text)
    letters = [place for place, character in enumerate(text) if character.isalpha()]
    count = min(len(letters), max(1, round(share * len(text))))
    for place in random.permutation(letters)[:count].tolist():
        others = [one for one in string.ascii_lowercase if one != characters[place].lower()]
        characters[place] = others[random.integers(len(others))]
    return "".join(characters)


class Sharing:
    """Makes texts that share a run of just so many tokens with one of some items.

    Args:
        items: of an evaluation.
        count: tokens in the run.
        tokenizer: of the tokens, of normalised texts.
    """

    def __init__(
        self, items: Sequence[str], count: int, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        self._items, self._count = items, count
        self._tokenizer, self._normalised = tokenizer.backend_tokenizer, Normalisation()
        self._longer = {run for item in items for run in self._runs(item, count + 1)}

    def __call__(self, item: int, text: str, random: np.random.Generator) -> str | None:
        """Return a text with a run of an item between two of its words.

        The run begins and ends with a word. No longer one is shared with any item.

        Returns:
            None: there is none, as where tokens are so short that every text shares more.
        """
        given, words = self._normalised(self._items[item]), text.split()
        tokens = self._encoded(given).offsets
        starts = len(tokens) - self._count + 1
        for _ in range(_ATTEMPTS if starts > 0 else 0):
            start = int(random.integers(starts))
            begin, end = tokens[start][0], tokens[start + self._count - 1][1]
            if _inside_word(given, begin) or _inside_word(given, end):
                continue
            cut = int(random.integers(1, len(words)))
            made = " ".join([*words[:cut], given[begin:end].strip(), *words[cut:]])
            if self._runs(made, self._count) & self._runs(given, self._count) and not (
                self._longer & self._runs(made, self._count + 1)
            ):
                return made
        return None

    def _encoded(self, text: str) -> Encoding:
        return self._tokenizer.encode(text, add_special_tokens=False)

    def _runs(self, text: str, count: int) -> set[tuple[int, ...]]:
        ids = self._encoded(self._normalised(text)).ids
        return {tuple(ids[start : start + count]) for start in range(len(ids) - count + 1)}


def _inside_word(text: str, place: int) -> bool:
    """Return whether a word is on both sides of a place."""
    return text[place - 1 : place].isalnum() and text[place : place + 1].isalnum()
