"""``FaissIndex``: faster search than the exact one, at a recall that is measured.

faiss is imported where it is used: ``pip install 'lit_research[search]'``.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.ranges import COUNT, SHARE, Range, check_range
from lit_research.text.neighbours import Index, Metric, Neighbours, checked_norms, recall

_ADDED = 65536  # vectors at once


class FaissIndex(Index):
    """An index of faiss, by its factory string.

    Its recall is measured against the exact search when it is built. Where that is below the one
    asked for, the number of cells (IVF) or candidates (HNSW) that a search looks at is doubled
    until it is reached.

    Args:
        vectors: ``[N, D]`` float32 or float16; faiss keeps a copy. The id of a vector is its row.
        factory: ``Flat``, ``IVF256,Flat``, ``IVF256,SQ8``, ``HNSW32``, or another one of faiss.
        metric: ``cosine`` or ``dot``. A zero vector has the cosine 0 with all others.
        at_least: recall of the ``k`` nearest others that is asked for, 0 to 1.
        k: neighbours by which recall is measured.
        sample: vectors by which recall is measured, at most all.
        seed: of the sample.

    Attributes:
        recall: measured.
        width: cells or candidates that a search looks at; None where the kind has neither.

    Raises:
        UserError: faiss is not installed, it refuses the factory string, or the recall is below
            ``at_least`` at the largest width; bad vectors as for ``ExactIndex``.
    """

    def __init__(
        self,
        vectors: np.ndarray,
        factory: str = "Flat",
        metric: Metric = "cosine",
        *,
        at_least: float = 0.95,
        k: int = 10,
        sample: int = 200,
        seed: int = 0,
    ) -> None:
        if metric not in get_args(Metric):
            raise UserError(f"metric is {metric!r}, in FaissIndex; must be cosine or dot")
        check_range(SHARE, "in FaissIndex", at_least=at_least)
        check_range(COUNT, "in FaissIndex", sample=sample)
        norms = checked_norms(vectors, "the vectors of FaissIndex")
        check_range(Range(at_least=1, at_most=len(vectors) - 1), "in FaissIndex", k=k)
        self.factory, self.metric, self._length = factory, metric, len(vectors)
        self._k, self._sample, self._seed = k, min(sample, len(vectors)), seed
        self._faiss = _faiss()
        self._index = self._built(vectors, norms)
        self._reach(vectors, at_least)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return self._length

    def search(self, queries: np.ndarray, k: int) -> Neighbours:
        """Return about the ``k`` nearest vectors of each of ``queries`` ``[Q, D]``.

        Raises:
            UserError: queries of another form or width, or not finite; fewer than ``k`` vectors.
        """
        norms = checked_norms(queries, "the queries of a search", self._index.d)
        allowed = Range(at_least=1, at_most=len(self))
        check_range(allowed, f"in a search of {len(self)} vectors", k=k)
        scores, ids = self._index.search(self._prepared(queries, norms), k)
        return scores, ids

    def card(self) -> dict[str, Any]:
        """Return the settings and the measured recall as plain data."""
        return {
            "factory": self.factory,
            "metric": self.metric,
            "vectors": len(self),
            "faiss": self._faiss.__version__,
            "width": self.width,
            "recall": self.recall,
            "k": self._k,
            "sample": self._sample,
            "seed": self._seed,
        }

    def _built(self, vectors: np.ndarray, norms: np.ndarray) -> Any:
        try:
            index = self._faiss.index_factory(
                vectors.shape[1], self.factory, self._faiss.METRIC_INNER_PRODUCT
            )
            if not index.is_trained:
                index.train(self._prepared(vectors, norms))
        except RuntimeError as error:
            text = " ".join(str(error).split()).rpartition(": ")[2]
            raise UserError(
                f"faiss refuses the factory {self.factory!r} for {len(vectors)} vectors of width "
                f"{vectors.shape[1]} ({text}), in FaissIndex; must be a string such as Flat, "
                "IVF256,Flat or HNSW32"
            ) from error
        for start in range(0, len(vectors), _ADDED):
            rows = slice(start, start + _ADDED)
            index.add(self._prepared(vectors[rows], norms[rows]))
        return index

    def _reach(self, vectors: np.ndarray, at_least: float) -> None:
        """Measure the recall, and widen the search until it is reached."""
        widest = self._widest()
        self.width = None if widest is None else 1
        while True:
            self._set_width()
            self.recall = recall(self, vectors, self._sample, self._k, self._seed, self.metric)
            if self.recall >= at_least:
                return
            if self.width is None or widest is None or self.width == widest:
                raise UserError(
                    f"the recall is {self.recall:.3f} of the {self._k} nearest, by the index "
                    f"{self.factory!r}; must be at least {at_least}: take a finer index, such as "
                    "Flat, or ask for less"
                )
            self.width = min(2 * self.width, widest)

    def _widest(self) -> int | None:
        if hasattr(self._index, "nprobe"):
            return int(self._index.nlist)
        return len(self) if hasattr(self._index, "hnsw") else None

    def _set_width(self) -> None:
        if hasattr(self._index, "nprobe"):
            self._index.nprobe = self.width
        elif hasattr(self._index, "hnsw"):
            self._index.hnsw.efSearch = self.width

    def _prepared(self, vectors: np.ndarray, norms: np.ndarray) -> np.ndarray:
        vectors = np.ascontiguousarray(vectors, np.float32)
        if self.metric == "dot":
            return vectors
        tiny = np.finfo(np.float32).tiny
        inverse = np.divide(1, norms, out=np.zeros(len(norms)), where=norms > tiny)
        return vectors * inverse.astype(np.float32)[:, None]


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise UserError(
            f"faiss cannot be imported ({error}), for FaissIndex; "
            "pip install 'lit_research[search]'"
        ) from error
    return faiss
