"""``World``: latent records, and the documents, rephrases and thoughts that follow from them.

The content of a document is a latent record: an entity with a value for each of its attributes. A
real document states some of them in style ``a``; a rephrase states the same ones in another style
and another order; a thought names the attribute that comes next. Values are independent, so that
nothing but an earlier statement about the same entity says anything about a value: without one its
loss is at least ``prior_entropy``, with one it can be 0.

A document of the default world, and a rephrase of it::

    a.3 3=0 a.1 1=4 a.5 5=0 a.0 0=1 .
    d.1 1=4 d.0 0=1 d.3 3=0 d.5 5=0 .

Everything is a function of (seed, what it is), so that all parts of a world agree: rephrase 2 of an
entity is the same text for every number of generations and in every arrangement.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lit_research.ranges import NOT_NEGATIVE, Range, check_range
from lit_research.seeds import derive_seed

REAL_STYLE = "a"
END = "."  # last word of every text, whatever its style
OPEN, CLOSE, NOTHING = "<think>", "</think>", "end"

Facts = list[tuple[int, int]]
"""What a text states, in order: attributes and their values."""


@dataclass(frozen=True)
class World:
    """Entities, and what can be written about each.

    Args:
        seed: of everything in it.
        attributes: of an entity.
        values: of an attribute; value ``v`` has probability proportional to ``(v + 1)**-skew``.
        facts: attributes that a document states, the same ones in all texts of an entity.
        styles: number of them; real documents are in the first.
        skew: of the values; 1.27 makes the entropy of one of 16 values 2.1 nats.
    """

    seed: int
    attributes: int = 6
    values: int = 16
    facts: int = 4
    styles: int = 6
    skew: float = 1.27

    def __post_init__(self) -> None:
        where = "in init_args of Records"
        check_range(Range(at_least=2), where, attributes=self.attributes, values=self.values)
        check_range(Range(at_least=2, at_most=self.attributes), where, facts=self.facts)
        check_range(Range(at_least=2, at_most=26), where, styles=self.styles)
        check_range(NOT_NEGATIVE, where, skew=self.skew)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probability of each value, the same for all attributes, ``[values]``."""
        weights = np.arange(1.0, self.values + 1) ** -self.skew
        return weights / weights.sum()

    def prior_entropy(self) -> float:
        """Return the least loss of a value that nothing was said about, in nats."""
        return float(-(self.probabilities * np.log(self.probabilities)).sum())

    @property
    def style_names(self) -> str:
        """The styles, a letter each; the first is that of real documents."""
        return string.ascii_lowercase[: self.styles]

    def vocabulary(self) -> list[str]:
        """Return every word of every text."""
        kinds = range(self.attributes)
        names = [f"{style}.{kind}" for style in self.style_names for kind in kinds]
        stated = [f"{kind}={value}" for kind in kinds for value in range(self.values)]
        return [END, OPEN, CLOSE, NOTHING, *map(str, kinds), *names, *stated]

    def real(self, entity: str) -> Facts:
        """Return what the real document of an entity states."""
        rng = self._rng("record", entity)
        kinds = rng.permutation(self.attributes)[: self.facts]
        stated = rng.choice(self.values, size=self.facts, p=self.probabilities)
        return list(zip(kinds.tolist(), stated.tolist(), strict=True))

    def reordered(self, entity: str, *what: object) -> Facts:
        """Return the facts of an entity in another order than the real document's."""
        real, rng = self.real(entity), self._rng("order", entity, *what)
        order = list(range(self.facts))
        while order == sorted(order):
            order = rng.permutation(self.facts).tolist()
        return [real[position] for position in order]

    def rephrase(self, entity: str, number: int) -> str:
        """Return a rephrase; as many in a row as there are other styles have different ones."""
        others = self.style_names[1:]
        block, place = divmod(number, len(others))
        style = others[self._rng("styles", entity, block).permutation(len(others))[place]]
        return self.written(style, self.reordered(entity, "rephrase", number))

    def document(self, entity: str) -> str:
        """Return the real document of an entity."""
        return self.written(REAL_STYLE, self.real(entity))

    def written(self, style: str, facts: Facts) -> str:
        """Return facts in a style: two words each, and the last word."""
        words = [f"{style}.{kind} {kind}={value}" for kind, value in facts]
        return " ".join([*words, END])

    def passage(self, entity: str, last: str, pieces: int) -> list[str]:
        """Return texts on one entity in different styles, in any order but for the last one.

        Args:
            entity: that they are about.
            last: style of the last text.
            pieces: number of texts, at most that of the styles.
        """
        others = [style for style in self.style_names if style != last]
        order = self._rng("passage", entity).permutation(len(others))[: pieces - 1]
        return [self.in_style(entity, style) for style in [*(others[i] for i in order), last]]

    def in_style(self, entity: str, style: str) -> str:
        """Return a text on an entity: the real document, or a rephrase that no pool holds."""
        if style == REAL_STYLE:
            return self.document(entity)
        return self.written(style, self.reordered(entity, "passage", style))

    def _rng(self, *what: object) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self.seed, *what))


def next_thought(words: Sequence[str]) -> str:
    """Return the thought before the rest of a real document: which attribute comes next.

    Args:
        words: the rest.
    """
    named = (word.split(".")[1] for word in words if "." in word and word != END)
    return next(named, NOTHING)
