"""Multiple-choice items: from the published files of ARC, PIQA and SciQ, or from held-out text.

Prompts are those of the lm-evaluation-harness without examples (``Question: ...\\nAnswer:``), which
the downstream numbers of Kim et al. 2025 (arXiv 2509.14786) come from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.errors import UserError
from lit_research.text.files import row_files
from lit_research.text.rows import read_objects

if TYPE_CHECKING:
    from datasets import Dataset

# Of the built-in set: characters of a prefix and of a continuation (both end at the next border
# of a word), options of an item, items unless another number is asked for.
PREFIX_CHARACTERS = 200
OPTION_CHARACTERS = 40
OPTIONS = 4
CLOZE_ITEMS = 400
# An item is left out where this many words up to the end of its answer are in a training document.
SHARED_WORDS = 8
# Places looked at for each item, and of each document: no document makes up the set.
_PLACES_PER_ITEM = 8
_PLACES_PER_DOCUMENT = 32

_DISTRACTORS = ("distractor1", "distractor2", "distractor3")
_SAVED = ("state.json", "dataset_dict.json")
# One space within a line: every option then follows the same character.
_BORDER = re.compile(r"(?<=\S) (?=\S)")
_WORD_END = re.compile(r"(?<=\S)(?=\s|\Z)")


@dataclass(frozen=True)
class Item:
    """A question with options, one of them right.

    Attributes:
        question: what the model reads; it ends without a space.
        options: what may follow, without the space between; two or more.
        answer: the place of the right one in ``options``.
        id: says in messages which item this is.

    Raises:
        UserError: fewer than two options, an empty one, or an answer that is none of them.
    """

    question: str
    options: list[str]
    answer: int
    id: str

    def __post_init__(self) -> None:
        good = all(isinstance(option, str) and option.strip() for option in self.options)
        if len(self.options) < 2 or not good:
            raise UserError(
                f"the options are {self.options}, in item {self.id!r}: give two or more, none empty"
            )
        if not 0 <= self.answer < len(self.options):
            raise UserError(
                f"the answer is {self.answer}, in item {self.id!r}: give the place of one of its "
                f"{len(self.options)} options, from 0 (a split without answers cannot be scored)"
            )


@dataclass(frozen=True)
class Layout:
    """How a published set is laid out.

    Attributes:
        columns: what a row must have, for messages.
        split: the split that is scored; how the names of its files begin.
        convert: makes (question, options, answer) of a row.
    """

    columns: tuple[str, ...]
    split: str
    convert: Callable[[dict[str, Any]], tuple[str, list[str], int]]


def _arc(row: dict[str, Any]) -> tuple[str, list[str], int]:
    question, choices = row["question"], row.get("choices")
    if isinstance(question, dict):  # the JSON lines of the authors; else the hub's columns
        question, choices = question["stem"], question["choices"]
    if isinstance(choices, list):
        choices = {key: [choice[key] for choice in choices] for key in ("text", "label")}
    if not isinstance(choices, dict):
        raise ValueError("choices has no text and label")
    labels, key = list(choices["label"]), row["answerKey"]
    if key not in labels:
        raise ValueError(f"answerKey {key!r} is none of the labels {labels}")
    return f"Question: {question}\nAnswer:", list(choices["text"]), labels.index(key)


def _piqa(row: dict[str, Any]) -> tuple[str, list[str], int]:
    return f"Question: {row['goal']}\nAnswer:", [row["sol1"], row["sol2"]], int(row["label"])


def _sciq(row: dict[str, Any]) -> tuple[str, list[str], int]:
    options = [row[name] for name in _DISTRACTORS]
    question = f"{row['support'].lstrip()}\nQuestion: {row['question']}\nAnswer:"
    return question, [*options, row["correct_answer"]], len(options)


_ARC = Layout(("question", "choices", "answerKey"), "test", _arc)
LAYOUTS = {
    "arc_easy": _ARC,
    "arc_challenge": _ARC,
    "piqa": Layout(("goal", "sol1", "sol2", "label"), "valid", _piqa),
    "sciq": Layout(("question", "correct_answer", *_DISTRACTORS, "support"), "test", _sciq),
}


def published_items(source: str, path: str | None) -> list[Item]:
    """Read the items of a published set from local files.

    Args:
        source: a name of ``LAYOUTS``.
        path: a JSON, JSON lines, CSV or Parquet file, a folder of these (of several files, those
            are read whose names begin with the split that is scored), or a ``datasets`` folder.

    Raises:
        UserError: the files are not there, or a row is not of that layout.
    """
    layout = LAYOUTS[source]
    where = "in data.init_args of MultipleChoice"
    wanted = (
        f"a datasets folder, JSON lines or Parquet of its {layout.split} split with the columns "
        f"{', '.join(layout.columns)}"
    )
    if path is None or not Path(path).expanduser().exists():
        missing = "no path" if path is None else f"the path {path!r}, where nothing is"
        raise UserError(f"source {source} has {missing}, {where}: give {wanted}")
    items = []
    for place, row in _rows(Path(path).expanduser(), layout.split, wanted):
        try:
            identity = str(row.get("id") or place.rsplit(", ", 1)[-1])
            items.append(Item(*layout.convert(row), id=identity))
        except UserError as error:
            raise UserError(f"{error}; from {place}") from error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            what = f"no column {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(f"not a row of {source}: {what}; in {place}: give {wanted}") from error
    if not items:
        raise UserError(f"there is no item of {source}, in {path}: give {wanted}")
    return items


def _rows(path: Path, split: str, wanted: str) -> Iterator[tuple[str, Any]]:
    """Yield (place for a message, row) of a saved data set or of files."""
    if path.is_dir() and any((path / name).is_file() for name in _SAVED):
        from datasets import DatasetDict, load_from_disk

        saved = load_from_disk(str(path))
        if isinstance(saved, DatasetDict):
            names = [name for name in saved if name.startswith(split)]
            if not names:
                raise UserError(f"there is no {split} split, in {path}: give {wanted}")
            saved = saved[names[0]]
        yield from ((f"{path}, row {number}", row) for number, row in enumerate(saved))
        return
    files = row_files(path)
    if len(files) > 1:  # one file is taken at its word, whatever its name
        files = [file for file in files if file.name.startswith(split)]
    if not files:
        raise UserError(f"no file's name begins with {split!r}, in {path}: give {wanted}")
    for file in files:
        for place, row in read_objects(file):
            yield f"{file}{place}", row


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


def cloze_items(held_out: Dataset, train: Dataset, *, count: int, seed: int) -> list[Item]:
    """Make items from text: which of four continuations follows the prefix?

    The wrong ones are continuations of other places in held-out documents of the same kind. An
    item is left out where the last words of prefix and answer are in a training document too (the
    embedded corpus holds docstrings both alone and in the source): recalling is not choosing.

    Args:
        held_out: documents that no member was trained on; with ``text``, ``id``, ``kind``.
        train: the documents of the members' training, read through once.
        count: most items.
        seed: of the places and of the wrong continuations.

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
            f"no item could be made from {len(held_out)} held-out documents, in source embedded of "
            f"MultipleChoice: give a corpus with {OPTIONS} or more held-out texts of over "
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
