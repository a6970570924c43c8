"""BM25 by its formula, and against two other implementations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.longcode.bm25 import Bm25, words_of

WORDS = st.lists(st.sampled_from("abcdefg"), max_size=12).map(" ".join)


def by_formula(documents, query, k1, b):
    """Return the scores, a word and a document at a time."""
    bags = [words_of(document) for document in documents]
    average = sum(map(len, bags)) / len(bags)
    scores = [0.0] * len(bags)
    for word in words_of(query):
        n = sum(word in bag for bag in bags)
        for number, bag in enumerate(bags):
            if f := bag.count(word):
                idf = math.log(1 + (len(bags) - n + 0.5) / (n + 0.5))
                scores[number] += idf * f / (f + k1 * (1 - b + b * len(bag) / average))
    return scores


@given(
    st.lists(WORDS, min_size=1, max_size=6), WORDS, st.sampled_from([0, 0.9, 1.5]), st.floats(0, 1)
)
def test_scores_are_those_of_the_formula(documents, query, k1, b):
    scores = Bm25(documents, k1, b).scores(query)
    np.testing.assert_allclose(scores, by_formula(documents, query, k1, b), atol=1e-12)


def test_the_best_come_first_and_of_equal_ones_the_earlier():
    index = Bm25(["x = 1", "shop_limit_5 = other", "limit = 2", ""])
    assert index.ranking("the shop limit") == [1, 2, 0, 3]
    assert index.ranking("limit limit") == [2, 1, 0, 3]
    assert index.ranking("nothing") == [0, 1, 2, 3]
    assert Bm25(["", ""]).ranking("x") == [0, 1]
    assert Bm25([]).ranking("x") == []


def test_words_are_parts_of_names_in_small_letters():
    assert words_of("def Read_file2(É):\\ud800") == [
        b"def",
        b"read",
        b"file2",
        "É".encode(),
        b"ud800",
    ]
    assert words_of("\ud800") == [b"\xed\xa0\x80"]


def test_numbers_out_of_range_are_refused():
    with pytest.raises(UserError, match="b is 2, in Bm25"):
        Bm25([], b=2)


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return [" ".join(f"w{n}" for n in rng.zipf(1.3, 200) if n < 500) for _ in range(60)]


QUERIES = ("w1 w2 w17 w40", "w3 w3 w90 unknown", " ".join(f"w{n}" for n in range(1, 99)))


@pytest.mark.parametrize("query", QUERIES)
def test_rank_bm25_gives_the_same_scores(texts, query):
    peer = pytest.importorskip("rank_bm25")

    class Lucene(peer.BM25Okapi):
        """Okapi's weights with Lucene's inverse document frequency."""

        def _calc_idf(self, nd):
            for word, n in nd.items():
                self.idf[word] = np.log(1 + (self.corpus_size - n + 0.5) / (n + 0.5))

    theirs = Lucene([words_of(text) for text in texts])
    expected = theirs.get_scores(words_of(query)) / (theirs.k1 + 1)
    np.testing.assert_allclose(Bm25(texts).scores(query), expected, rtol=1e-9)


@pytest.mark.parametrize("query", QUERIES)
def test_bm25s_gives_the_same_scores(texts, query):
    peer = pytest.importorskip("bm25s")
    theirs = peer.BM25(method="lucene", dtype="float64")
    theirs.index([[w.decode() for w in words_of(text)] for text in texts], show_progress=False)
    expected = theirs.get_scores([word.decode() for word in words_of(query)])
    np.testing.assert_allclose(Bm25(texts).scores(query), expected, rtol=1e-9)
