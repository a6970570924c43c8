"""BM25 over source files: which of them share the rare words of a question (Robertson 1994)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lit_research.errors import UserError

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters; ``read_file`` is two."""
    return _WORD.findall(text.lower())


class Bm25:
    """Scores of documents for queries, with Lucene's inverse document frequency; by bm25s.

    Args:
        documents: texts.
        k1: how soon more of the same word adds nothing.
        b: how much long documents lose, 0 to 1.

    Raises:
        UserError: bm25s is not installed.
    """

    def __init__(self, documents: Sequence[str], k1: float = 1.5, b: float = 0.75) -> None:
        try:
            import bm25s
            from bm25s.tokenization import Tokenized
        except ImportError as error:
            raise UserError(
                "bm25s is not installed, which ranks the files of a ladder; install "
                "lit_research[longcode], or give ranking: random"
            ) from error
        self.documents = len(documents)
        self._words: dict[str, int] = {}
        number = self._words
        ids = [[number.setdefault(w, len(number)) for w in words_of(d)] for d in documents]
        self._index = None
        if number:
            self._index = bm25s.BM25(k1=k1, b=b, method="lucene", dtype="float64")
            self._index.index(Tokenized(ids, number), show_progress=False)

    def scores(self, query: str) -> np.ndarray:
        """Return the score of each document, ``[N]``; 0 where no word of the query is in it."""
        known = [self._words[word] for word in words_of(query) if word in self._words]
        if self._index is None or not known:
            return np.zeros(self.documents)
        return np.asarray(self._index.get_scores(known), dtype=np.float64)[: self.documents]

    def ranking(self, query: str) -> list[int]:
        """Return the documents, the best first; of equal ones the earlier first."""
        return np.argsort(-self.scores(query), kind="stable").tolist()
