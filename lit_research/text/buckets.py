"""Rows in buckets: those that share a bucket are compared, and grouped or matched.

The buckets of a band are the rows with equal keys there; two rows are compared in the first band
where they meet. No list of pairs is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Similarity: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes rows ``[P]`` and rows ``[P]``; returns how similar each two of them are, ``[P]``."""


class Forest:
    """Groups of rows by union-find; the root of a group is its smallest row.

    Args:
        count: number of rows.
    """

    def __init__(self, count: int) -> None:
        self._parents = np.arange(count)

    def unite(self, first: np.ndarray, second: np.ndarray) -> None:
        """Join the groups of ``first[p]`` and ``second[p]``, for every pair ``p``, ``[P]`` each."""
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            low, high = sorted((self._root(a), self._root(b)))
            self._parents[high] = low

    def roots(self) -> np.ndarray:
        """Return the root of every row, ``[N]``."""
        while not np.array_equal(above := self._parents[self._parents], self._parents):
            self._parents = above
        return above

    def _root(self, row: int) -> int:
        while (above := int(self._parents[row])) != row:
            self._parents[row] = self._parents[above]
            row = above
        return row


def grouped(keys: np.ndarray, similarity: Similarity, threshold: float) -> tuple[np.ndarray, int]:
    """Join rows that share a band's key ``[N, bands]`` and are similar.

    In each bucket, rows one, two, three, ... places apart are compared, in all buckets at once.
    Rows that are already joined need no comparison, and a bucket of one group is done: a thousand
    copies cost a thousand comparisons.

    Returns:
        the first row of each row's group, ``[N]``, and the number of comparisons.
    """
    forest, roots, compared = Forest(len(keys)), np.arange(len(keys)), 0
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        buckets = np.cumsum(np.diff(keys[order, band], prepend=keys[order[:1], band]) != 0)
        distance, (rows, buckets) = 1, _unfinished(order, buckets, roots, 1)
        while len(rows):
            left = np.flatnonzero(buckets[distance:] == buckets[:-distance])
            a, b = rows[left], rows[left + distance]
            is_new = (roots[a] != roots[b]) & ~(keys[a, :band] == keys[b, :band]).any(axis=1)
            a, b = a[is_new], b[is_new]
            are_near = similarity(a, b) >= threshold
            compared += len(a)
            if are_near.any():
                forest.unite(a[are_near], b[are_near])
                roots = forest.roots()
            distance += 1
            rows, buckets = _unfinished(rows, buckets, roots, distance)
    return roots, compared


def _unfinished(
    rows: np.ndarray, buckets: np.ndarray, roots: np.ndarray, distance: int
) -> tuple[np.ndarray, np.ndarray]:
    """Leave the buckets of more than ``distance`` rows that are in more than one group."""
    if len(rows) == 0:
        return rows, buckets
    starts = np.flatnonzero(np.diff(buckets, prepend=-1))
    sizes = np.diff(starts, append=len(rows))
    lowest = np.minimum.reduceat(roots[rows], starts)
    highest = np.maximum.reduceat(roots[rows], starts)
    is_left = np.repeat((lowest != highest) & (sizes > distance), sizes)
    return rows[is_left], buckets[is_left]


def nearest_rows(
    keys: np.ndarray, other_keys: np.ndarray, similarity: Similarity, threshold: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Find the most similar row of the other set that shares a band's key, for each row.

    Returns:
        its row, or -1, ``[N]``; its similarity, ``[N]``; and the number of comparisons.
    """
    nearest, scores, compared = np.full(len(keys), -1), np.full(len(keys), -1.0), 0
    for band in range(keys.shape[1]):
        order = np.argsort(other_keys[:, band], kind="stable")
        sorted_keys = other_keys[order, band]
        place = np.searchsorted(sorted_keys, keys[:, band])
        stop = np.searchsorted(sorted_keys, keys[:, band], side="right")
        active = np.arange(len(keys))
        # The first equal text comes first in every bucket: nothing after it is nearer.
        while len(active := active[(place[active] < stop[active]) & (scores[active] < 1)]):
            rows = active
            others = order[place[rows]]
            place[rows] += 1
            is_new = ~(keys[rows, :band] == other_keys[others, :band]).any(axis=1)
            rows, others = rows[is_new], others[is_new]
            found = similarity(rows, others)
            compared += len(rows)
            is_nearer = (found > scores[rows]) | (
                (found == scores[rows]) & (others < nearest[rows])
            )
            is_nearer &= found >= threshold
            rows, others, found = rows[is_nearer], others[is_nearer], found[is_nearer]
            nearest[rows], scores[rows] = others, found
    return nearest, scores, compared
