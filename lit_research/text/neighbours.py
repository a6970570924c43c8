"""Nearest neighbours of vectors: an ``Index`` of any kind, and an exact one in bounded memory.

``ExactIndex`` multiplies blocks of queries and vectors in float32 and computes the scores of the
few that can be among the nearest again in float64. Its results are those of the whole product in
float64, sorted by score and then by id, for every block size. One liberty is taken: of the products
that are exactly 0 in float32 (of sparse vectors that share nothing) the first ones stand for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.progress import counting
from lit_research.ranges import COUNT, Range, check_range
from lit_research.seeds import derive_seed

Metric = Literal["cosine", "dot"]
Neighbours = tuple[np.ndarray, np.ndarray]
"""Scores ``[Q, k]`` float32, falling, and ids ``[Q, k]`` int64."""

_UNIT = 2.0**-24  # relative rounding error of float32
_NUMBERS = 1 << 22  # that are computed in float64 at once
_SCANNED = 128  # rows of a product whose candidates are in memory together
_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).tiny)


class Index(ABC):
    """Searches vectors: ``ExactIndex``, one of faiss, or one of yours (a subclass, in a config)."""

    @abstractmethod
    def search(self, queries: np.ndarray, k: int) -> Neighbours:
        """Return the ``k`` vectors with the highest scores for each of ``queries`` ``[Q, D]``.

        Returns:
            scores ``[Q, k]`` float32, falling, and ids ``[Q, k]`` int64, -1 where there is none.
        """


class ExactIndex(Index):
    """Exact search by blocked matrix products, with the nearest so far of each query.

    Of equal scores the smaller id comes first. Beside vectors, queries, results and 8 bytes a
    vector it takes ``4 * query_block * block + 8 * D * (query_block + block)`` bytes (``D`` is the
    width), 0.2 GiB for ``D = 384``, and a buffer of 0.1 GiB, or ``12_000 * block`` bytes where all
    scores are tied.

    Args:
        vectors: ``[N, D]`` float32 or float16, a memory map too; not copied. The id of a vector is
            its row.
        metric: ``cosine`` or ``dot``. A zero vector has the cosine 0 with all others.
        query_block: queries of one matrix product.
        block: vectors of one matrix product.

    Raises:
        UserError: vectors of another form, not finite, or too large; another metric.
    """

    def __init__(
        self,
        vectors: np.ndarray,
        metric: Metric = "cosine",
        *,
        query_block: int = 2048,
        block: int = 16384,
    ) -> None:
        check_range(COUNT, "in ExactIndex", query_block=query_block, block=block)
        if metric not in get_args(Metric):
            raise UserError(f"metric is {metric!r}, in ExactIndex; must be cosine or dot")
        self.vectors = vectors
        self.metric = metric
        self._query_block, self._block = query_block, block
        self._norms = checked_norms(vectors, "the vectors of ExactIndex")

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.vectors)

    def search(
        self, queries: np.ndarray, k: int, *, exclude: np.ndarray | None = None
    ) -> Neighbours:
        """Return the ``k`` nearest vectors of each of ``queries`` ``[Q, D]``.

        Args:
            queries: float32 or float16.
            k: vectors for each.
            exclude: the id that each query leaves out, ``[Q]``; -1 leaves out none.

        Raises:
            UserError: queries of another form or width, or not finite; fewer than ``k`` vectors.
        """
        norms = checked_norms(queries, "the queries of a search", self.vectors.shape[1])
        if exclude is not None and np.shape(exclude) != (len(queries),):
            raise UserError(
                f"the shape is {np.shape(exclude)}, of exclude of a search; must be "
                f"{(len(queries),)}: one id for each query"
            )
        return self._nearest(queries, norms, k, exclude)

    def all_pairs(self, k: int) -> Neighbours:
        """Return the ``k`` nearest other vectors of each vector, ``[N, k]`` each.

        Raises:
            UserError: fewer than ``k`` other vectors.
        """
        return self._nearest(self.vectors, self._norms, k, np.arange(len(self)))

    def scores(self, queries: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Return the scores of pairs: of ``queries[p]`` and the vector ``ids[p]``, ``[P]``."""
        vectors = self.vectors[ids]
        first = self._prepared(queries, checked_norms(queries, "the queries of scores"))
        second, pairs = self._prepared(vectors, self._norms[ids]), np.arange(len(ids))
        return _dot_products(first, pairs, second, pairs).astype(np.float32)

    def _nearest(
        self, queries: np.ndarray, norms: np.ndarray, k: int, exclude: np.ndarray | None
    ) -> Neighbours:
        there = len(self) - (exclude is not None)
        check_range(Range(at_least=1, at_most=there), f"in a search of {there} vectors", k=k)
        largest = float(norms.max(initial=0) * self._norms.max(initial=0))
        if self.metric == "dot" and not largest < _LARGEST:
            raise UserError(
                f"the largest product of two lengths is {largest:.3g}, in a search by dot; must "
                f"be below {_LARGEST:.3g}: scale the vectors, or take the metric cosine"
            )
        scores = np.empty((len(queries), k), np.float32)
        ids = np.empty((len(queries), k), np.int64)
        # One product, used again: new memory for each costs more than the comparisons.
        size = min(self._query_block, len(queries)) * min(self._block, len(self))
        product = np.empty(size, np.float32)
        with counting("nearest neighbours", len(queries), unit="queries", delay=2.0) as add:
            for rows in _slices(len(queries), self._query_block):
                block = self._prepared(queries[rows], norms[rows])
                left_out = None if exclude is None else exclude[rows]
                scores[rows], ids[rows] = self._nearest_of_block(block, k, left_out, product)
                add(len(block))
        return scores, ids

    def _nearest_of_block(
        self, queries: np.ndarray, k: int, exclude: np.ndarray | None, product: np.ndarray
    ) -> Neighbours:
        best = _Best(len(queries), k)
        error = self._rounding_error(queries)
        for rows in _slices(len(self), self._block):
            block = self._prepared(self.vectors[rows], self._norms[rows])
            scores = product[: len(queries) * len(block)].reshape(len(queries), len(block))
            np.matmul(queries, block.T, out=scores)
            if exclude is not None:
                inside = np.flatnonzero((exclude >= rows.start) & (exclude < rows.stop))
                scores[inside, exclude[inside] - rows.start] = -np.inf
            floor = best.kth - error
            if len(block) > k and not np.isfinite(floor).all():
                floor = np.maximum(floor, _kth_at_least(scores, k) - 2 * error)
            # Rounded down; never -inf, which is what is left out.
            floor = np.nextafter(floor.astype(np.float32), np.float32(-np.inf))
            floor = np.maximum(floor, np.float32(-_LARGEST))
            for part in _slices(len(queries), _SCANNED):
                of_query, of_vector = _candidates(scores[part], floor[part], k)
                of_query += part.start
                exact = _dot_products(queries, of_query, block, of_vector)
                best.add(of_query, of_vector + rows.start, exact)
        return best.scores.astype(np.float32), best.ids

    def _rounding_error(self, queries: np.ndarray) -> np.ndarray:
        """Bound the error of a product in float32, in any order of its sum, ``[Q]``.

        ``D u / (1 - D u) |q| |v|``: Higham, Accuracy and Stability of Numerical Algorithms, 3.1.
        """
        width = queries.shape[1]
        relative = width * _UNIT / (1 - width * _UNIT)
        longest = 1.001 if self.metric == "cosine" else float(self._norms.max())
        lengths = np.linalg.norm(queries.astype(np.float64), axis=1)
        return relative * lengths * longest + width * _SMALLEST

    def _prepared(self, vectors: np.ndarray, norms: np.ndarray) -> np.ndarray:
        """Return vectors as float32, of length 1 for the cosine."""
        vectors = np.asarray(vectors, np.float32)
        if self.metric == "dot":
            return vectors
        inverse = np.divide(1, norms, out=np.zeros(len(norms)), where=norms > _SMALLEST)
        return vectors * inverse.astype(np.float32)[:, None]


class _Best:
    """The ``k`` highest scores so far of each query, in float64, and their ids."""

    def __init__(self, queries: int, k: int) -> None:
        self.scores = np.full((queries, k), -np.inf)
        self.ids = np.full((queries, k), -1, np.int64)

    @property
    def kth(self) -> np.ndarray:
        """The lowest of them, ``[Q]``; -inf where there are fewer than ``k``."""
        return self.scores[:, -1]

    def add(self, of_query: np.ndarray, ids: np.ndarray, scores: np.ndarray) -> None:
        """Take in candidates, ``[C]`` each, sorted by query."""
        k = self.scores.shape[1]
        rows, counts = np.unique(of_query, return_counts=True)
        if len(rows) == 0:
            return
        all_rows = np.concatenate([np.repeat(rows, k), of_query])
        all_ids = np.concatenate([self.ids[rows].ravel(), ids])
        all_scores = np.concatenate([self.scores[rows].ravel(), scores])
        order = np.lexsort((all_ids, -all_scores, all_rows))
        starts = np.cumsum(counts + k) - (counts + k)
        first = order[starts[:, None] + np.arange(k)]
        self.ids[rows], self.scores[rows] = all_ids[first], all_scores[first]


def _kth_at_least(scores: np.ndarray, k: int) -> np.ndarray:
    """Return a number that at least ``k`` of each row's ``scores`` ``[Q, B]`` reach, ``[Q]``.

    It is the k-th largest of the maxima of groups, which is close to that of all and quicker.
    """
    in_group = max(1, scores.shape[1] // max(256, 4 * k))
    groups = scores.shape[1] // in_group
    split = scores[:, : groups * in_group].reshape(len(scores), in_group, groups)
    return np.partition(split.max(axis=1), -k, axis=1)[:, -k].astype(np.float64)


def _candidates(scores: np.ndarray, floor: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns, ``[C]`` each, of the scores ``[Q, B]`` that reach ``floor`` ``[Q]``.

    Of those that are 0, the first ``k`` of each row are enough.
    """
    places = np.flatnonzero(scores >= floor[:, None])
    rows, columns = np.divmod(places, scores.shape[1])
    is_zero = scores.ravel()[places] == 0
    if not is_zero.any():
        return rows, columns
    before = np.cumsum(is_zero) - is_zero  # zeros, in all rows so far
    starts = np.searchsorted(rows, rows)
    is_needed = ~is_zero | (before - before[starts] < k)
    return rows[is_needed], columns[is_needed]


def _dot_products(
    first: np.ndarray, of_first: np.ndarray, second: np.ndarray, of_second: np.ndarray
) -> np.ndarray:
    """Return the products of pairs of rows in float64, each by itself, ``[P]``."""
    found = np.empty(len(of_first))
    for pairs in _slices(len(found), max(1, _NUMBERS // first.shape[1])):
        a = first[of_first[pairs]].astype(np.float64)
        a *= second[of_second[pairs]]
        found[pairs] = a.sum(axis=1)
    return found


def checked_norms(vectors: np.ndarray, name: str, width: int | None = None) -> np.ndarray:
    """Return the Euclidean lengths of vectors ``[N, D]``, float64 ``[N]``.

    Args:
        vectors: float32 or float16.
        name: of the vectors, for messages.
        width: that they must have; None is any.

    Raises:
        UserError: another shape, dtype or width, or numbers that are not finite.
    """
    shape, dtype = getattr(vectors, "shape", None), getattr(vectors, "dtype", None)
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.shape[1] == 0:
        raise UserError(f"the shape is {shape}, of {name}; must be [N, D], a numpy array")
    if dtype not in (np.float32, np.float16):
        raise UserError(f"the dtype is {dtype}, of {name}; must be float32 or float16")
    if width is not None and vectors.shape[1] != width:
        raise UserError(f"the width is {vectors.shape[1]}, of {name}; must be {width}")
    norms = np.empty(len(vectors))
    for rows in _slices(len(vectors), max(1, _NUMBERS // vectors.shape[1])):
        norms[rows] = np.linalg.norm(vectors[rows].astype(np.float64), axis=1)
    if len(bad := np.flatnonzero(~np.isfinite(norms))):
        raise UserError(
            f"{len(bad)} vectors are not finite, row {bad[0]} first, of {name}; must hold no NaN "
            "and no infinity"
        )
    return norms


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def recall(
    index: Index,
    vectors: np.ndarray,
    sample: int,
    k: int,
    seed: int,
    metric: Metric = "cosine",
) -> float:
    """Return the share of the ``k`` nearest other vectors that an index finds, on a sample.

    A vector that the index returns is right if its score is at least that of the k-th nearest one.

    Args:
        index: of ``vectors``.
        vectors: ``[N, D]``; ids are rows.
        sample: number of vectors that are searched for, at most N.
        k: neighbours of each, without itself.
        seed: of the sample.
        metric: by which the index searches.

    Raises:
        UserError: a number out of range, or an index that returns another shape or unknown ids.
    """
    exact = ExactIndex(vectors, metric)
    check_range(Range(at_least=1, at_most=len(vectors)), "in recall", sample=sample)
    check_range(Range(at_least=1, at_most=len(vectors) - 1), "in recall", k=k)
    rng = np.random.default_rng(derive_seed("recall", seed))
    rows = np.sort(rng.choice(len(vectors), sample, replace=False))
    queries = np.asarray(vectors[rows])
    ids = np.asarray(index.search(queries, k + 1)[1])  # with the query itself
    low, high = (int(ids.min()), int(ids.max())) if ids.size else (0, 0)
    if ids.shape != (sample, k + 1) or low < -1 or high >= len(vectors):
        raise UserError(
            f"search returns ids of shape {ids.shape} from {low} to {high}, in "
            f"{type(index).__name__}; must be of shape {(sample, k + 1)}, from -1 to "
            f"{len(vectors) - 1}"
        )
    kth = exact.search(queries, k, exclude=rows)[0][:, -1]
    right = 0
    for number, row in enumerate(rows):
        found = [i for i in dict.fromkeys(ids[number].tolist()) if i not in (-1, row)][:k]
        repeated = np.repeat(queries[number : number + 1], len(found), axis=0)
        right += int((exact.scores(repeated, np.array(found, int)) >= kth[number]).sum())
    return right / (sample * k)
