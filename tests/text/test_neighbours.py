"""The exact index finds what sorting all scores finds; recall is measured against it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.text import ExactIndex, recall


def brute_force(queries, vectors, k, metric, exclude=None):
    """Sort all scores: falling, and by id among equal ones."""
    if metric == "cosine":
        queries, vectors = map(unit, (queries, vectors))
    scores = (queries[:, None].astype(np.float64) * vectors[None]).sum(axis=2)
    if exclude is not None:
        scores[np.arange(len(queries)), exclude] = -np.inf
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, ids, axis=1).astype(np.float32), ids


def unit(vectors):
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    inverse = np.divide(1, norms, out=np.zeros(len(norms)), where=norms > 0).astype(np.float32)
    return vectors.astype(np.float32) * inverse[:, None]


def same(found, expected):
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(found[0], expected[0])
    assert (found[0].dtype, found[1].dtype) == (np.float32, np.int64)


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    vectors=st.integers(2, 60),
    queries=st.integers(0, 9),
    width=st.integers(1, 9),
    blocks=st.tuples(st.integers(1, 70), st.integers(1, 10)),
    metric=st.sampled_from(["cosine", "dot"]),
    kind=st.sampled_from(["normal", "tied", "copies", "half"]),
    data=st.data(),
)
def test_search_is_sorting_all_scores(seed, vectors, queries, width, blocks, metric, kind, data):
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((vectors, width))
    if kind == "tied":
        V = rng.integers(-1, 2, (vectors, width))
    if kind == "copies":
        V = V[rng.integers(3, size=vectors) % vectors]
    V = V.astype(np.float16 if kind == "half" else np.float32)
    Q = np.concatenate([V, rng.standard_normal((9, width))])[-queries or len(V) + 9 :]
    Q = Q.astype(V.dtype)
    index = ExactIndex(V, metric, block=blocks[0], query_block=blocks[1])
    k = data.draw(st.integers(1, vectors))
    same(index.search(Q, k), brute_force(Q, V, k, metric))
    k = data.draw(st.integers(1, vectors - 1))
    same(index.all_pairs(k), brute_force(V, V, k, metric, exclude=np.arange(vectors)))


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_many_blocks_give_what_one_block_gives(metric):
    rng = np.random.default_rng(0)
    V = rng.standard_normal((1500, 32)).astype(np.float32)
    V[1000:1200] = V[:200]
    V[700] = 0
    one = ExactIndex(V, metric, block=1500, query_block=1500).all_pairs(10)
    for block, query_block in [(64, 700), (700, 64), (1499, 1), (1024, 1024)]:
        index = ExactIndex(V, metric, block=block, query_block=query_block)
        rows = np.arange(0, 1500, 111)
        same(index.search(V[rows], 10, exclude=rows), (one[0][rows], one[1][rows]))
    same(one, brute_force_by_rows(V, metric))


def brute_force_by_rows(V, metric):
    parts = [
        brute_force(V[row : row + 100], V, 10, metric, exclude=np.arange(row, row + 100))
        for row in range(0, len(V), 100)
    ]
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def test_equal_scores_are_sorted_by_id():
    V = np.array([[1, 0], [0, 1], [1, 0], [0, -1], [1, 0]], np.float32)
    for block in range(1, 6):
        scores, ids = ExactIndex(V, block=block).search(np.array([[1, 0]], np.float32), 4)
        assert ids.tolist() == [[0, 2, 4, 1]]
        assert scores.tolist() == [[1, 1, 1, 0]]
        assert ExactIndex(V, block=block).all_pairs(2)[1].tolist() == [
            [2, 4],
            [0, 2],
            [0, 4],
            [0, 2],
            [0, 2],
        ]


def test_what_shares_nothing_is_sorted_by_id():
    V = np.eye(300, dtype=np.float32)
    V[7] = 0
    V[200] = -V[3]
    for block in (5, 150, 300):
        same(
            ExactIndex(V, block=block, query_block=200).all_pairs(6),
            brute_force(V, V, 6, "cosine", exclude=np.arange(300)),
        )


def test_memory_does_not_grow_with_the_number_of_pairs():
    """All products of 20,000 vectors would be 1.6 GB."""
    import tracemalloc

    V = np.random.default_rng(0).standard_normal((20_000, 8)).astype(np.float32)
    index = ExactIndex(V, block=1024, query_block=256)
    tracemalloc.start()
    index.search(V[:2000], 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30e6


def test_vectors_are_searched_where_they_lie(tmp_path):
    V = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float16)
    np.save(tmp_path / "vectors.npy", V)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    index = ExactIndex(mapped)
    assert index.vectors is mapped
    assert len(index) == 50
    same(index.all_pairs(3), brute_force(V, V, 3, "cosine", exclude=np.arange(50)))


def test_scores_are_those_of_pairs():
    V = np.array([[3, 4], [0, 2], [0, 0]], np.float32)
    found = ExactIndex(V).scores(V[[0, 0, 1]], np.array([0, 1, 2]))
    assert found.tolist() == [1, np.float32(0.8), 0]


def bad(value):
    V = np.ones((4, 3), np.float32)
    V[2, 1] = value
    return V


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (bad(np.nan), "1 vectors are not finite, row 2 first, of the vectors of ExactIndex"),
        (bad(np.inf), "1 vectors are not finite, row 2 first"),
        (np.ones((4, 3)), "the dtype is float64, .*; must be float32 or float16"),
        (np.ones(3, np.float32), r"the shape is \(3,\), of .*; must be \[N, D\], a numpy array"),
        ([[1.0]], r"the shape is None, of .*; must be \[N, D\], a numpy array"),
    ],
)
def test_bad_vectors_are_refused(vectors, message):
    with pytest.raises(UserError, match=message):
        ExactIndex(vectors)


def test_bad_searches_are_refused():
    index = ExactIndex(np.ones((4, 3), np.float32))
    for queries, message in [
        (np.ones((2, 5), np.float32), "the width is 5, of the queries of a search; must be 3"),
        (bad(np.nan), "not finite, row 2 first, of the queries of a search"),
    ]:
        with pytest.raises(UserError, match=message):
            index.search(queries, 1)
    with pytest.raises(UserError, match="k is 5, in a search of 4 vectors; must be from 1 to 4"):
        index.search(index.vectors, 5)
    with pytest.raises(UserError, match="k is 4, in a search of 3 vectors; must be from 1 to 3"):
        index.all_pairs(4)
    with pytest.raises(UserError, match=r"shape is \(2,\), of exclude of a search; must be \(4,\)"):
        index.search(index.vectors, 1, exclude=np.arange(2))
    with pytest.raises(UserError, match=r"product of two lengths is inf|3e\+38|must be below 3.4"):
        ExactIndex(np.full((2, 2), 2e19, np.float32), "dot").all_pairs(1)
    with pytest.raises(UserError, match="metric is 'l2', in ExactIndex; must be cosine or dot"):
        ExactIndex(index.vectors, "l2")
    with pytest.raises(UserError, match="block is 0, in ExactIndex; must be at least 1"):
        ExactIndex(index.vectors, block=0)


class Returning:
    """An index whose answers are made from the exact ones."""

    def __init__(self, vectors, change):
        self.exact, self.change = ExactIndex(vectors), change

    def search(self, queries, k):
        scores, ids = self.exact.search(queries, k)
        return scores, self.change(ids)


def test_recall_counts_what_is_found():
    V = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    assert recall(ExactIndex(V), V, 50, 10, 0) == 1.0

    def half(ids):  # the query, five neighbours, then nothing
        return np.where(np.arange(ids.shape[1]) < 6, ids, -1)

    assert recall(Returning(V, half), V, 50, 10, 0) == 0.5
    repeated = Returning(V, lambda ids: np.repeat(ids[:, :2], 6, axis=1)[:, : ids.shape[1]])
    assert recall(repeated, V, 50, 10, 0) == 0.1

    two_thirds = Returning(V, lambda ids: np.where(ids % 3 == 0, -1, ids))
    values = [recall(two_thirds, V, 20, 10, seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert values == pytest.approx([2 / 3] * 3, abs=0.15)


def test_another_vector_of_equal_score_is_right():
    V = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
    backwards = Returning(V, lambda ids: np.where(ids < 10, 9 - ids, 29 - ids))
    assert recall(backwards, V, 20, 3, 0) == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ids: ids[:, 1:], r"ids of shape \(5, 2\)"),
        (lambda ids: ids + 10, r"from 1\d to 1\d, in Returning; .* from -1 to 9"),
    ],
)
def test_an_index_of_other_answers_is_refused(change, message):
    V = np.eye(10, dtype=np.float32)
    with pytest.raises(UserError, match=message):
        recall(Returning(V, change), V, 5, 2, 0)
    with pytest.raises(UserError, match="sample is 11, in recall; must be from 1 to 10"):
        recall(ExactIndex(V), V, 11, 2, 0)
    with pytest.raises(UserError, match="k is 10, in recall; must be from 1 to 9"):
        recall(ExactIndex(V), V, 5, 10, 0)
