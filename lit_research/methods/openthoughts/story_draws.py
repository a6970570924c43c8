"""How word problems are drawn: names, numbers, and the forms of their sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from lit_research.methods.openthoughts.stories import STEPS, Sentence, Story, another
from lit_research.methods.openthoughts.story_forms import FORMS, Kind
from lit_research.methods.openthoughts.story_words import NAMES, PLACES, QUALITIES, THINGS, WHENS

T = TypeVar("T")

LENGTHS = (60, 250)
"""Fewest and most characters of a question."""
MAX_STEPS = 3

_ASIDE = 0.5  # share of stories with a sentence that says nothing of numbers
_LARGEST = 999
_MOST = 99  # times


def draw_story(random: np.random.Generator) -> Story:
    """Draw a story of one to three steps, whose text has a length within ``LENGTHS``."""
    low, high = LENGTHS
    while True:
        story = _drawn(random)
        if low <= len(story.text()) <= high:
            return story


def _drawn(random: np.random.Generator) -> Story:
    sentences = [_sentence("start", int(random.integers(2, _LARGEST + 1)), random)]
    value = sentences[0].number or 0
    for _ in range(random.integers(1, MAX_STEPS + 1)):
        # At least one thing stays, so that another number is always another answer.
        kind = _pick(STEPS if value > 2 else ("more", "times"), random)
        most = {"more": _LARGEST, "fewer": min(value - 1, _LARGEST), "times": _MOST}[kind]
        sentences.append(_sentence(kind, int(random.integers(2, most + 1)), random))
        value = sentences[-1].after(value)
    if random.random() < _ASIDE:
        sentences.insert(random.integers(len(sentences) + 1), _sentence("aside", None, random))
    name = int(random.integers(len(NAMES)))
    other = another(name, len(NAMES), random)
    return Story(
        NAMES[name],
        NAMES[other],
        _pick(THINGS, random),
        _pick(PLACES, random),
        (*sentences, _sentence("ask", None, random)),
    )


def _sentence(kind: Kind, number: int | None, random: np.random.Generator) -> Sentence:
    form = int(random.integers(len(FORMS[kind])))
    words = int(random.integers(1 << 30))
    return Sentence(kind, form, words, number, _pick(QUALITIES, random), _pick(WHENS, random))


def _pick(values: Sequence[T], random: np.random.Generator) -> T:
    return values[int(random.integers(len(values)))]
