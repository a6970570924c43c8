"""Random numbers for rows that follow from their ids."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lit_research.seeds import derive_seed


def priorities(ids: Iterable[str], seed: int) -> np.ndarray:
    """Return a random number for each id, uint64: of the id and the seed alone.

    The order of them is a random order that does not depend on how rows are cut into shards, and in
    which other rows do not move a row's place before or behind another.
    """
    from lit_research.text.word_hashes import mixed, unit_hash_batches

    sums = [np.empty(0, np.uint64)]
    for characters, starts in unit_hash_batches(ids, "character", at_least=1):
        places = np.arange(len(characters)) - np.repeat(starts[:-1], np.diff(starts))
        in_place = mixed(characters + places.astype(np.uint64))
        sums.append(np.add.reduceat(in_place, starts[:-1]))
    return mixed(np.concatenate(sums) ^ np.uint64(derive_seed("priority", seed)))
