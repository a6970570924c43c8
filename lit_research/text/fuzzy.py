"""Questions that repeat an earlier one: exactly, after a normalisation, or nearly, by characters.

Near-duplicates are those of Indel similarity 0.95 and more (rapidfuzz's ``ratio`` of 95), as in
OpenThoughts-114k (Guha et al. 2025, arXiv 2506.04178, appendix F), with three differences: texts
are normalised first; duplicates of duplicates are one group, of which the first row is kept; and
texts whose numbers differ can be told apart (``numbers_must_match``), which similarity cannot do:
another number in a question changes a character or two, and the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from lit_research.progress import counting
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range
from lit_research.text.buckets import Forest, grouped
from lit_research.text.columns import QuestionRows, TextColumn, Unreadable
from lit_research.text.duplicates import Duplicate
from lit_research.text.indel import (
    ByLength,
    count_within,
    pairs_within,
    require_rapidfuzz,
    similarities,
)
from lit_research.text.minhash import MinHash, band_keys, signatures
from lit_research.text.normalisation import Normalisation, numbers
from lit_research.text.word_hashes import combined

Method = Literal["exact", "all pairs", "minhash"]

CHARACTERS = MinHash(shingle=4, unit="character", bands=32, rows=4)
"""Finds candidates among too many texts: runs of four characters. Substitutions of 5% of the
characters leave a Jaccard similarity of 0.67, of which 99.9% become candidates."""
_PAIRS = 1 << 14  # whose similarity is computed at once


@dataclass(frozen=True)
class FuzzyDuplicates:
    """Which rows repeat an earlier one. Every row is kept, a duplicate, or without a text.

    Attributes:
        documents: number of rows.
        compared: pairs of different texts whose similarity was needed, those of hopeless lengths
            left out.
        threshold: at or above it two texts are duplicates; 1 for exact ones.
        method: ``exact``; ``all pairs``; or ``minhash``, where only candidates were compared.
        settings: what else the result depends on, as plain data.
        found: the duplicates, by row. Similarities are those of the normalised texts to the first
            one of the group, and can be below the threshold where texts between the two join them.
        unreadable: rows without a text, by row.
    """

    documents: int
    compared: int
    threshold: float
    method: Method
    settings: dict[str, Any]
    found: tuple[Duplicate, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def kept(self) -> list[int]:
        """The rows with a text that are no duplicates, for ``Dataset.select``."""
        left_out = {x.row for x in self.found} | {x.row for x in self.unreadable}
        return [row for row in range(self.documents) if row not in left_out]

    def card(self) -> dict[str, Any]:
        """Return counts and settings as plain data."""
        return {
            "documents": self.documents,
            "kept": self.documents - len(self.found) - len(self.unreadable),
            "duplicates": len(self.found),
            "originals": len({duplicate.of_row for duplicate in self.found}),
            "unreadable": len(self.unreadable),
            "compared": self.compared,
            "threshold": self.threshold,
            "method": self.method,
            "settings": self.settings,
        }


def find_exact_duplicates(
    documents: QuestionRows,
    normalisation: Normalisation | None = None,
    *,
    column: str = "text",
) -> FuzzyDuplicates:
    """Find the rows whose normalised text is that of an earlier one.

    Args:
        documents: in the order that decides which one is the first.
        normalisation: what texts may differ in; None is ``Normalisation()``.
        column: of a ``Dataset``: holds the texts.

    Raises:
        UserError: documents of another form.
    """
    source = _Distinct(documents, "find_exact_duplicates", column, normalisation)
    settings = {"normalisation": asdict(source.normalisation)}
    roots = np.arange(len(source.texts))
    found = source.described(roots, np.ones(len(source.texts)))
    return FuzzyDuplicates(len(source), 0, 1.0, "exact", settings, found, tuple(source.unreadable))


def find_fuzzy_duplicates(
    documents: QuestionRows,
    *,
    threshold: float = 0.95,
    numbers_must_match: bool = False,
    normalisation: Normalisation | None = None,
    column: str = "text",
    all_pairs: int = 20_000,
    candidates: MinHash = CHARACTERS,
    workers: int = 1,
) -> FuzzyDuplicates:
    """Find the rows whose text is nearly that of an earlier one, character by character.

    A paraphrase is not found. The result does not depend on ``workers``.

    Args:
        documents: in the order that decides which one is the first.
        threshold: Indel similarity, above 0, at most 1: rapidfuzz's ``ratio`` over 100.
        numbers_must_match: texts with other numbers, or the same in another order, are no
            duplicates. Numbers are what is written in digits; words such as ``three`` are not.
        normalisation: of texts before they are compared; None is ``Normalisation()``.
        column: of a ``Dataset``: holds the texts.
        all_pairs: up to so many different texts, all pairs are compared; beyond, candidates.
        candidates: finds them: which texts agree in a band of their MinHash signatures.
        workers: threads of rapidfuzz; -1 are all cores.

    Raises:
        UserError: documents of another form, a number out of range, or a package is missing.
    """
    where = "in find_fuzzy_duplicates"
    check_range(Range(above=0, at_most=1), where, threshold=threshold)
    check_range(NOT_NEGATIVE, where, all_pairs=all_pairs)
    check_range(COUNT, where, workers=None if workers == -1 else workers)
    require_rapidfuzz("find_fuzzy_duplicates")
    source = _Distinct(documents, "find_fuzzy_duplicates", column, normalisation)
    classes = _classes(source.texts) if numbers_must_match else np.zeros(len(source.texts), int)
    settings = {
        "normalisation": asdict(source.normalisation),
        "numbers_must_match": numbers_must_match,
        "rapidfuzz": version("rapidfuzz"),
    }
    compare = _Compare(source.texts, workers)
    if len(source.texts) <= all_pairs:
        method: Method = "all pairs"
        roots, compared = _among_all(compare, classes, threshold)
    else:
        method = "minhash"
        settings["candidates"] = asdict(candidates)
        keys = band_keys(_signatures(source.texts, candidates), candidates)
        own = np.broadcast_to(classes[:, None].astype(np.uint64), keys.shape)
        roots, compared = grouped(combined([keys, own]), compare, threshold)
    moved = np.flatnonzero(roots != np.arange(len(roots)))
    scores = np.ones(len(roots))
    scores[moved] = compare(moved, roots[moved])
    found = source.described(roots, scores)
    return FuzzyDuplicates(
        len(source), compared, threshold, method, settings, found, tuple(source.unreadable)
    )


class _Distinct:
    """The different normalised texts of rows, in the order of their first rows."""

    def __init__(
        self, rows: QuestionRows, where: str, column: str, normalisation: Normalisation | None
    ) -> None:
        self._source = TextColumn(rows, where, column)
        self.normalisation = normalisation or Normalisation()
        self.unreadable: list[Unreadable] = []
        numbers_of: dict[str, int] = {}
        self._rows: list[int] = []  # with a text
        self._which: list[int] = []  # of the different texts, each of them has
        for row, text in self._source.readable(self.unreadable):
            self._rows.append(row)
            self._which.append(numbers_of.setdefault(self.normalisation(text), len(numbers_of)))
        self.texts = list(numbers_of)

    def __len__(self) -> int:
        return len(self._source)

    def described(self, roots: np.ndarray, scores: np.ndarray) -> tuple[Duplicate, ...]:
        """Return the rows whose text is not the first of its group.

        Args:
            roots: the first text of each text's group, ``[N]``.
            scores: the similarity of each text to it, ``[N]``.
        """
        rows, which = np.array(self._rows, int), np.array(self._which, int)
        first = rows[np.unique(which, return_index=True)[1]]  # row of each text
        of_rows = first[roots[which]]
        ids, is_found = self._source.ids, of_rows != rows
        columns = (rows[is_found], of_rows[is_found], scores[which[is_found]])
        return tuple(
            Duplicate(row, ids[row], of_row, ids[of_row], score)
            for row, of_row, score in zip(*(part.tolist() for part in columns), strict=True)
        )


@dataclass(frozen=True)
class _Compare:
    """Computes the similarities of pairs of texts, ``[P]``, some at a time."""

    texts: Sequence[str]
    workers: int

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        parts = [np.empty(0)]
        for start in range(0, len(first), _PAIRS):
            ones = [self.texts[row] for row in first[start : start + _PAIRS].tolist()]
            others = [self.texts[row] for row in second[start : start + _PAIRS].tolist()]
            parts.append(similarities(ones, others, self.workers))
        return np.concatenate(parts)


def _among_all(compare: _Compare, classes: np.ndarray, threshold: float) -> tuple[np.ndarray, int]:
    """Join the texts of a class that are similar; return the first of each group, ``[N]``."""
    forest, compared = Forest(len(compare.texts)), 0
    with counting("near-duplicates", len(compare.texts), unit="texts", delay=2.0) as add:
        for rows in _members(classes):
            texts = ByLength([compare.texts[row] for row in rows.tolist()])
            compared += count_within(texts, threshold)
            roots = forest.roots()
            for first, second in pairs_within(texts, threshold, compare.workers):
                a, b = rows[first], rows[second]
                is_apart = roots[a] != roots[b]
                a, b = a[is_apart], b[is_apart]
                is_near = compare(a, b) >= threshold
                if is_near.any():
                    forest.unite(a[is_near], b[is_near])
                    roots = forest.roots()
            add(len(rows))
    return forest.roots(), compared


def _members(classes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the texts of each class that has two or more."""
    order = np.argsort(classes, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(classes[order])) + 1):
        if len(rows) > 1:
            yield rows


def _classes(texts: Sequence[str]) -> np.ndarray:
    """Return a number for each text, equal for texts with equal numbers, ``[N]``."""
    known: dict[tuple[str, ...], int] = {}
    return np.array([known.setdefault(numbers(text), len(known)) for text in texts], int)


def _signatures(texts: Sequence[str], settings: MinHash) -> np.ndarray:
    with counting("MinHash signatures", len(texts), unit="texts", delay=2.0) as add:
        return signatures(texts, settings, progress=add)
