"""Indexes of faiss reach the recall that is asked for, or are refused."""

import json
import sys

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.text import ExactIndex, FaissIndex, recall


@pytest.fixture(scope="module")
def vectors():
    """Return vectors without clusters: the hardest for cells."""
    return np.random.default_rng(0).standard_normal((2000, 16)).astype(np.float32)


@pytest.fixture
def faiss():
    return pytest.importorskip("faiss")


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_flat_is_exact(faiss, vectors, metric):
    index = FaissIndex(vectors, metric=metric, at_least=1.0)
    scores, ids = index.search(vectors[:50], 5)
    expected = ExactIndex(vectors, metric).search(vectors[:50], 5)
    np.testing.assert_array_equal(ids, expected[1])
    np.testing.assert_allclose(scores, expected[0], rtol=1e-5)
    assert index.width is None


@pytest.mark.parametrize("factory", ["IVF16,Flat", "IVF16,SQ8", "HNSW8"])
def test_the_search_is_widened_until_the_recall_is_reached(faiss, vectors, factory):
    narrow = FaissIndex(vectors, factory, at_least=0.0)
    assert narrow.width == 1
    index = FaissIndex(vectors, factory, at_least=0.9)
    assert narrow.recall < 0.9 <= index.recall
    assert index.width > 1
    assert index.recall == recall(index, vectors, 200, 10, 0)
    card = json.loads(json.dumps(index.card()))
    assert card["recall"] == index.recall
    assert card["factory"] == factory
    assert len(index) == card["vectors"] == 2000


def test_a_recall_out_of_reach_is_refused(faiss, vectors):
    with pytest.raises(UserError, match=r"the recall is 0\.\d+ of the 10 nearest, .*'PQ4x4'"):
        FaissIndex(vectors, "PQ4x4", at_least=0.99)


@pytest.mark.parametrize("factory", ["Flatter", "IVF4000,Flat"])
def test_a_factory_that_faiss_refuses_is_named(faiss, vectors, factory):
    with pytest.raises(UserError, match=f"faiss refuses the factory '{factory}' for 2000 vectors"):
        FaissIndex(vectors, factory)


def test_bad_input_is_refused(faiss, vectors):
    with pytest.raises(UserError, match="metric is 'l2', in FaissIndex; must be cosine or dot"):
        FaissIndex(vectors, metric="l2")
    with pytest.raises(UserError, match="at_least is 95, in FaissIndex; must be from 0 to 1"):
        FaissIndex(vectors, at_least=95)
    with pytest.raises(UserError, match="k is 2000, in FaissIndex; must be from 1 to 1999"):
        FaissIndex(vectors, k=2000)
    index = FaissIndex(vectors)
    with pytest.raises(UserError, match="the width is 3, of the queries of a search; must be 16"):
        index.search(np.ones((1, 3), np.float32), 1)
    with pytest.raises(UserError, match="k is 2001, in a search of 2000 vectors"):
        index.search(vectors[:1], 2001)


def test_without_faiss_the_extra_is_named(monkeypatch, vectors):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(UserError, match=r"faiss cannot be .*pip install 'lit_research\[search\]'"):
        FaissIndex(vectors)
