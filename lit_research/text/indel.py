"""Pairs of texts of high Indel similarity, in blocks of bounded memory, by rapidfuzz.

The Indel similarity of texts of m and n characters is ``1 - d / (m + n)``, with ``d`` the fewest
characters to insert and delete that make one of the other: rapidfuzz's ``ratio`` over 100. It is at
most ``2 min(m, n) / (m + n)``, so texts of too different lengths are never compared; and ``d`` is
at least the sum of the differences of their counts of each character, which leaves few pairs of a
high threshold (32 bins of characters, so that a bound costs a hundredth of a similarity).

Legend: N texts, P pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from types import ModuleType

import numpy as np

from lit_research.errors import UserError

_ROWS, _COLUMNS = 256, 4096  # compared at once: 4 MiB of scores
# Rounding in rapidfuzz can drop a pair whose similarity is the cutoff itself, so that a lower one
# finds candidates, and their similarities decide.
_SLACK = 1e-6
_BINS = 32  # of characters, by the last bits of their codes: each letter of a-z has its own
_DENSE = 0.25  # where more of a block is left, rapidfuzz is faster on all of it


def require_rapidfuzz(what: str) -> None:
    """Refuse to go on without rapidfuzz.

    Args:
        what: needs it.

    Raises:
        UserError: it is not installed.
    """
    try:
        import rapidfuzz  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"rapidfuzz is not installed, for {what}; pip install 'lit_research[openthoughts]'"
        ) from error


def similarities(first: Sequence[str], second: Sequence[str], workers: int = 1) -> np.ndarray:
    """Return the Indel similarity of each two texts, ``[P]`` float64, 0 to 1; 1 of empty ones.

    Args:
        first: one text of each pair, ``[P]``.
        second: the other one, ``[P]``.
        workers: threads.
    """
    scorer = _indel().normalized_similarity
    return _process().cpdist(first, second, scorer=scorer, dtype=np.float64, workers=workers)


class ByLength:
    """Texts in the order of their lengths.

    Args:
        texts: ``N`` of them.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.given = texts
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self.order = np.argsort(lengths, kind="stable")
        self.lengths = lengths[self.order]
        self.texts = [texts[row] for row in self.order.tolist()]

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    @cached_property
    def counts(self) -> np.ndarray:
        """How many characters of each bin a text has, ``[N, bins]`` float32."""
        codes = np.frombuffer("".join(self.texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        bins = np.repeat(np.arange(len(self)) * _BINS, self.lengths) + codes % np.uint32(_BINS)
        counts = np.bincount(bins, minlength=len(self) * _BINS)
        return counts.reshape(len(self), _BINS).astype(np.float32)

    def near(self, lengths: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Return where those begin and end that a text of a length can be similar to, ``[N]``."""
        if threshold <= 0:
            return np.zeros_like(lengths), np.full_like(lengths, len(self))
        factor = (2 - threshold) / threshold
        low = np.searchsorted(self.lengths, lengths / factor, side="left")
        return low, np.searchsorted(self.lengths, lengths * factor, side="right")


def pairs_within(
    texts: ByLength, threshold: float, workers: int = 1, block: tuple[int, int] = (_ROWS, _COLUMNS)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs of texts of one set, ``[P]`` and ``[P]``: all that reach the threshold.

    Others can be among them: their similarities decide. Pairs come once.

    Args:
        texts: the set.
        threshold: 0 to 1.
        workers: threads.
        block: texts and texts that are compared at once.
    """
    for rows, columns in _candidates(texts, texts, threshold, workers, block):
        is_once = rows < columns
        yield texts.order[rows[is_once]], texts.order[columns[is_once]]


def pairs_between(
    texts: ByLength,
    others: ByLength,
    threshold: float,
    workers: int = 1,
    block: tuple[int, int] = (_ROWS, _COLUMNS),
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield pairs of a text and one of another set, as ``pairs_within`` does."""
    for rows, columns in _candidates(texts, others, threshold, workers, block):
        yield texts.order[rows], others.order[columns]


def count_within(texts: ByLength, threshold: float) -> int:
    """Return the number of pairs of one set whose lengths allow the threshold."""
    _, stops = texts.near(texts.lengths, threshold - _SLACK)
    return int((stops - np.arange(len(texts)) - 1).sum())


def _candidates(
    texts: ByLength, others: ByLength, threshold: float, workers: int, block: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield places in the order of lengths; within one set, only columns from a block's first."""
    cutoff = max(threshold - _SLACK, 0.0)
    for start in range(0, len(texts), block[0]):
        rows = slice(start, min(start + block[0], len(texts)))
        lows, highs = others.near(texts.lengths[[rows.start, rows.stop - 1]], cutoff)
        low = start if texts is others else int(lows[0])
        for left in range(low, int(highs[1]), block[1]):
            columns = slice(left, min(left + block[1], int(highs[1])))
            is_possible = _bounds(texts, rows, others, columns) >= cutoff
            if is_possible.mean() > _DENSE:
                is_possible = _scores(texts, rows, others, columns, workers) >= cutoff
            found, found_columns = np.nonzero(is_possible)
            yield found + start, found_columns + left


def _bounds(texts: ByLength, rows: slice, others: ByLength, columns: slice) -> np.ndarray:
    """Return what the similarities of a block are at most, ``[rows, columns]``."""
    from scipy.spatial.distance import cdist

    least = cdist(texts.counts[rows], others.counts[columns], "cityblock")
    lengths = texts.lengths[rows, None] + others.lengths[columns]
    return 1 - least / np.maximum(lengths, 1)


def _scores(
    texts: ByLength, rows: slice, others: ByLength, columns: slice, workers: int
) -> np.ndarray:
    """Return the similarities of a block, ``[rows, columns]`` float32."""
    return _process().cdist(
        texts.texts[rows],
        others.texts[columns],
        scorer=_indel().normalized_similarity,
        dtype=np.float32,
        workers=workers,
    )


def _process() -> ModuleType:
    from rapidfuzz import process

    return process


def _indel() -> ModuleType:
    from rapidfuzz.distance import Indel

    return Indel
