"""Texts as tokens that join to the text again, and that know where a character ends."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from lit_research.text.cache import plain_copy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class SplitText:
    """A text by tokens.

    Attributes:
        ids: of the tokens.
        tokens: the characters of each token; ``"".join(tokens)`` is the text. A character that
            several tokens share belongs to the first of them.
        can_cut: for each token whether it begins with a new character.
    """

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    can_cut: tuple[bool, ...]


class TextSplitter:
    """Splits texts by the tokens of a tokenizer, without decoding them.

    The slices are cut from the text at the positions that the tokenizer reports. So nothing is lost
    where its decoder loses something: the first space of a SentencePiece model, or what a
    normaliser changed.

    Args:
        tokenizer: any fast tokenizer. The names of special tokens are read as plain text.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._backend = plain_copy(tokenizer)

    def __call__(self, text: str) -> SplitText:
        """Return the tokens of a text."""
        encoding = self._backend.encode(text, add_special_tokens=False)
        starts, can_cut, reached = [], [], 0
        for start, end in encoding.offsets:
            can_cut.append(start >= reached)
            # Never backwards: a token inside a character adds no text of its own.
            starts.append(max(start, reached))
            reached = max(reached, end)
        if starts:
            starts[0] = 0
        bounds = [*starts, len(text)]
        tokens = tuple(text[a:b] for a, b in pairwise(bounds))
        return SplitText(tuple(encoding.ids), tokens, tuple(can_cut))
