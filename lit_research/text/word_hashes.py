"""64-bit hashes of the words or characters of many texts at once, without a Python object for each.

The hash of a word is a polynomial in its characters, from differences of running sums modulo 2^64,
whose bits are then mixed (the last steps of SplitMix64). It depends on the word alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

Unit = Literal["word", "character"]

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)
_CHARACTERS = 1 << 20  # about as many are hashed at once; each takes about 50 bytes
_IS_SPACE = np.array([*(chr(code).isspace() for code in range(0x3001)), False])


def unit_hashes(
    texts: Iterable[str], unit: Unit, at_least: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Hash the words (as ``str.split`` finds them) or the characters of texts.

    Args:
        texts: ``D`` of them.
        unit: what is hashed.
        at_least: shorter texts are filled up with zeros to this length.

    Returns:
        the hashes of all texts in order, ``[M]`` uint64, and where each text begins, ``[D + 1]``.
    """
    parts, sizes = [np.empty(0, np.uint64)], [np.zeros(1, np.int64)]
    for batch in _batches(texts):
        hashes, counts = _hashed(batch, unit)
        filled = np.maximum(counts, at_least)
        moved = np.cumsum(filled) - filled - (np.cumsum(counts) - counts)
        part = np.zeros(filled.sum(), np.uint64)
        part[np.arange(len(hashes)) + np.repeat(moved, counts)] = hashes
        parts.append(part)
        sizes.append(filled)
    return np.concatenate(parts), np.cumsum(np.concatenate(sizes))


def mixed(values: np.ndarray) -> np.ndarray:
    """Return uint64 whose bits all look random; different numbers stay different."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def combined(values: np.ndarray) -> np.ndarray:
    """Hash the last axis of ``values``, in order: ``[..., K]`` to ``[...]`` uint64."""
    sums = np.zeros(values.shape[:-1], np.uint64)
    for place in range(values.shape[-1]):
        sums = (sums + values[..., place]) * np.uint64(_BASE)
    return mixed(sums)


def _hashed(texts: list[str], unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes ``[M]``, and how many each text has, ``[D]``."""
    joined = "\n".join([*texts, ""])  # each text ends with a space
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    stops = np.cumsum([len(text) + 1 for text in texts])
    values = codes + np.uint64(1)
    if unit == "word":
        is_space = _IS_SPACE[np.minimum(codes, len(_IS_SPACE) - 1)]
        borders = np.flatnonzero(np.diff(is_space, prepend=True))
        places = borders[::2]
        hashes = _spans(values, places, borders[1::2])
    else:
        places = np.delete(np.arange(len(codes)), stops - 1)
        hashes = values[places]
    return mixed(hashes), np.diff(np.searchsorted(places, stops), prepend=0)


def _spans(values: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return the sum of ``values[i] * BASE^(i - start)`` modulo 2^64 over each span."""
    powers = np.cumprod(np.full(len(values), _BASE, np.uint64))
    sums = np.cumsum(values * powers)
    inverses = np.cumprod(np.full(len(values), _INVERSE, np.uint64))
    # A span begins after a space, whose sum is the one to take away; at 0 there is none.
    before = np.where(starts > 0, sums[starts - 1], np.uint64(0))
    return (sums[stops - 1] - before) * inverses[starts]


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch, characters = [], 0
    for text in texts:
        batch.append(text)
        characters += len(text) + 1
        if characters >= _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
