"""BM25 over source files: which of them share the rare words of a question (Robertson 1994).

Legend: N documents, W different words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lit_research.ranges import NOT_NEGATIVE, SHARE, check_range

# Capitals become small; of ASCII all but letters and digits separate words, and bytes of other
# characters belong to them.
_PLAIN = bytes(
    byte if byte >= 128 or bytes([byte]).isalnum() else ord(" ")
    for byte in bytes(range(256)).lower()
)


def words_of(text: str) -> list[bytes]:
    """Return the words of a text in small letters, as UTF-8; ``read_file`` is two."""
    return text.encode(errors="surrogatepass").translate(_PLAIN).split()


class Bm25:
    """Scores of documents for queries, with Lucene's inverse document frequency.

    A word of the query that is ``f`` times in a document of ``l`` words, ``m`` on average, and in
    ``n`` of the ``N`` documents, adds ``ln(1 + (N - n + 0.5) / (n + 0.5)) * f / (f + k1 * (1 - b +
    b * l / m))``, each time that the query has it.

    Args:
        documents: texts.
        k1: how soon more of the same word adds nothing.
        b: how much long documents lose, 0 to 1.

    Raises:
        UserError: a number is out of its range.
    """

    def __init__(self, documents: Sequence[str], k1: float = 1.5, b: float = 0.75) -> None:
        from scipy.sparse import csr_matrix

        check_range(NOT_NEGATIVE, "in Bm25", k1=k1)
        check_range(SHARE, "in Bm25", b=b)
        self._words: dict[bytes, int] = {}
        number = self._words
        ids: list[int] = []
        counts: list[int] = []
        ends, lengths = [0], []
        for document in documents:
            words = words_of(document)
            bag = Counter(words)
            ids += [number.setdefault(word, len(number)) for word in bag]
            counts += bag.values()
            ends.append(len(ids))
            lengths.append(len(words))
        shape = (len(documents), len(number))
        columns_M = np.array(ids, np.int64)
        times_M = np.array(counts, np.float64)
        length_N = np.array(lengths, np.float64)
        with_word_W = np.bincount(columns_M, minlength=shape[1])
        idf_W = np.log1p((shape[0] - with_word_W + 0.5) / (with_word_W + 0.5))
        share_N = length_N / (length_N.mean() or 1.0) if len(documents) else length_N
        norm_M = np.repeat(k1 * (1 - b + b * share_N), np.diff(ends))
        weights_M = idf_W[columns_M] * times_M / (times_M + norm_M)
        self._weights_NW = csr_matrix((weights_M, columns_M, ends), shape).tocsc()

    def scores(self, query: str) -> np.ndarray:
        """Return the score of each document, ``[N]``; 0 where no word of the query is in it."""
        bag = Counter(word for word in words_of(query) if word in self._words)
        columns = [self._words[word] for word in bag]
        times = np.array(list(bag.values()), np.float64)
        return np.asarray(self._weights_NW[:, columns] @ times)

    def ranking(self, query: str) -> list[int]:
        """Return the documents, the best first; of equal ones the earlier first."""
        return np.argsort(-self.scores(query), kind="stable").tolist()
