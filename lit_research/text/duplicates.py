"""Near-duplicate documents, within one set or between two, by MinHash.

Documents whose signatures agree in a band are compared; those at or above a threshold are joined
(within a set: groups by union-find, of which the first document is kept). Results depend on the
documents and their order alone, not on shards or workers. Memory beside the documents is 640 bytes
a document with the default ``MinHash`` (``4 * bands * rows + 8 * bands``), and what 256 pairs take.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lit_research.progress import counting
from lit_research.ranges import SHARE, check_range
from lit_research.text.buckets import Similarity, grouped, nearest_rows
from lit_research.text.columns import DocumentRows, TextColumn
from lit_research.text.minhash import MinHash, band_keys, shingle_sets, signatures

_PAIRS = 1 << 8  # compared at once


@dataclass(frozen=True)
class Duplicate:
    """A document that is nearly equal to another one.

    Attributes:
        row: its place among the documents.
        id: its identifier.
        of_row: the place of the other one: the first of its group, or the nearest one of the
            other set.
        of_id: the identifier of the other one.
        similarity: the Jaccard similarity of the two; within a set it can be below the threshold,
            where documents between the two join them.
    """

    row: int
    id: str
    of_row: int
    of_id: str
    similarity: float


@dataclass(frozen=True)
class Duplicates:
    """Which documents are duplicates, and of which.

    Attributes:
        documents: number of documents that were searched.
        compared: pairs whose similarity was computed.
        threshold: at or above it two documents are duplicates.
        exact: whether similarities are those of the shingles, or estimates from signatures.
        settings: of the signatures.
        found: the duplicates, by row.
    """

    documents: int
    compared: int
    threshold: float
    exact: bool
    settings: MinHash
    found: tuple[Duplicate, ...]

    @property
    def kept(self) -> list[int]:
        """The rows of the documents that are no duplicates, for ``Dataset.select``."""
        left_out = {duplicate.row for duplicate in self.found}
        return [row for row in range(self.documents) if row not in left_out]

    def card(self) -> dict[str, Any]:
        """Return counts and settings as plain data."""
        return {
            "documents": self.documents,
            "compared": self.compared,
            "duplicates": len(self.found),
            "originals": len({duplicate.of_row for duplicate in self.found}),
            "threshold": self.threshold,
            "exact": self.exact,
            "recall_at_threshold": self.settings.recall(self.threshold),
            "settings": asdict(self.settings),
        }


def find_duplicates(
    documents: DocumentRows,
    settings: MinHash | None = None,
    *,
    threshold: float = 0.8,
    exact: bool = True,
    executor: Executor | None = None,
    shards: str | Path | None = None,
) -> Duplicates:
    """Find the documents that are near-duplicates of an earlier one.

    Duplicates of duplicates are one group, of which the first document is kept. Equal texts are
    always found.

    Args:
        documents: in the order that decides which one is the first.
        settings: of the signatures; None is ``MinHash()``.
        threshold: Jaccard similarity of the shingles, 0 to 1.
        exact: compute the similarity of a pair from its shingles; False estimates it from the
            signatures, which is faster.
        executor: makes signatures in parallel.
        shards: a folder that keeps the signatures of each shard, so that an interrupted call
            resumes; None keeps none.

    Raises:
        UserError: documents of another form, a threshold out of range, or no package for MinHash.
    """
    check_range(SHARE, "in find_duplicates", threshold=threshold)
    settings = settings or MinHash()
    source = TextColumn(documents, "find_duplicates")
    signed = _signatures(source, settings, executor, shards)
    similarity = _similarity((source, signed), (source, signed), settings, exact)
    roots, compared = grouped(band_keys(signed, settings), similarity, threshold)
    rows = np.flatnonzero(roots != np.arange(len(roots)))
    found = _described(source, rows, source, roots[rows], similarity(rows, roots[rows]))
    return Duplicates(len(source), compared, threshold, exact, settings, found)


def find_overlap(
    documents: DocumentRows,
    others: DocumentRows,
    settings: MinHash | None = None,
    *,
    threshold: float = 0.8,
    exact: bool = True,
    executor: Executor | None = None,
    shards: str | Path | None = None,
) -> Duplicates:
    """Find the documents that have a near-duplicate in another set, with the nearest one there.

    Of equally near ones it is the first. Equal texts are always found.

    Args:
        documents: are searched for: validation documents, say.
        others: are searched in: the training documents.
        settings: as for ``find_duplicates``, with the other arguments.
        threshold: as there.
        exact: as there.
        executor: as there.
        shards: as there.

    Raises:
        UserError: as there.
    """
    check_range(SHARE, "in find_overlap", threshold=threshold)
    settings = settings or MinHash()
    sources = [TextColumn(rows, "find_overlap") for rows in (documents, others)]
    signed = [_signatures(source, settings, executor, shards) for source in sources]
    similarity = _similarity((sources[0], signed[0]), (sources[1], signed[1]), settings, exact)
    keys = [band_keys(part, settings) for part in signed]
    nearest, scores, compared = nearest_rows(keys[0], keys[1], similarity, threshold)
    rows = np.flatnonzero(nearest >= 0)
    found = _described(sources[0], rows, sources[1], nearest[rows], scores[rows])
    return Duplicates(len(sources[0]), compared, threshold, exact, settings, found)


def pair_similarities(
    documents: DocumentRows, first: np.ndarray, second: np.ndarray, settings: MinHash
) -> np.ndarray:
    """Return the Jaccard similarity of the shingles of pairs of documents, ``[P]``.

    Args:
        documents: as for ``find_duplicates``.
        first: row of one document of each pair, ``[P]``.
        second: row of the other one, ``[P]``.
        settings: of the shingles.

    Raises:
        UserError: documents of another form.
    """
    source = TextColumn(documents, "pair_similarities")
    unsigned = np.empty((0, 0), np.uint32)
    return _similarity((source, unsigned), (source, unsigned), settings, True)(first, second)


def _signatures(
    source: TextColumn,
    settings: MinHash,
    executor: Executor | None,
    shards: str | Path | None,
) -> np.ndarray:
    with counting("MinHash signatures", len(source), unit="documents", delay=2.0) as add:
        return signatures(source.texts(), settings, executor=executor, shards=shards, progress=add)


def _similarity(
    first: tuple[TextColumn, np.ndarray],
    second: tuple[TextColumn, np.ndarray],
    settings: MinHash,
    exact: bool,
) -> Similarity:
    """Return the function from rows of both sets, ``[P]`` each, to their similarities, ``[P]``."""

    def shingles(source: TextColumn, rows: np.ndarray) -> dict[int, np.ndarray]:
        different = np.unique(rows).tolist()
        return dict(
            zip(different, shingle_sets(map(source.text, different), settings), strict=True)
        )

    def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ones, others = shingles(first[0], a), shingles(second[0], b)
        pairs = [(ones[i], others[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
        common = np.array([len(np.intersect1d(*pair, assume_unique=True)) for pair in pairs])
        return common / (np.array([len(one) + len(other) for one, other in pairs]) - common)

    def estimate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (first[1][a] == second[1][b]).mean(axis=1)

    def compute(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        blocks = [slice(start, start + _PAIRS) for start in range(0, len(a), _PAIRS)]
        one_block = jaccard if exact else estimate
        return np.concatenate([np.empty(0), *(one_block(a[part], b[part]) for part in blocks)])

    return compute


def _described(
    source: TextColumn,
    rows: np.ndarray,
    others: TextColumn,
    of_rows: np.ndarray,
    similarities: np.ndarray,
) -> tuple[Duplicate, ...]:
    columns = (part.tolist() for part in (rows, of_rows, similarities))
    return tuple(
        Duplicate(row, source.ids[row], of_row, others.ids[of_row], similarity)
        for row, of_row, similarity in zip(*columns, strict=True)
    )
