"""``World``: the records that documents in two formats are written from, and how they are written.

Legend: Z topics, W words of a format, L words of a document, N documents, V tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lit_research.errors import UserError
from lit_research.ranges import COUNT, Range, check_range
from lit_research.seeds import derive_seed

FORMATS = ("A", "B")
WHERE = "in source.init_args of TwoFormats"

HEADER = 4
"""Words before the text of a document: its format, its topic and two anchors."""

SUCCESSORS = (0.7, 0.2, 0.1)
"""Probabilities of the three words that can follow a word."""


def chain_entropy() -> float:
    """Return the entropy of a word given the one before it and the topic, 0.802 nats."""
    return -sum(p * math.log(p) for p in SUCCESSORS)


class Latents(NamedTuple):
    """What documents are written from; a record has one document in each format, its siblings."""

    topic: np.ndarray  # [N]
    anchors: np.ndarray  # [N, 2]
    words: np.ndarray  # [N, L], as A writes them


@dataclass(frozen=True)
class World:
    """Chains of words for each topic, a dictionary between two formats, and records.

    Each word has three successors (probabilities .7, .2, .1), different ones in each topic, and
    is a successor three times: the words of each topic are uniformly distributed.

    Every draw depends on the seed and on what is drawn.

    Args:
        seed: of everything in it.
        topics: number of topics, Z.
        words: words of each format, W.
        anchors: number of different anchors.
        length: words of a document after its header, L.

    Raises:
        UserError: a number is out of range.
    """

    seed: int
    topics: int = 8
    words: int = 24
    anchors: int = 2000
    length: int = 10

    def __post_init__(self) -> None:
        check_range(Range(at_least=2), WHERE, topics=self.topics, anchors=self.anchors)
        check_range(Range(at_least=3), WHERE, words=self.words)
        check_range(COUNT, WHERE, length=self.length)

    def random(self, what: str) -> np.random.Generator:
        """Return the generator of the draw of this name."""
        return np.random.default_rng(derive_seed(self.seed, "TwoFormats", what))

    @cached_property
    def successors(self) -> np.ndarray:
        """The words that can follow each word in each topic, the likeliest first, ``[Z, W, 3]``."""
        random = self.random("chains")
        chains = np.empty((self.topics, self.words, len(SUCCESSORS)), np.int64)
        for topic in range(self.topics):
            rank = 0
            while rank < len(SUCCESSORS):  # permutations without a common value
                chain = random.permutation(self.words)
                if not (chains[topic, :, :rank] == chain[:, None]).any():
                    chains[topic, :, rank] = chain
                    rank += 1
                elif random.random() < 0.01:
                    rank = 0  # few words: the first ones may leave no third
        return chains

    @cached_property
    def dictionary(self) -> np.ndarray:
        """The number of the word of B that writes each word of A, ``[W]``."""
        return self.random("dictionary").permutation(self.words)

    @property
    def word_entropy(self) -> float:
        """Mean entropy of a word of a document given its topic, in nats: no loss is below it.

        The first word is uniform, the others have ``chain_entropy``.
        """
        return (math.log(self.words) + (self.length - 1) * chain_entropy()) / self.length

    @property
    def sibling_entropy(self) -> float:
        """Entropy of a word of a document given its sibling, in nats: the dictionary tells it."""
        return 0.0

    def vocabulary(self) -> list[str]:
        """Return all tokens: formats, topics, anchors, the words of A, the words of B."""
        return [
            *FORMATS,
            *(f"t{number}" for number in range(self.topics)),
            *(f"n{number}" for number in range(self.anchors)),
            *(f"a{number}" for number in range(self.words)),
            *(f"b{number}" for number in range(self.words)),
        ]

    def siblings(self, texts: Sequence[str]) -> list[str]:
        """Return the document of the same record in the other format, of each document."""
        vocabulary = self.vocabulary()
        swapped = dict(zip(vocabulary, np.array(vocabulary)[self._translation], strict=True))
        return [" ".join(swapped[word] for word in text.split()) for text in texts]

    @cached_property
    def _translation(self) -> np.ndarray:
        """The token that the sibling of a document has in the place of each token, ``[V]``."""
        first = len(FORMATS) + self.topics + self.anchors
        same, inverse = np.arange(len(FORMATS), first), np.argsort(self.dictionary)
        a, b = first + inverse, first + self.words + self.dictionary
        return np.concatenate([[1, 0], same, b, a])

    def draw(self, what: str, topic_N: np.ndarray) -> Latents:
        """Draw records of the given topics, no two of which have the same pair of anchors.

        Args:
            what: names the draw: another name, other records.
            topic_N: topic of each record.

        Raises:
            UserError: there are more of them than pairs of anchors.
        """
        if len(topic_N) > math.comb(self.anchors, 2):
            raise UserError(
                f"anchors is {self.anchors}, {WHERE}, too few for the pairs of anchors of "
                f"{len(topic_N)} records; give more"
            )
        random, count = self.random(what), len(topic_N)
        higher, lower = np.tril_indices(self.anchors, -1)
        chosen = random.choice(len(higher), count, replace=False)
        anchors_N2 = random.permuted(np.column_stack([higher, lower])[chosen], axis=1)
        words_NL = np.empty((count, self.length), np.int64)
        words_NL[:, 0] = random.integers(self.words, size=count)
        rank_NL = random.choice(len(SUCCESSORS), (count, self.length), p=SUCCESSORS)
        for place in range(1, self.length):
            before_N, rank_N = words_NL[:, place - 1], rank_NL[:, place]
            words_NL[:, place] = self.successors[topic_N, before_N, rank_N]
        return Latents(topic_N, anchors_N2, words_NL)

    def write(self, drawn: Latents, in_b_N: np.ndarray) -> list[str]:
        """Return the document of each record, in format B where ``in_b_N`` says so, else in A."""
        topic, anchor = len(FORMATS), len(FORMATS) + self.topics
        a = anchor + self.anchors
        words_NL = np.where(in_b_N[:, None], self.words + self.dictionary[drawn.words], drawn.words)
        header = [in_b_N.astype(np.int64), topic + drawn.topic, anchor + drawn.anchors]
        tokens = np.column_stack([*header, a + words_NL])
        spelled = np.array(self.vocabulary(), dtype=object)[tokens]
        return [" ".join(row) for row in spelled]
