"""Pairs of related documents: what is near, and none of what must not be paired."""

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.text import Encoder, ExactIndex, FaissIndex, PairFinder, Pairs, split_pairs

TOPICS, EACH = 12, 4


def documents_of(texts):
    ids = [str(number) for number in range(len(texts))]
    columns = {"text": texts, "id": ids, "source_id": ids, "kind": ["text"] * len(texts)}
    return Dataset.from_dict(columns)


class Points(Encoder):
    """The vector of a text is its numbers; what is after a bar is not read."""

    def encode(self, texts):
        rows = [[float(x) for x in text.split("|")[0].split()] for text in texts]
        return np.array(rows, np.float32)

    def card(self):
        return {"points": 1}


def topics(seed=0):
    """Return documents whose words are those of a topic, and the topic of each."""
    rng = np.random.default_rng(seed)
    topic = np.repeat(np.arange(TOPICS), EACH)
    texts = [" ".join(f"t{t}w{w}" for w in rng.choice(8, 12)) for t in topic]
    return documents_of(texts), topic


def find(documents, tmp_path, groups=None, **options):
    return PairFinder(**options)(documents, seed=0, cache_dir=tmp_path, groups=groups)


def points(vectors):
    return documents_of([f"{' '.join(map(str, v))} | own{n}" for n, v in enumerate(vectors)])


def edges(pairs):
    return {*zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}


def test_documents_of_one_topic_are_paired_in_both_orders(tmp_path):
    documents, topic = topics()
    pairs = find(documents, tmp_path, k=EACH - 1)
    assert (topic[pairs.first] == topic[pairs.second]).all()
    assert len(pairs) == TOPICS * EACH * (EACH - 1)
    assert edges(pairs) == {(j, i) for i, j in edges(pairs)}
    assert all(i != j for i, j in edges(pairs))
    assert pairs.card["pairs"] == len(pairs)
    assert pairs.card["degrees"]["2 to 3"] == len(documents)
    assert len(pairs.card["examples"]) == 20
    assert sum(pairs.card["similarities"]["counts"]) == len(pairs)


def test_pairs_below_alpha_are_left_out_and_counted(tmp_path):
    documents, _ = topics()
    every = find(documents, tmp_path, k=20)
    alpha = float(np.quantile(every.scores, 0.95))
    above = find(documents, tmp_path, k=20, alpha=alpha)
    assert edges(above) == {edge for edge, score in scored(every) if score >= alpha}
    highest = find(documents, tmp_path, k=20, alpha_quantile=0.95)
    assert highest.card["rejected"]["below_alpha"] == pytest.approx(0.95 * len(every) / 2, abs=2)
    assert highest.card["alpha"] == pytest.approx(alpha, rel=3e-2)


def scored(pairs):
    return zip(edges_in_order(pairs), pairs.scores.tolist(), strict=True)


def edges_in_order(pairs):
    return [*zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)]


def test_near_duplicates_are_no_pair(tmp_path):
    words = " ".join(f"w{number}" for number in range(30))
    other = " ".join(f"w{number}" for number in range(0, 30, 2))
    pairs = find(documents_of([words, f"{words} more", other]), tmp_path)
    assert edges(pairs) == {(0, 2), (2, 0), (1, 2), (2, 1)}
    assert pairs.card["rejected"]["near_duplicates"] == 1


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 99), k=st.integers(1, 12), cap=st.integers(1, 5))
def test_no_document_has_more_pairs_than_the_cap_and_the_nearest_stay(
    tmp_path_factory, seed, k, cap
):
    rng = np.random.default_rng(seed)
    documents = points(rng.normal(size=(30, 3)).round(3))
    pairs = find(documents, tmp_path_factory.mktemp("p"), encoder=Points(), k=k, max_degree=cap)
    degrees = np.bincount(pairs.second, minlength=30)
    assert degrees.max() <= cap
    assert (np.bincount(pairs.first, minlength=30) == degrees).all()
    nearest = find(documents, tmp_path_factory.mktemp("p"), encoder=Points(), k=k)
    best = edges_in_order(nearest)[int(nearest.scores.argmax())]
    assert best in edges(pairs)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 99), fraction=st.floats(0.1, 0.6))
def test_no_held_out_document_is_on_either_side_of_a_training_pair(seed, fraction):
    rng = np.random.default_rng(seed)
    documents = documents_of([f"{n}" for n in range(60)])
    first = rng.integers(60, size=400)
    second = (first + rng.integers(1, 60, size=400)) % 60
    pairs = Pairs(first, second, np.ones(400, np.float32), {})
    train, validation = split_pairs(pairs, documents, fraction, seed)
    held_out = {*validation.second.tolist()}
    assert not held_out & {*train.first.tolist(), *train.second.tolist()}
    again, _ = split_pairs(pairs.chosen(np.arange(399, -1, -1)), documents, fraction, seed)
    assert edges(again) == edges(train)


def test_the_share_of_pairs_within_each_group_is_in_the_card(tmp_path):
    vectors = [[1, 0, 0], [1, 0.1, 0], [0, 1, 0.1], [0, 1, 0.2], [0.1, 0, 1], [0, 0.5, 1]]
    documents = points(vectors).remove_columns("kind").add_column("kind", [*"aabbab"])
    pairs = find(documents, tmp_path, groups="kind", encoder=Points(), k=1)
    assert pairs.card["within"] == {"a": pytest.approx(2 / 3), "b": pytest.approx(2 / 3)}


def test_an_index_of_faiss_gives_the_same_pairs_and_its_recall(tmp_path):
    pytest.importorskip("faiss")
    documents, _ = topics()
    exact = find(documents, tmp_path, k=3)
    found = find(documents, tmp_path, k=3, index=FaissIndex)
    assert edges(found) == edges(exact)
    assert found.card["index"]["recall"] == 1.0
    path = "lit_research.text.PairFinder"
    options = {"k": 3, "index": {"class_path": "lit_research.text.FaissIndex"}}
    made = make_object(PairFinder, {"class_path": path, "init_args": options})
    assert edges(made(documents, seed=0, cache_dir=tmp_path)) == edges(exact)


def test_an_index_of_other_vectors_is_refused(tmp_path):
    documents, _ = topics()
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="has 47 vectors and there are 48 documents"):
        find(documents, tmp_path, index=ExactIndex(rng.normal(size=(47, 4)).astype(np.float32)))
    older = ExactIndex(rng.normal(size=(48, 4096)).astype(np.float32))
    with pytest.raises(UserError, match="older than the vectors"):
        find(documents, tmp_path, k=3, index=older)


def test_an_alpha_that_leaves_no_pair_is_refused_with_one_that_leaves_some(tmp_path):
    with pytest.raises(UserError, match="no two documents are so similar; must be at most"):
        find(topics()[0], tmp_path, alpha=1.5)


def test_a_hub_in_most_pairs_is_refused_unless_degrees_are_capped(tmp_path):
    vectors = [*np.eye(14).tolist(), [1.0] * 14]
    with pytest.raises(UserError, match=r"'14' is in 14 of 14 pairs.*give max_degree"):
        find(points(vectors), tmp_path, encoder=Points(), k=1, alpha=0.1)
    assert len(find(points(vectors), tmp_path, encoder=Points(), k=1, alpha=0.1, max_degree=1)) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"k": 0},
        {"alpha": 0.5, "alpha_quantile": 0.5},
        {"alpha_quantile": 2.0},
        {"near_duplicate": 0.0},
        {"max_degree": 0},
        {"shingle": 0},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(UserError, match="PairFinder"):
        PairFinder(**options)


def test_copies_alone_make_no_pairs(tmp_path):
    with pytest.raises(UserError, match=r"near-duplicates at 0\.8"):
        find(documents_of(["a b c d e f"] * 3), tmp_path)
    with pytest.raises(UserError, match="at least two"):
        find(documents_of(["a"]), tmp_path)
