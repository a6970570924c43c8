"""``Haystack``: repeated noise, one sentence with a number in it, and a question about it.

Legend: T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lit_research.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# RULER's, Hsieh et al. 2024 (arXiv 2404.06654).
HEADER = (
    "Some special magic numbers are hidden within the following text. Make sure to memorize it. I "
    "will quiz you about the numbers afterwards.\n"
)
NOISE = [
    "The grass is green. ",
    "The sky is blue. ",
    "The sun is yellow. ",
    "Here we go. ",
    "There and back again. ",
]
NEEDLE = "One of the special magic numbers for {word} is: {number}. "
QUESTION = (
    "\nWhat is the special magic number for {word} mentioned in the provided text? The special "
    "magic number for {word} mentioned in the provided text is"
)
_WORDS = """
apple bridge candle desert engine feather garden harbor island jacket kettle ladder
magnet needle orange pencil quartz ribbon saddle tunnel umbrella valley window yogurt
anchor basket cactus dragon eagle forest guitar hammer iceberg jungle kitten lantern
meadow notebook ocean parrot quilt rocket silver temple unicorn violin walnut zebra
"""
WORDS = _WORDS.split()


@dataclass(frozen=True)
class Haystack:
    """The parts of a sequence, as tokens.

    Attributes:
        tokenizer: tokenizer of the parts that change.
        header: tokens at the start of every sequence.
        noise: tokens of each sentence of noise.
        needle: template with ``{word}`` and ``{number}``.
        question: template with ``{word}``; the answer follows it.
        digits: digits of the number.
    """

    tokenizer: PreTrainedTokenizerFast
    header: list[int]
    noise: list[list[int]]
    needle: str
    question: str
    digits: int

    @classmethod
    def of(
        cls,
        tokenizer: PreTrainedTokenizerFast,
        *,
        header: str = HEADER,
        noise: Sequence[str] = NOISE,
        needle: str = NEEDLE,
        question: str = QUESTION,
        digits: int = 7,
    ) -> Haystack:
        """Tokenise the parts that all sequences share."""
        encoded = tokenizer([header, *filter(None, noise)], add_special_tokens=False).input_ids
        return cls(tokenizer, encoded[0], encoded[1:], needle, question, digits)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def fill(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``count`` tokens of noise, and the positions between sentences.

        The sentences repeat in order and the last one is complete; the first may be cut.
        """
        ends = np.cumsum([len(sentence) for sentence in self.noise])
        rounds = -(-count // ends[-1])
        stream = np.tile(np.concatenate(self.noise), rounds)
        spare = len(stream) - count
        gaps = (np.arange(rounds)[:, None] * ends[-1] + ends).ravel() - spare
        return stream[spare:], gaps[gaps >= 0]

    def draw(self, rng: np.random.Generator, length: int, depth: float) -> tuple[np.ndarray, int]:
        """Draw a sequence.

        Args:
            rng: random generator of the word and the number.
            length: tokens, T.
            depth: position of the needle in the noise, from 0 (start) to 1 (end).

        Returns:
            As ``insert``.
        """
        word = WORDS[int(rng.integers(len(WORDS)))]
        number = int(rng.integers(10 ** (self.digits - 1), 10**self.digits))
        return self.insert(word, number, length, depth)

    def check(self, length: int) -> None:
        """Raise a ``UserError`` if some sequence of this length would have no room."""
        for word in WORDS:
            self.insert(word, 10**self.digits - 1, length, 0.0)

    def insert(self, word: str, number: int, length: int, depth: float) -> tuple[np.ndarray, int]:
        """Insert a needle into noise.

        Returns:
            ``T + 1`` tokens, and the number of them, at the end, that are the answer.

        Raises:
            UserError: the parts and one sentence of noise do not fit into T tokens.
        """
        needle = self.encode(self.needle.format(word=word, number=number))
        question, answer = self.encode(self.question.format(word=word)), self.encode(f" {number}")
        parts = len(self.header) + len(needle) + len(question) + len(answer)
        count = length + 1 - parts
        if count < len(self.noise[-1]):
            raise UserError(
                f"a sequence of {length} tokens has no room for header, needle, question and answer"
                f" ({parts}) and a sentence of noise, in data.init_args of Needles; give longer "
                "sequence_length and contexts, or shorter templates"
            )
        noise, gaps = self.fill(count)
        gap = int(gaps[np.abs(gaps - depth * count).argmin()])
        tokens = np.concatenate([self.header, noise[:gap], needle, noise[gap:], question, answer])
        return tokens.astype(np.int64), len(answer)
