"""Encoders: texts -> vectors, given by class path; and the cache of what they have encoded.

``Tfidf`` needs no model. An encoder of your own is a subclass of ``Encoder`` in one file.
"""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.files import write_json
from lit_research.progress import counting
from lit_research.ranges import COUNT, Range, check_range
from lit_research.storage import build_folder, cache_root, content_hash
from lit_research.text.documents import CARD, fingerprint
from lit_research.text.neighbours import checked_norms
from lit_research.text.shards import compute_shards, in_batches
from lit_research.text.word_hashes import Unit, unit_hashes

if TYPE_CHECKING:
    from datasets import Dataset

_FORMAT = 1
_VECTORS = "vectors.npy"
_BATCH = 1000  # documents


class Encoder(ABC):
    """Makes vectors of texts; subclass it in a file of your own.

    In a config, give ``encoder: {class_path: my_file.MyEncoder, init_args: {...}}``.
    """

    def fit(self, texts: Iterable[str]) -> None:  # noqa: B027
        """Learn from the corpus, once, before texts are encoded; nothing by default."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, ``[N, D]`` float32, finite; ``D`` is always the same."""

    @abstractmethod
    def card(self) -> Mapping[str, Any]:
        """Return what the vectors depend on, as plain data: its hash is part of a cache's name."""


AnyEncoder: TypeAlias = str | Mapping[str, Any] | Encoder
"""A class path, ``{class_path: ..., init_args: ...}``, or the object."""


class Tfidf(Encoder):
    """Term frequency times inverse document frequency, in a fixed width by feature hashing.

    A word adds ``count * (ln((1 + N) / (1 + n)) + 1)`` to the place that its hash says, with a sign
    that its hash says (Weinberger et al. 2009), where ``n`` of the ``N`` documents of ``fit`` have
    the word; vectors have length 1, that of a text without words 0. Cosines deviate from those
    without hashing by about ``1 / sqrt(width)``, for all but the shortest texts less.

    Args:
        width: numbers in a vector.
        unit: ``word`` (as spaces separate them) or ``character``.
        max_document_share: words in more than this share of the documents of ``fit`` do not count.
            Documents that share the common words of their format, style or language are near each
            other with all words; below 0.01, say, those that share rare words are.

    Raises:
        UserError: a width below 1, another unit, or a share that is not above 0 and at most 1.
    """

    def __init__(
        self, width: int = 4096, unit: Unit = "word", max_document_share: float = 1.0
    ) -> None:
        check_range(COUNT, "in Tfidf", width=width)
        share = Range(above=0, at_most=1)
        check_range(share, "in Tfidf", max_document_share=max_document_share)
        if unit not in get_args(Unit):
            raise UserError(f"unit is {unit!r}, in Tfidf; must be word or character")
        self.width, self.unit, self.max_document_share = width, unit, max_document_share
        self._documents = 0
        self._words = np.empty(0, np.uint64)  # sorted hashes
        self._counts = np.empty(0, np.int64)  # documents with the word

    def fit(self, texts: Iterable[str]) -> None:
        """Count in how many texts each word is; replaces the counts of an earlier call."""
        counts: Counter[int] = Counter()
        self._documents = 0
        for batch in in_batches(texts, _BATCH):
            counts.update(self._terms(batch)[0].tolist())
            self._documents += len(batch)
        words = sorted(counts)
        self._words = np.array(words, np.uint64)
        self._counts = np.array([counts[word] for word in words], np.int64)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of texts, ``[N, width]`` float32.

        Raises:
            UserError: ``fit`` was not called.
        """
        from scipy.sparse import csr_matrix

        if self._documents == 0:
            raise UserError("Tfidf has counted no document; call fit with the texts of a corpus")
        words, rows, counts = self._terms(texts)
        place = np.searchsorted(self._words, words)
        # A word that is larger than all known ones, or one that is not known, is in no document.
        known = np.append(self._words, np.uint64(0))[place] == words
        having = np.where(known, np.append(self._counts, 0)[place], 0)
        weights = counts * (np.log((1 + self._documents) / (1 + having)) + 1)
        weights *= np.where(words >> np.uint64(63), -1.0, 1.0)
        weights *= having <= self.max_document_share * self._documents
        columns = (words % np.uint64(self.width)).astype(np.int64)
        shape = (len(texts), self.width)
        vectors = csr_matrix((weights.astype(np.float32), (rows, columns)), shape).toarray()
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, norms, out=vectors, where=norms > 0)

    def card(self) -> dict[str, Any]:
        """Return the settings, the number of documents and words, and a hash of the counts."""
        return {
            "width": self.width,
            "unit": self.unit,
            "max_document_share": self.max_document_share,
            "documents": self._documents,
            "words": len(self._words),
            "counts": content_hash(self._words.tobytes(), self._counts.tobytes()),
        }

    def _terms(self, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the different words of each text: hash, row of the text, count, ``[M]`` each."""
        hashes, offsets = unit_hashes(texts, self.unit)
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        order = np.lexsort((hashes, rows))
        hashes, rows = hashes[order], rows[order]
        is_first = np.ones(len(hashes), bool)
        is_first[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
        starts = np.flatnonzero(is_first)
        return hashes[starts], rows[starts], np.diff(starts, append=len(hashes))


def make_encoder(encoder: AnyEncoder) -> Encoder:
    """Return the encoder of a config: ``tfidf``, or a class path with its arguments.

    Raises:
        UserError: there is no such class, or it is built with other arguments.
    """
    if isinstance(encoder, Encoder):
        return encoder
    return make_object(Encoder, encoder, {"tfidf": Tfidf})  # type: ignore[type-abstract]


def embed(
    documents: Dataset,
    encoder: Encoder,
    *,
    cache_dir: str | Path | None = None,
    executor: Executor | None = None,
    shard: int = 8000,
) -> np.ndarray:
    """Return the vectors of documents, ``[N, D]`` float16, memory-mapped.

    They are kept under a hash of the documents and the encoder's card, written atomically, and
    built once by concurrent processes. While they are built every finished shard is kept in a file,
    so that an interrupted call resumes: on disk they take twice their size until the last one.

    Args:
        documents: with the columns ``text`` and ``id``.
        encoder: fitted, if it learns from a corpus.
        cache_dir: default as in ``cache_root``.
        executor: encodes shards in parallel, with a copy of the encoder in each process; None does
            it here. The vectors do not depend on it.
        shard: documents in a shard.

    Raises:
        UserError: no documents, or an encoder that returns another shape, width or dtype, or
            numbers that are not finite in float16.
    """
    check_range(COUNT, "in embed", shard=shard)
    if len(documents) == 0:
        raise UserError("there are no documents, in embed; give at least one")
    kind = type(encoder)
    card = {
        "format": _FORMAT,
        "documents": len(documents),
        "documents_hash": fingerprint(documents),
        "encoder": {"class_path": f"{kind.__module__}.{kind.__qualname__}", **encoder.card()},
    }
    folder = cache_root(cache_dir) / "vectors" / content_hash(json.dumps(card, sort_keys=True))
    shards = folder.with_name(f"{folder.name}.shards")
    texts = in_batches(_texts(documents), shard)
    build_folder(
        folder,
        lambda partial: _write(
            partial, compute_shards(_Shard(encoder), texts, executor=executor, folder=shards), card
        ),
        is_whole=_is_whole,
        what=f"Encoding {len(documents):,} documents",
    )
    shutil.rmtree(shards, ignore_errors=True)
    return np.load(folder / _VECTORS, mmap_mode="r")


@dataclass(frozen=True)
class _Shard:
    """Encodes the texts of a shard; a process can be sent it."""

    encoder: Encoder

    def __call__(self, texts: list[str]) -> np.ndarray:
        """Return checked vectors, ``[N, D]`` float16."""
        name, parts = type(self.encoder).__name__, list[np.ndarray]()
        for batch in in_batches(texts, _BATCH):
            found = self.encoder.encode(batch)
            checked_norms(found, f"what {name}.encode returns", _width(parts))
            if len(found) != len(batch):
                raise UserError(
                    f"{len(found)} vectors for {len(batch)} texts, from {name}.encode; must be one "
                    "for each"
                )
            if np.abs(found).max(initial=0) > np.finfo(np.float16).max:
                raise UserError(
                    f"a number is {np.abs(found).max():.3g}, from {name}.encode; must be at most "
                    f"{np.finfo(np.float16).max}, the largest one of float16"
                )
            parts.append(found.astype(np.float16))
        return np.concatenate(parts)


def _width(parts: Sequence[np.ndarray]) -> int | None:
    return parts[0].shape[1] if parts else None


def _write(folder: Path, shards: Iterable[np.ndarray], card: dict[str, Any]) -> None:
    """Write the vectors of all shards as one array."""
    count, vectors, done = card["documents"], None, 0
    with counting("encoding", count, unit="documents", delay=2.0) as add:
        for found in shards:
            if vectors is None:
                shape = (count, found.shape[1])
                vectors = np.lib.format.open_memmap(folder / _VECTORS, "w+", np.float16, shape)
            if found.shape[1] != vectors.shape[1]:
                raise UserError(
                    f"the width is {found.shape[1]} from document {done} on, of what the encoder "
                    f"returns; must be {vectors.shape[1]}, as before"
                )
            vectors[done : done + len(found)] = found
            done += len(found)
            add(len(found))
    assert vectors is not None
    vectors.flush()
    write_json(folder / CARD, {**card, "width": vectors.shape[1]})


def _is_whole(folder: Path) -> bool:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        vectors = np.load(folder / _VECTORS, mmap_mode="r")
        return vectors.shape == (card["documents"], card["width"])
    except (OSError, EOFError, ValueError, KeyError):
        return False


def _texts(documents: Dataset) -> Iterator[str]:
    for batch in documents.select_columns(["text"]).iter(_BATCH):
        yield from batch["text"]
