"""64-bit hashes of the words or characters of many texts at once, without a Python object for each.

The hash of a word is a polynomial in its characters, from differences of running sums modulo 2^64,
whose bits are then mixed (the last steps of SplitMix64). It depends on the word alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Literal

import numpy as np

Unit = Literal["word", "character"]

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)
_CHARACTERS = 1 << 16  # about as many are hashed at once: what they need fits in a core's cache
_POWERS = 1 << 17  # that are kept; a batch with a longer text makes its own
_IS_SPACE = np.array([*(chr(code).isspace() for code in range(0x3001)), False])
_LAST_ASCII_SPACE, _FIRST_OTHER_SPACE = 0x20, 0x85


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
    return joined(unit_hash_batches(texts, unit, at_least))


def unit_hash_batches(
    texts: Iterable[str], unit: Unit, at_least: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what ``unit_hashes`` returns of a few texts after the other.

    What is done with a batch before the next one is faster, since it is still in the cache.
    """
    for batch in _batches(texts):
        hashes, offsets = _hashed(batch, unit)
        counts = offsets[1:] - offsets[:-1]
        if counts.min() < at_least:
            filled = np.cumsum(np.maximum(counts, at_least))
            part = np.zeros(filled[-1], np.uint64)
            moved = np.append(0, filled[:-1]) - offsets[:-1]
            part[np.arange(len(hashes)) + np.repeat(moved, counts)] = hashes
            hashes, offsets = part, np.append(0, filled)
        yield hashes, offsets


def joined(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes of all batches, ``[M]`` uint64, and where each text begins."""
    parts, sizes = [np.empty(0, np.uint64)], [np.zeros(1, np.int64)]
    for hashes, offsets in batches:
        parts.append(hashes)
        sizes.append(np.diff(offsets))
    return np.concatenate(parts), np.cumsum(np.concatenate(sizes))


def mixed(values: np.ndarray) -> np.ndarray:
    """Return uint64 whose bits all look random; different numbers stay different."""
    found = values >> 30
    found ^= values
    found *= 0xBF58476D1CE4E5B9
    found ^= found >> 27
    found *= 0x94D049BB133111EB
    found ^= found >> 31
    return found


def combined(values: Sequence[np.ndarray]) -> np.ndarray:
    """Return one hash of numbers in this order, of each place of ``values``, uint64.

    Args:
        values: uint64 arrays of one shape: the first numbers, the second ones, ...
    """
    sums = np.zeros(values[0].shape, np.uint64)
    for part in values:
        sums += part
        sums *= np.uint64(_BASE)
    return mixed(sums)


def _hashed(texts: list[str], unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes ``[M]``, and where those of each text begin, ``[D + 1]``."""
    text = "\n".join(["", *texts, ""])  # a space before and after each
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    borders = np.cumsum([0, *[len(text) + 1 for text in texts]])  # these spaces
    values = np.add(codes, 1, dtype=np.uint64)
    if unit == "word":
        places, hashes = _between(values, _spaces(codes))
    else:
        places = np.delete(np.arange(len(codes)), borders)
        hashes = values[places]
    return mixed(hashes), np.searchsorted(places, borders)


def _spaces(codes: np.ndarray) -> np.ndarray:
    """Return the places of the characters that are spaces."""
    # Few characters of most texts are below or above the range that holds no space at all: those
    # below it wrap around.
    first = np.uint32(_LAST_ASCII_SPACE + 1)
    places = np.flatnonzero(codes - first >= _FIRST_OTHER_SPACE - _LAST_ASCII_SPACE - 1)
    return places[_IS_SPACE.take(codes[places], mode="clip")]


def _between(values: np.ndarray, spaces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the words between spaces begin, and their hashes before mixing.

    That of a word is the sum of ``values[i] * BASE^(i - start)`` modulo 2^64.

    Args:
        values: of the characters, ``[N]`` uint64; overwritten.
        spaces: places, the first one 0 and the last one ``N - 1``.
    """
    powers, inverses = _powers(len(values))
    values *= powers
    sums = np.add.accumulate(values, out=values)
    before, last = spaces[:-1], spaces[1:] - 1
    if not (is_word := last > before).all():
        before, last = before[is_word], last[is_word]
    hashes = sums[last]
    hashes -= sums[before]
    hashes *= inverses[before]
    return before + 1, hashes


def _powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``BASE^i`` and ``BASE^-(i + 1)`` modulo 2^64, ``[count]`` uint64 each."""
    powers, inverses = _kept_powers() if count <= _POWERS else _new_powers(count)
    return powers[:count], inverses[:count]


@cache
def _kept_powers() -> tuple[np.ndarray, np.ndarray]:
    return _new_powers(_POWERS)


def _new_powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    powers = np.full(count, _BASE, np.uint64)
    powers[0] = 1
    return np.cumprod(powers), np.cumprod(np.full(count, _INVERSE, np.uint64))


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
