"""``PairFinder``: pairs of related documents, by nearest neighbours in an embedding space.

"Synthetic bootstrapped pretraining" (Yang et al. 2025, step 1): documents whose similarity is above
alpha, without near-duplicates, which would teach copying, and without hubs, the few documents that
are near everything.

Legend: N documents, P ordered pairs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lit_research.errors import UserError
from lit_research.ranges import COUNT, SHARE, Range, check_range
from lit_research.seeds import derive_seed
from lit_research.text.duplicates import pair_similarities
from lit_research.text.embed import AnyEncoder, embed, make_encoder
from lit_research.text.minhash import MinHash
from lit_research.text.neighbours import ExactIndex, Index, Metric, recall
from lit_research.text.pair_card import pair_card

if TYPE_CHECKING:
    from datasets import Dataset

IndexCallable: TypeAlias = Callable[[np.ndarray], Index]
"""Makes an index of vectors ``[N, D]``: ``FaissIndex``, by its class path in a config."""

_WHERE = "in PairFinder"
_SAMPLE = 200  # documents by which the recall of an index is measured
_HUB_PAIRS = 10  # of fewer pairs, one document may be in most


@dataclass(frozen=True)
class Pairs:
    """Ordered pairs of related documents; of every pair (i, j) there is (j, i) too.

    Attributes:
        first: row of the first document, ``[P]`` int64.
        second: row of the second one, another, ``[P]`` int64.
        scores: their similarity, ``[P]`` float32.
        card: how they were found, as plain data.
    """

    first: np.ndarray
    second: np.ndarray
    scores: np.ndarray
    card: dict[str, Any]

    def __len__(self) -> int:
        """Return the number of ordered pairs."""
        return len(self.first)

    def chosen(self, which: np.ndarray) -> Pairs:
        """Return the pairs that a mask or rows name."""
        return Pairs(self.first[which], self.second[which], self.scores[which], self.card)


class PairFinder:
    """Finds pairs of related documents; the same ones for the same documents and seed.

    Args:
        encoder: makes the vectors: ``tfidf``, a class path, or the object.
        index: searches them: None is exact; else an object, or what makes one of the vectors, such
            as ``FaissIndex`` by its class path. Its recall is measured, and is in the card.
        k: neighbours of each document that are looked at; at most all others.
        alpha: pairs must be at least this similar.
        alpha_quantile: the same, as a quantile of the similarities of all neighbours, 0 to 1.
        max_degree: a pair must be among this many most similar ones of both its documents.
        near_duplicate: pairs with at least this Jaccard similarity of their shingles are left out.
        shingle: words in a shingle.
        metric: ``cosine`` or ``dot``.
        at_least: recall below which an index is refused, 0 to 1.

    Raises:
        UserError: a number out of range, or both alpha and its quantile.
    """

    def __init__(
        self,
        encoder: AnyEncoder = "tfidf",
        index: IndexCallable | Index | None = None,
        k: int = 20,
        alpha: float | None = None,
        alpha_quantile: float | None = None,
        max_degree: int | None = None,
        near_duplicate: float = 0.8,
        shingle: int = 5,
        metric: Metric = "cosine",
        at_least: float = 0.9,
    ) -> None:
        check_range(COUNT, _WHERE, k=k, shingle=shingle, max_degree=max_degree)
        check_range(SHARE, _WHERE, alpha_quantile=alpha_quantile, at_least=at_least)
        check_range(Range(above=0, at_most=1), _WHERE, near_duplicate=near_duplicate)
        if alpha is not None and alpha_quantile is not None:
            raise UserError(
                f"alpha is {alpha} and alpha_quantile {alpha_quantile}, {_WHERE}; give one of them"
            )
        self.encoder, self.index, self.k, self.metric = encoder, index, k, metric
        self.alpha, self.alpha_quantile = alpha, alpha_quantile
        self.max_degree, self.at_least = max_degree, at_least
        self.near_duplicate, self.shingle = near_duplicate, shingle

    def __call__(
        self,
        documents: Dataset,
        *,
        seed: int,
        cache_dir: str | Path | None = None,
        groups: str | None = None,
        executor: Executor | None = None,
    ) -> Pairs:
        """Return the pairs of documents.

        Args:
            documents: with the columns ``text`` and ``id``.
            seed: of the sample by which recall is measured.
            cache_dir: of the vectors; default as in ``cache_root``.
            groups: a column, such as ``kind`` or ``source_id``: the card says which share of the
                pairs is within each group. An encoder may pair a rare format with itself.
            executor: encodes documents in parallel; the pairs do not depend on it.

        Raises:
            UserError: fewer than two documents, no pair, a document in more than half of the pairs,
                or an index of other vectors.
        """
        if len(documents) < 2:
            raise UserError(f"{len(documents)} documents, {_WHERE}; must be at least two")
        encoder = make_encoder(self.encoder)
        encoder.fit(documents["text"])
        vectors = embed(documents, encoder, cache_dir=cache_dir, executor=executor)
        scores, ids, searched = self._search(vectors, seed)
        candidates = _undirected(scores, ids)
        kept, alpha, rejected = self._select(candidates, documents)
        low, high, near = (column[kept] for column in candidates)
        first, second, scores = _both_ways(low, high, near)
        _check_hub(second, documents)
        card = {
            "documents": len(documents),
            "encoder": {"class": type(encoder).__name__, **encoder.card()},
            "index": searched,
            "neighbours": min(self.k, len(documents) - 1),
            "alpha": alpha,
            "near_duplicate": self.near_duplicate,
            "shingle": self.shingle,
            "max_degree": self.max_degree,
            "candidates": len(candidates[0]),
            "rejected": rejected,
            **pair_card(first, second, scores, documents, groups),
        }
        return Pairs(first, second, scores, card)

    def _search(self, vectors: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, Any]:
        """Return the neighbours of each document, ``[N, k]`` each, and the card of the index."""
        k = min(self.k, len(vectors) - 1)
        if self.index is None:
            return (*ExactIndex(vectors, self.metric).all_pairs(k), {"class": "ExactIndex"})
        index: Any = self.index
        if inspect.isclass(index) or not hasattr(index, "search"):
            index = index(vectors)
        name, sample = type(index).__name__, min(_SAMPLE, len(vectors))
        length = len(index) if hasattr(index, "__len__") else len(vectors)
        if length != len(vectors):
            raise UserError(
                f"the {name} has {length} vectors and there are {len(vectors)} documents, "
                f"{_WHERE}; must be an index of all of them: build it again"
            )
        found = recall(index, vectors, sample, k, seed, self.metric)
        if found < self.at_least:
            raise UserError(
                f"the recall of the {name} is {found:.3f}, {_WHERE}; must be at least "
                f"{self.at_least}: build it again if it is older than the vectors, or take a finer "
                "one"
            )
        own = index.card() if hasattr(index, "card") else {}
        scores, ids = index.search(np.asarray(vectors), k + 1)  # with each document itself
        return scores, ids, {"class": name, **own, "recall": found, "sample": sample}

    def _select(
        self, candidates: tuple[np.ndarray, np.ndarray, np.ndarray], documents: Dataset
    ) -> tuple[np.ndarray, float | None, dict[str, int]]:
        """Return which candidates stay, alpha, and how many were rejected for which reason."""
        first, second, scores = candidates
        alpha = self.alpha
        if self.alpha_quantile is not None:
            alpha = float(np.quantile(scores, self.alpha_quantile))
        kept = np.flatnonzero(scores >= (-np.inf if alpha is None else alpha))
        if not len(kept):
            raise UserError(
                f"alpha is {alpha:g}, {_WHERE}, and no two documents are so similar; must be at "
                f"most {scores.max():.4g}, and {np.quantile(scores, 0.9):.4g} leaves a tenth of "
                f"{len(scores)} pairs"
            )
        rejected = {"below_alpha": len(scores) - len(kept)}
        settings = MinHash(self.shingle)
        alike = pair_similarities(documents, first[kept], second[kept], settings)
        different = kept[alike < self.near_duplicate]
        rejected["near_duplicates"] = len(kept) - len(different)
        if not len(different):
            raise UserError(
                f"all {len(kept)} pairs are near-duplicates at {self.near_duplicate}, {_WHERE}; "
                "lower alpha, or deduplicate the documents first"
            )
        near = different
        if self.max_degree is not None:
            rank = _ranks(first[different], second[different], scores[different])
            near = different[rank < self.max_degree]
        rejected["max_degree"] = len(different) - len(near)
        return near, alpha, rejected


def split_pairs(
    pairs: Pairs, documents: Dataset, validation_fraction: float, seed: int
) -> tuple[Pairs, Pairs]:
    """Split pairs by document: no held-out document is on either side of a training pair.

    Validation pairs are those whose second document, which is predicted, is held out; pairs whose
    first one alone is held out are in neither part.

    Args:
        pairs: of ``documents``.
        documents: with the column ``id``, which decides.
        validation_fraction: share of the documents that are held out, in (0, 1).
        seed: of the choice.

    Returns:
        the training and the validation pairs.

    Raises:
        UserError: a fraction out of range, or one of the two parts is empty.
    """
    check_range(Range(above=0, below=1), "in split_pairs", validation_fraction=validation_fraction)
    limit = int(validation_fraction * 2**64)
    held_out = np.array([derive_seed(seed, "pair", name) < limit for name in documents["id"]], bool)
    train = pairs.chosen(~held_out[pairs.first] & ~held_out[pairs.second])
    validation = pairs.chosen(held_out[pairs.second])
    if not len(train) or not len(validation):
        raise UserError(
            f"{len(train)} training and {len(validation)} validation pairs, with a "
            f"validation_fraction of {validation_fraction}, in split_pairs; must leave some of "
            "each: give another fraction, or more pairs"
        )
    return train, validation


def _undirected(scores: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each pair once, the smaller row first: rows and scores, sorted by rows."""
    rows = np.repeat(np.arange(len(ids)), ids.shape[1])
    others, scores = ids.ravel(), scores.ravel()
    is_pair = (others >= 0) & (others != rows)
    low, high = np.minimum(rows, others)[is_pair], np.maximum(rows, others)[is_pair]
    _, first = np.unique(low * len(ids) + high, return_index=True)
    return low[first], high[first], scores[is_pair][first].astype(np.float32)


def _both_ways(
    first: np.ndarray, second: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each pair in both orders, sorted by rows."""
    ones, others = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((others, ones))
    return ones[order], others[order], np.concatenate([scores, scores])[order]


def _ranks(first: np.ndarray, second: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the place of each pair among those of its document, of the one where it is later."""
    ranks = np.zeros(len(first), np.int64)
    pairs = np.concatenate([np.arange(len(first))] * 2)
    rows, others = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((others, -scores[pairs], rows))
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
    place = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
    np.maximum.at(ranks, pairs[order], place)
    return ranks


def _check_hub(second: np.ndarray, documents: Dataset) -> None:
    degrees = np.bincount(second, minlength=len(documents))
    hub, number = int(degrees.argmax()), len(second) // 2
    if number > _HUB_PAIRS and degrees[hub] > number / 2:
        raise UserError(
            f"the document {documents[hub]['id']!r} is in {degrees[hub]} of {number} pairs, "
            f"{_WHERE}; must be in at most half of them: give max_degree, or remove it"
        )
