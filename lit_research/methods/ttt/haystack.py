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
    """What a sequence is made of, as tokens.

    Attributes:
        tokenizer: for the parts that change.
        header: tokens that a sequence begins with.
        noise: tokens of each sentence of noise.
        needle: template with ``{word}`` and ``{number}``.
        question: template with ``{word}``; the answer follows it.
        digits: of the number.
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
        """Tokenise what is the same in every sequence."""
        encoded = tokenizer([header, *filter(None, noise)], add_special_tokens=False).input_ids
        return cls(tokenizer, encoded[0], encoded[1:], needle, question, digits)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def fill(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return ``count`` tokens of noise, and the places where a needle can go.

        The sentences come in turn and the last one is whole; the first is cut where need be.
        """
        ends = np.cumsum([len(sentence) for sentence in self.noise])
        rounds = -(-count // ends[-1])
        stream = np.tile(np.concatenate(self.noise), rounds)
        spare = len(stream) - count
        places = (np.arange(rounds)[:, None] * ends[-1] + ends).ravel() - spare
        return stream[spare:], places[places >= 0]

    def draw(self, rng: np.random.Generator, length: int, depth: float) -> tuple[np.ndarray, int]:
        """Draw a sequence.

        Args:
            rng: of the word and the number.
            length: T.
            depth: where in the noise the needle is, from 0 (first) to 1 (last).

        Returns:
            As ``lay``.
        """
        word = WORDS[int(rng.integers(len(WORDS)))]
        number = int(rng.integers(10 ** (self.digits - 1), 10**self.digits))
        return self.lay(word, number, length, depth)

    def check(self, length: int) -> None:
        """Raise a ``UserError`` where some sequence of this length would have no room."""
        for word in WORDS:
            self.lay(word, 10**self.digits - 1, length, 0.0)

    def lay(self, word: str, number: int, length: int, depth: float) -> tuple[np.ndarray, int]:
        """Put a needle into noise.

        Returns:
            ``T + 1`` tokens, and how many of them, at the end, are the answer.

        Raises:
            UserError: T tokens have no room for the parts and one sentence of noise.
        """
        needle = self.encode(self.needle.format(word=word, number=number))
        question, answer = self.encode(self.question.format(word=word)), self.encode(f" {number}")
        parts = len(self.header) + len(needle) + len(question) + len(answer)
        count = length + 1 - parts
        if count < len(self.noise[-1]):
            raise UserError(
                f"a sequence of {length} tokens has no room for header, needle, question and answer"
                f" ({parts}) and a sentence of noise, in data.init_args of Needles: give longer "
                "sequence_length and contexts, or shorter templates"
            )
        noise, places = self.fill(count)
        place = int(places[np.abs(places - depth * count).argmin()])
        tokens = np.concatenate(
            [self.header, noise[:place], needle, noise[place:], question, answer]
        )
        return tokens.astype(np.int64), len(answer)
