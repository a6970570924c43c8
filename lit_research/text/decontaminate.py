"""Training rows that repeat an item of an evaluation: found by shared tokens, or by characters.

The rule of OpenThoughts3 (Guha et al. 2025, arXiv 2506.04178, appendix F): a row is dropped if it
shares any run of 13 tokens with an item, or if its Indel similarity to one is at least 0.75; there
it missed 12 of 3,092 planted leaks and dropped 1.4% of 3,000 clean rows. An item that has fewer
tokens than a run is found by similarity alone, so not inside a longer row: the card counts them.
Questions of one template are similar without being leaks, which the rule cannot know: where rows
and items come from few templates, it drops many rows.

Legend: B rows of a batch, S evaluation sets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lit_research.errors import UserError
from lit_research.progress import counting
from lit_research.ranges import COUNT, Range, check_range
from lit_research.storage import content_hash
from lit_research.text.cache import plain_copy
from lit_research.text.columns import QuestionRows, TextColumn, Unreadable
from lit_research.text.evaluation_sets import EvaluationSet
from lit_research.text.indel import ByLength, pairs_between, require_rapidfuzz, similarities
from lit_research.text.ngrams import NgramIndex, ngram_hashes
from lit_research.text.normalisation import Normalisation
from lit_research.text.shards import compute_shards, in_batches
from lit_research.text.tokenizers import load_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

Rule = Literal["ngram", "similarity"]

_RULES: tuple[Rule, Rule] = ("ngram", "similarity")
_FORMAT = 1
_BATCH = 4096  # rows
_WHERE = "in decontaminate"


@dataclass(frozen=True)
class Leak:
    """A row that met an item of an evaluation set, by one of the two rules.

    Attributes:
        row: its place among all rows.
        id: its identifier.
        rule: ``ngram`` or ``similarity``.
        set: name of the evaluation set.
        item: place of the item in it: the first one that shares a run of tokens; or the most
            similar one, of equally similar ones the first.
        item_id: its identifier.
        value: how many different runs of tokens the two share; or their Indel similarity.
    """

    row: int
    id: str
    rule: Rule
    set: str
    item: int
    item_id: str
    value: float


@dataclass(frozen=True)
class Decontamination:
    """Which rows met which items. Every row is kept, leaked, or without a text.

    Attributes:
        documents: number of rows.
        leaks: by row, then by set, then by rule: at most one for each of these.
        unreadable: rows without a text, by row.
        settings: what the result depends on, beside the texts: the tokenizer's name, ``n``, the
            similarity, ...
        sets: of each evaluation set its counts of ``items``, of those ``without_text``, and of
            those ``shorter_than_n`` tokens.
    """

    documents: int
    leaks: tuple[Leak, ...]
    unreadable: tuple[Unreadable, ...]
    settings: dict[str, Any]
    sets: dict[str, dict[str, int]]

    @property
    def kept(self) -> list[int]:
        """The rows with a text that met no item, for ``Dataset.select``."""
        left_out = {x.row for x in self.leaks} | {x.row for x in self.unreadable}
        return [row for row in range(self.documents) if row not in left_out]

    def card(self) -> dict[str, Any]:
        """Return counts of rows and settings as plain data."""
        by_ngram, by_similarity = ({x.row for x in self._of(rule)} for rule in _RULES)
        return {
            "documents": self.documents,
            "kept": self.documents - len(by_ngram | by_similarity) - len(self.unreadable),
            "leaked": len(by_ngram | by_similarity),
            "by_ngram": len(by_ngram),
            "by_similarity": len(by_similarity),
            "by_both": len(by_ngram & by_similarity),
            "unreadable": len(self.unreadable),
            "sets": {
                name: {**counts, **{f"by_{r}": len([*self._of(r, name)]) for r in _RULES}}
                for name, counts in self.sets.items()
            },
            "settings": self.settings,
        }

    def _of(self, rule: Rule, name: str | None = None) -> Iterator[Leak]:
        return (x for x in self.leaks if x.rule == rule and name in (None, x.set))


def decontaminate(
    documents: QuestionRows,
    evaluation_sets: Sequence[EvaluationSet],
    *,
    tokenizer: str | PreTrainedTokenizerFast,
    n: int = 13,
    similarity: float = 0.75,
    normalisation: Normalisation | None = None,
    column: str = "text",
    workers: int = 1,
    executor: Executor | None = None,
    shards: str | Path | None = None,
) -> Decontamination:
    """Find the rows that share a run of tokens with an evaluation item, or are similar to one.

    Rows are read, and compared with all items, batch by batch.

    Args:
        documents: the training rows.
        evaluation_sets: of different names; see ``load_evaluation_set``.
        tokenizer: what ``load_tokenizer`` takes, or the tokenizer. Published:
            ``Qwen/Qwen2-7B-Instruct``. A run of tokens is longer with fewer bytes a token.
        n: tokens in a run.
        similarity: Indel similarity at or above which a row is dropped; above 0, at most 1.
        normalisation: of rows and items before either rule; None is ``Normalisation()``.
        column: of a ``Dataset``: holds the texts.
        workers: threads of rapidfuzz; -1 are all cores.
        executor: checks batches in parallel; the result does not depend on it.
        shards: a folder that keeps what is found in each batch, so that an interrupted call
            resumes; None keeps none.

    Raises:
        UserError: no evaluation set, one without text, two of one name, documents of another form,
            a number out of range, or rapidfuzz is missing.
    """
    check_range(COUNT, _WHERE, n=n, workers=None if workers == -1 else workers)
    check_range(Range(above=0, at_most=1), _WHERE, similarity=similarity)
    require_rapidfuzz("decontaminate")
    _check_names([one.name for one in evaluation_sets])
    source = TextColumn(documents, "decontaminate", column)
    normalisation = normalisation or Normalisation()
    loaded, name = _tokenizer(tokenizer)
    items = [one.normalised(normalisation) for one in evaluation_sets]
    check = _Checker(items, loaded, n, similarity, normalisation, workers)
    settings = {
        "tokenizer": name,
        "tokenizer_hash": content_hash(loaded.to_str()),
        "n": n,
        "similarity": similarity,
        "normalisation": asdict(normalisation),
        "rapidfuzz": version("rapidfuzz"),
    }
    folder = None
    if shards is not None:
        key = json.dumps([_FORMAT, settings, items])
        folder = Path(shards).expanduser() / content_hash(key)
    unreadable: list[Unreadable] = []
    rows: list[int] = []
    leaks: list[Leak] = []

    def texts() -> Iterator[str]:
        for row, text in source.readable(unreadable):
            rows.append(row)
            yield text

    done = 0
    with counting("decontamination", len(source), unit="rows", delay=2.0) as add:
        batches = in_batches(texts(), _BATCH)
        for part in compute_shards(check, batches, executor=executor, folder=folder):
            for place, number, rule, item, value in _found(part):
                row, one = rows[done + place], evaluation_sets[number]
                leak = Leak(row, source.ids[row], rule, one.name, item, one.id(item), value)
                leaks.append(leak)
            done += len(part)
            add(len(part))
    counts = {one.name: check.counts(place) for place, one in enumerate(evaluation_sets)}
    return Decontamination(len(source), tuple(leaks), tuple(unreadable), settings, counts)


class _Checker:
    """Compares a batch of rows with all evaluation items; a process can be sent it."""

    def __init__(
        self,
        items: Sequence[Sequence[str]],
        tokenizer: Tokenizer,
        n: int,
        similarity: float,
        normalisation: Normalisation,
        workers: int,
    ) -> None:
        self._tokenizer, self._n, self._similarity = tokenizer, n, similarity
        self._normalisation, self._workers = normalisation, workers
        tokens = [self._tokens(one) for one in items]
        self._ngrams = [NgramIndex(one, n) for one in tokens]
        # Empty texts are equal, and no leak of each other.
        self._places = [np.array([p for p, text in enumerate(one) if text]) for one in items]
        self._texts = [ByLength([text for text in one if text]) for one in items]
        self._counts = [
            {
                "items": len(one),
                "without_text": len(one) - len(texts),
                "shorter_than_n": sum(0 < len(ids) < n for ids in ids_of_items),
            }
            for one, texts, ids_of_items in zip(items, self._texts, tokens, strict=True)
        ]

    def counts(self, place: int) -> dict[str, int]:
        """Return counts of the items of a set."""
        return self._counts[place]

    def __call__(self, rows: list[str]) -> np.ndarray:
        """Return of each row and set the item and the value of both rules, ``[B, S, 2, 2]``.

        The item is -1 where there is none.
        """
        texts = [self._normalisation(row) for row in rows]
        hashes, places = ngram_hashes(self._tokens(texts), self._n)
        sorted_texts = ByLength(texts)
        found = np.empty((len(rows), len(self._texts), 2, 2))
        for number, ngrams in enumerate(self._ngrams):
            found[:, number, 0] = np.stack(ngrams.shared(hashes, places, len(rows)), axis=-1)
            found[:, number, 1] = self._most_similar(texts, sorted_texts, number)
        return found

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def _most_similar(self, texts: list[str], by_length: ByLength, number: int) -> np.ndarray:
        """Return the most similar item of a set and its similarity, ``[B, 2]``."""
        others, least = self._texts[number], self._similarity
        items, values = np.full(len(texts), -1), np.full(len(texts), -1.0)
        for rows, columns in pairs_between(by_length, others, least, self._workers):
            pairs = [texts[row] for row in rows], [others.given[item] for item in columns]
            scores = similarities(*pairs, self._workers)
            order = np.lexsort((columns, -scores, rows))
            order = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]  # the best of a row
            rows, columns, scores = rows[order], columns[order], scores[order]
            is_better = (scores > values[rows]) | (
                (scores == values[rows]) & (columns < items[rows])
            )
            is_better &= scores >= least
            rows = rows[is_better]
            items[rows], values[rows] = columns[is_better], scores[is_better]
        is_met = items >= 0
        items[is_met] = self._places[number][items[is_met]]
        return np.stack([items, values], axis=-1)


def _found(part: np.ndarray) -> Iterator[tuple[int, int, Rule, int, float]]:
    """Yield the place of a row, the number of a set, the rule, the item and the value."""
    for place, number, rule in np.argwhere(part[..., 0] >= 0).tolist():
        item, value = part[place, number, rule].tolist()
        yield place, number, _RULES[rule], int(item), value


def _check_names(names: Sequence[str]) -> None:
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice or not names:
        what = f"two evaluation sets are called {twice[0]!r}" if twice else "no evaluation set"
        raise UserError(f"{what}, {_WHERE}; give sets of different names")


def _tokenizer(given: str | PreTrainedTokenizerFast) -> tuple[Tokenizer, str]:
    """Return the tokenizer without special tokens, and its name."""
    loaded = load_tokenizer(given) if isinstance(given, str) else given
    name = given if isinstance(given, str) else loaded.name_or_path or type(loaded).__name__
    return plain_copy(loaded), name
