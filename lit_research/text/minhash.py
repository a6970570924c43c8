"""MinHash: short signatures of texts whose agreement estimates how much the texts overlap.

A text is the set of its shingles (runs of n words). Two signatures agree in one place with the
probability ``s`` that is the Jaccard similarity of the two sets; cut into bands of rows, they agree
in some whole band with probability ``1 - (1 - s^rows)^bands`` (Broder 1997; Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, section 3.4). Shingles are hashed here; the signatures are those
of rensa, or of datasketch where rensa is not installed.
"""

from __future__ import annotations

import importlib
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.ranges import COUNT, SHARE, check_range
from lit_research.seeds import derive_seed
from lit_research.storage import content_hash
from lit_research.text.shards import compute_shards, in_batches
from lit_research.text.word_hashes import Unit, combined, joined, unit_hash_batches

_FORMAT = 1
_SHARD_TEXTS = 1024


@dataclass(frozen=True)
class MinHash:
    """How texts become signatures, and which of them are compared.

    Args:
        shingle: units in a shingle; a text with fewer is one shingle.
        unit: ``word`` (as spaces separate them) or ``character``, for text without spaces.
        bands: groups of rows; texts that agree in one whole band are compared.
        rows: places in a band. A signature has ``bands * rows`` places of 4 bytes.
        seed: of the hash functions.

    Raises:
        UserError: a number below 1, or another unit.
    """

    shingle: int = 5
    unit: Unit = "word"
    bands: int = 16
    rows: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        check_range(COUNT, "in MinHash", shingle=self.shingle, bands=self.bands, rows=self.rows)
        if self.unit not in get_args(Unit):
            raise UserError(f"unit is {self.unit!r}, in MinHash; must be word or character")

    def recall(self, similarity: float) -> float:
        """Return the probability that two texts of this Jaccard similarity are compared."""
        check_range(SHARE, "in MinHash.recall", similarity=similarity)
        return float(1 - (1 - similarity**self.rows) ** self.bands)


def shingle_hashes(texts: Iterable[str], settings: MinHash) -> tuple[np.ndarray, np.ndarray]:
    """Hash the shingles of texts.

    Returns:
        the hashes of all texts in order, ``[M]`` uint64, those of one text possibly repeated, and
        where each text begins, ``[D + 1]``. Every text has at least one shingle, the empty one too.
    """
    return joined(_shingle_batches(texts, settings))


def _shingle_batches(
    texts: Iterable[str], settings: MinHash
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what ``shingle_hashes`` returns of a few texts after the other."""
    size = settings.shingle
    for units, offsets in unit_hash_batches(texts, settings.unit, at_least=size):
        count = len(units) - size + 1
        hashes = combined([units[place : place + count] for place in range(size)])
        inside = np.ones(count, bool)
        borders = offsets[1:-1, None] - np.arange(1, size)  # windows over two texts begin there
        inside[borders] = False
        yield hashes[inside], offsets - (size - 1) * np.arange(len(offsets))


def shingle_sets(texts: Iterable[str], settings: MinHash) -> list[np.ndarray]:
    """Return the hashes of the different shingles of each text, sorted, uint64."""
    hashes, offsets = shingle_hashes(texts, settings)
    return [np.unique(hashes[start:stop]) for start, stop in pairwise(offsets.tolist())]


def signatures(
    texts: Sequence[str] | Iterable[str],
    settings: MinHash,
    *,
    executor: Executor | None = None,
    shards: str | Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Return the signatures of texts, ``[D, bands * rows]`` uint32.

    A signature depends on its text and the settings alone: shards and workers do not matter. Those
    of rensa and of datasketch differ, and are not to be compared with each other.

    Args:
        texts: read once, in order.
        settings: shingles, bands, rows and seed.
        executor: signs shards of texts in parallel; None does it here.
        shards: a folder that keeps the signatures of each shard, under a hash of the settings and
            the texts: an interrupted call resumes. None keeps none.
        progress: told the number of texts that are done.

    Raises:
        UserError: neither package is installed, or ``shards`` cannot be written to.
    """
    sign_shard = _Signer(settings, _backend())
    folder = None if shards is None else Path(shards).expanduser() / sign_shard.key()
    batches = in_batches(texts, _SHARD_TEXTS)
    parts = [np.empty((0, settings.bands * settings.rows), np.uint32)]
    for part in compute_shards(sign_shard, batches, executor=executor, folder=folder):
        parts.append(part)
        if progress is not None:
            progress(len(part))
    return np.concatenate(parts)


def band_keys(signatures_: np.ndarray, settings: MinHash) -> np.ndarray:
    """Return one number for each band of each signature, ``[D, bands]`` uint64: equal if it is."""
    banded = signatures_.reshape(len(signatures_), settings.bands, settings.rows)
    return combined([banded[..., row] for row in range(settings.rows)])


@dataclass(frozen=True)
class _Signer:
    """Signs a shard; a process can be sent it."""

    settings: MinHash
    package: str

    def key(self) -> str:
        """Return a hash of what the signatures depend on, beside the texts."""
        return content_hash(json.dumps([_FORMAT, asdict(self), version(self.package)]))

    def __call__(self, texts: list[str]) -> np.ndarray:
        sign = {"rensa": _by_rensa, "datasketch": _by_datasketch}[self.package]
        seed = derive_seed("minhash", self.settings.seed, digest_size=4)
        places = self.settings.bands * self.settings.rows
        batches = _shingle_batches(texts, self.settings)
        return np.concatenate([sign(*batch, places, seed) for batch in batches])


def _backend() -> str:
    """Return the name of the package that signs."""
    for package in ("rensa", "datasketch"):
        try:
            importlib.import_module(package)
        except ImportError:
            continue
        return package
    raise UserError(
        "neither rensa nor datasketch is installed, for MinHash signatures; "
        "pip install 'lit_research[dedup]' (rensa), or datasketch where rensa has no wheel"
    )


def _by_rensa(hashes: np.ndarray, offsets: np.ndarray, places: int, seed: int) -> np.ndarray:
    from rensa import RMinHash

    starts = offsets.astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, starts, places, seed)
    flat = array("I")
    for row in matrix.to_rows():
        flat.fromlist(row)
    return np.array(flat, np.uint32).reshape(-1, places)


def _by_datasketch(hashes: np.ndarray, offsets: np.ndarray, places: int, seed: int) -> np.ndarray:
    import datasketch

    empty: Any = datasketch.MinHash(num_perm=places, seed=seed, hashfunc=int)
    low = (hashes & np.uint64(0xFFFFFFFF)).tolist()  # it takes hashes of 32 bits
    signed = np.empty((len(offsets) - 1, places), np.uint32)
    for row, (start, stop) in enumerate(pairwise(offsets.tolist())):
        sketch = empty.copy()
        sketch.update_batch(low[start:stop])
        signed[row] = sketch.digest()
    return signed
