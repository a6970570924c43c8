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

# Of the built-in set: characters of a prefix and of a continuation (both end at the next word
# boundary), options of an item.
PREFIX_CHARACTERS = 200
OPTION_CHARACTERS = 40
OPTIONS = 4
# An item is left out if this many words up to the end of its answer are in a training document.
SHARED_WORDS = 8
# Cuts sampled for each item, and maximum from each document, so that no document dominates the set.
_CUTS_PER_ITEM = 8
_CUTS_PER_DOCUMENT = 32

# One space within a line: every option then follows the same character.
_BOUNDARY = re.compile(r"(?<=\S) (?=\S)")
_WORD_END = re.compile(r"(?<=\S)(?=\s|\Z)")


@dataclass(frozen=True)
class _Cut:
    """A piece of a document, cut into a prefix and its continuation."""

    document: str
    kind: str
    start: int
    prefix: str
    continuation: str

    @property
    def last_words(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix} {self.continuation}".split()[-SHARED_WORDS:])


def cloze_items(
    held_out: Dataset,
    train: Dataset,
    *,
    count: int,
    seed: int,
    prefix_characters: int = PREFIX_CHARACTERS,
    option_characters: int = OPTION_CHARACTERS,
    where: str = "in cloze_items",
) -> list[Item]:
    """Make items from text: which of four continuations follows the prefix?

    The incorrect ones are continuations of other prefixes in held-out documents of the same kind.
    An item is left out if the last words of prefix and answer are also in a training document (the
    embedded corpus holds docstrings both alone and in the source): it would test recall.

    Args:
        held_out: documents that the model was not trained on; with ``text``, ``id``, ``kind``.
        train: the documents that it was trained on; read once.
        count: maximum number of items.
        seed: of the prefixes and of the incorrect continuations.
        prefix_characters: of a prefix at least; at most twice as many.
        option_characters: of a continuation, likewise.
        where: names the source of the corpus in error messages.

    Raises:
        UserError: the held-out text is too short for one item.
    """
    rng = np.random.default_rng(seed)
    sizes = prefix_characters, option_characters
    cuts = _sample_cuts(held_out, _CUTS_PER_ITEM * count, sizes, rng)
    known = _in_training({cut.last_words for cut in cuts}, train)
    cuts = [cut for cut in cuts if cut.last_words not in known]
    by_kind: dict[str, set[str]] = {}
    for cut in cuts:
        by_kind.setdefault(cut.kind, set()).add(cut.continuation)
    continuations = {kind: sorted(texts) for kind, texts in by_kind.items()}
    items: list[Item] = []
    for cut in cuts:
        wrong = [text for text in continuations[cut.kind] if text != cut.continuation]
        if len(items) == count or len(wrong) < OPTIONS - 1:
            continue
        chosen = rng.choice(len(wrong), OPTIONS - 1, replace=False)
        options = [wrong[int(index)] for index in chosen]
        answer = int(rng.integers(OPTIONS))
        options.insert(answer, cut.continuation)
        items.append(Item(cut.prefix, options, answer, f"{cut.document}:{cut.start}"))
    if not items:
        raise UserError(
            f"no item could be made from {len(held_out)} held-out documents, {where}; give a "
            f"corpus with at least {OPTIONS} held-out texts of over "
            f"{sum(sizes)} characters that are not in its training text"
        )
    return items


def _sample_cuts(
    documents: Dataset, count: int, sizes: tuple[int, int], rng: np.random.Generator
) -> list[_Cut]:
    """Return cuts: first one from each document, then a second from each, and so on."""
    ranked: list[tuple[int, _Cut]] = []
    for row in documents:
        cuts = [_Cut(row["id"], row["kind"], *cut) for cut in _cut_text(row["text"], *sizes)]
        order = rng.permutation(len(cuts))[:_CUTS_PER_DOCUMENT]
        ranked += [(rank, cuts[index]) for rank, index in enumerate(order)]
        if len(ranked) >= count:
            break
    return [cut for _, cut in sorted(ranked, key=lambda pair: pair[0])]


def _cut_text(text: str, of_prefix: int, of_option: int) -> Iterator[tuple[int, str, str]]:
    """Yield (first character, prefix, continuation), from the beginning of a text to its end."""
    start = 0
    while True:
        boundary = _BOUNDARY.search(text, start + of_prefix)
        if boundary is None or boundary.end() + of_option > len(text):
            return
        end = _WORD_END.search(text, boundary.end() + of_option)
        if end is None:
            return
        prefix, continuation = text[start : boundary.start()], text[boundary.end() : end.start()]
        # Tables of numbers and the like have long stretches without a boundary.
        if len(prefix) < 2 * of_prefix and len(continuation) < 2 * of_option:
            yield start, prefix, continuation
        start = end.start() + 1


def _in_training(wanted: set[tuple[str, ...]], train: Dataset) -> set[tuple[str, ...]]:
    """Return those of ``wanted`` that are in a training document, however they are spaced."""
    known: set[tuple[str, ...]] = set()
    for batch in train.select_columns("text").iter(100):
        for text in batch["text"]:
            words = text.split()
            runs = zip(*(words[first:] for first in range(SHARED_WORDS)), strict=False)
            known |= wanted.intersection(runs)
    return known
