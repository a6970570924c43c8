"""Runs of n tokens that texts share with evaluation items, by 64-bit hashes.

Legend: M runs of n tokens, B texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lit_research.text.word_hashes import combined


def ngram_hashes(tokens: Sequence[Sequence[int]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Hash the runs of ``n`` tokens of texts; a text with fewer tokens has none.

    Args:
        tokens: ids of each text, ``B`` times any number.
        n: tokens in a run.

    Returns:
        the hashes of all texts in order, ``[M]`` uint64, those of one text possibly repeated, and
        the place of the text that each is of, ``[M]`` int64.
    """
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    if lengths.sum() < n:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    ids = np.concatenate([np.asarray(one, np.uint64) for one in tokens]) + np.uint64(1)
    rows = np.repeat(np.arange(len(tokens)), lengths)
    count = len(ids) - n + 1
    is_inside = rows[:count] == rows[n - 1 :]
    hashes = combined([ids[place : place + count] for place in range(n)])
    return hashes[is_inside], rows[:count][is_inside]


class NgramIndex:
    """The runs of n tokens of evaluation items.

    Args:
        tokens: ids of each item.
        n: tokens in a run.
    """

    def __init__(self, tokens: Sequence[Sequence[int]], n: int) -> None:
        hashes, items = ngram_hashes(tokens, n)
        self._hashes, places = np.unique(hashes, return_index=True)
        self._first_items = items[places]  # items come in order
        self._of_items = np.unique(_of_item(hashes, items))

    def shared(
        self, hashes: np.ndarray, rows: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the first item that shares a run with each text.

        Args:
            hashes: of texts, ``[M]``, from ``ngram_hashes``.
            rows: the text that each is of, ``[M]``.
            count: number of texts, ``B``.

        Returns:
            the item, or -1, ``[B]``, and how many different runs it shares with the text, ``[B]``.
        """
        items = np.full(count, len(self._of_items) + 1)
        if len(self._hashes):
            places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
            is_known = self._hashes[places] == hashes
            hashes, rows, places = hashes[is_known], rows[is_known], places[is_known]
            np.minimum.at(items, rows, self._first_items[places])
            different = np.unique(_of_item(hashes, rows), return_index=True)[1]
            hashes, rows = hashes[different], rows[different]
            rows = rows[np.isin(_of_item(hashes, items[rows]), self._of_items)]
        else:
            rows = np.empty(0, np.int64)
        counts = np.bincount(rows, minlength=count)
        return np.where(counts > 0, items, -1), counts


def _of_item(hashes: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Hash a run together with what it is a run of, ``[M]``."""
    return combined([hashes, items.astype(np.uint64)])
