"""Items made from held-out text: which of four continuations follows the prefix?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lit_research.errors import UserError
from lit_research.evals.items import Item

if TYPE_CHECKING:
    from datasets import Dataset

# Of the built-in set: characters of a prefix and of a continuation (both end at the next border
# of a word), options of an item.
PREFIX_CHARACTERS = 200
OPTION_CHARACTERS = 40
OPTIONS = 4
# An item is left out where this many words up to the end of its answer are in a training document.
SHARED_WORDS = 8
# Places looked at for each item, and of each document: no document makes up the set.
_PLACES_PER_ITEM = 8
_PLACES_PER_DOCUMENT = 32

# One space within a line: every option then follows the same character.
_BORDER = re.compile(r"(?<=\S) (?=\S)")
_WORD_END = re.compile(r"(?<=\S)(?=\s|\Z)")


@dataclass(frozen=True)
class _Place:
    document: str
    kind: str
    start: int
    prefix: str
    continuation: str

    @property
    def last_words(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix} {self.continuation}".split()[-SHARED_WORDS:])


def cloze_items(
    held_out: Dataset, train: Dataset, *, count: int, seed: int, where: str = "in cloze_items"
) -> list[Item]:
    """Make items from text: which of four continuations follows the prefix?

    The wrong ones are continuations of other places in held-out documents of the same kind. An
    item is left out where the last words of prefix and answer are in a training document too (the
    embedded corpus holds docstrings both alone and in the source): recalling is not choosing.

    Args:
        held_out: documents that the model was not trained on; with ``text``, ``id``, ``kind``.
        train: the documents that it was trained on, read through once.
        count: most items.
        seed: of the places and of the wrong continuations.
        where: says in messages where the corpus was given.

    Raises:
        UserError: the held-out text is too short for one item.
    """
    rng = np.random.default_rng(seed)
    places = _sample_places(held_out, _PLACES_PER_ITEM * count, rng)
    known = _in_training({place.last_words for place in places}, train)
    places = [place for place in places if place.last_words not in known]
    of_kind: dict[str, list[str]] = {}
    for place in places:
        of_kind.setdefault(place.kind, []).append(place.continuation)
    others = {kind: sorted(set(texts)) for kind, texts in of_kind.items()}
    items: list[Item] = []
    for place in places:
        wrong = [text for text in others[place.kind] if text != place.continuation]
        if len(items) == count or len(wrong) < OPTIONS - 1:
            continue
        chosen = rng.choice(len(wrong), OPTIONS - 1, replace=False)
        options = [wrong[int(number)] for number in chosen]
        answer = int(rng.integers(OPTIONS))
        options.insert(answer, place.continuation)
        items.append(Item(place.prefix, options, answer, f"{place.document}:{place.start}"))
    if not items:
        raise UserError(
            f"no item could be made from {len(held_out)} held-out documents, {where}: "
            f"give a corpus with {OPTIONS} or more held-out texts of over "
            f"{PREFIX_CHARACTERS + OPTION_CHARACTERS} characters that are not in its training text"
        )
    return items


def _sample_places(documents: Dataset, count: int, rng: np.random.Generator) -> list[_Place]:
    """Return places, one of each document first, then a second of each, and so on."""
    ranked: list[tuple[int, _Place]] = []
    for row in documents:
        places = [_Place(row["id"], row["kind"], *place) for place in _cuts(row["text"])]
        order = rng.permutation(len(places))[:_PLACES_PER_DOCUMENT]
        ranked += [(rank, places[number]) for rank, number in enumerate(order)]
        if len(ranked) >= count:
            break
    return [place for _, place in sorted(ranked, key=lambda pair: pair[0])]


def _cuts(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (first character, prefix, continuation), one after the other in a text."""
    start = 0
    while True:
        border = _BORDER.search(text, start + PREFIX_CHARACTERS)
        if border is None or border.end() + OPTION_CHARACTERS > len(text):
            return
        end = _WORD_END.search(text, border.end() + OPTION_CHARACTERS)
        if end is None:
            return
        prefix, continuation = text[start : border.start()], text[border.end() : end.start()]
        # Tables of numbers and the like go on for long without a border.
        if len(prefix) < 2 * PREFIX_CHARACTERS and len(continuation) < 2 * OPTION_CHARACTERS:
            yield start, prefix, continuation
        start = end.start() + 1


def _in_training(wanted: set[tuple[str, ...]], train: Dataset) -> set[tuple[str, ...]]:
    """Return those runs of words that stand in a training document, whatever space is between."""
    found: set[tuple[str, ...]] = set()
    for batch in train.select_columns("text").iter(100):
        for text in batch["text"]:
            words = text.split()
            runs = zip(*(words[first:] for first in range(SHARED_WORDS)), strict=False)
            found |= wanted.intersection(runs)
    return found
