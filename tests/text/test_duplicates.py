"""Near-duplicates are found, grouped and named."""

import json
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.text import Duplicate, MinHash, find_duplicates, find_overlap
from lit_research.text.buckets import Forest

WORDS = MinHash(shingle=1, bands=64, rows=2)  # finds every pair of similarity .5 and more


pytestmark = pytest.mark.skipif(
    not any(map(find_spec, ("rensa", "datasketch"))), reason="no package for MinHash is installed"
)


def named(texts):
    return [(f"d{number}", text) for number, text in enumerate(texts)]


def groups(found):
    """Return the groups of identifiers, each as a set."""
    sets = {}
    for duplicate in found.found:
        sets.setdefault(duplicate.of_row, {duplicate.of_id}).add(duplicate.id)
    return sorted(map(sorted, sets.values()))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 30), st.data())
def test_a_forest_joins_what_is_connected(count, data):
    rows = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(rows, rows), max_size=40))
    forest = Forest(count)
    cut = data.draw(st.integers(0, len(pairs)))
    for part in (pairs[:cut], pairs[cut:]):
        first, second = np.array(part, int).reshape(-1, 2).T
        forest.unite(first, second)
        forest.roots()
    smallest = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            smallest[a] = smallest[b] = min(smallest[a], smallest[b])
    assert forest.roots().tolist() == smallest


def similarity(first, second):
    one, other = set(first.split()), set(second.split())
    return len(one & other) / len(one | other)


TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), max_size=12)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from([0.5, 0.6, 0.75, 1.0]))
def test_groups_are_those_of_all_pairs(texts, threshold):
    texts = [" ".join(words) for words in texts]
    near = [
        pair
        for pair in combinations(range(len(texts)), 2)
        if similarity(texts[pair[0]], texts[pair[1]]) >= threshold
    ]
    smallest = list(range(len(texts)))
    for _ in texts:
        for a, b in near:
            smallest[a] = smallest[b] = min(smallest[a], smallest[b])
    found = find_duplicates(named(texts), WORDS, threshold=threshold)
    expected = {row: of for row, of in enumerate(smallest) if row != of}
    assert {duplicate.row: duplicate.of_row for duplicate in found.found} == expected
    assert found.kept == [row for row in range(len(texts)) if row not in expected]
    for duplicate in found.found:
        texts_of_pair = texts[duplicate.row], texts[duplicate.of_row]
        assert duplicate.similarity == pytest.approx(similarity(*texts_of_pair))


@settings(deadline=None, max_examples=60)
@given(TEXTS, TEXTS, st.sampled_from([0.5, 0.75]))
def test_the_nearest_of_another_set_is_that_of_all_pairs(texts, others, threshold):
    texts, others = ([" ".join(words) for words in part] for part in (texts, others))
    expected = {}
    for row, text in enumerate(texts):
        scores = [similarity(text, other) for other in others]
        if scores and max(scores) >= threshold:
            expected[row] = (scores.index(max(scores)), pytest.approx(max(scores)))
    found = find_overlap(named(texts), named(others), WORDS, threshold=threshold)
    assert {d.row: (d.of_row, d.similarity) for d in found.found} == expected


def corpus(seed, documents=60, copies=40):
    """Return texts of 30 words, some of them edited copies of earlier ones."""
    rng = np.random.default_rng(seed)
    texts = [rng.integers(5000, size=30).astype(str) for _ in range(documents)]
    for _ in range(copies):
        copy = texts[rng.integers(len(texts))].copy()
        copy[rng.integers(30, size=rng.integers(4))] = "edited"
        texts.append(copy)
    return [" ".join(words) for words in texts]


@pytest.mark.parametrize("exact", [True, False])
def test_workers_and_the_order_of_documents_do_not_change_the_groups(exact):
    documents = named(corpus(0))
    settings = MinHash(shingle=2, bands=20, rows=4)
    found = find_duplicates(documents, settings, threshold=0.6, exact=exact)
    assert len(found.found) > 20
    for workers in (1, 2, 7):
        with ThreadPoolExecutor(workers) as pool:
            again = find_duplicates(documents, settings, threshold=0.6, exact=exact, executor=pool)
        assert again == found
    order = np.random.default_rng(1).permutation(len(documents))
    moved = find_duplicates([documents[i] for i in order], settings, threshold=0.6, exact=exact)
    assert groups(moved) == groups(found)
    for duplicate in moved.found:
        assert duplicate.of_row < duplicate.row
        assert duplicate.of_row in moved.kept


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("text", ["", "one", "more words than there are in a shingle", "日本語"])
def test_equal_texts_are_always_found(exact, text):
    others = corpus(2, documents=20, copies=0)
    texts = [*others[:10], text, *others[10:], f" {text}\n"]
    found = find_duplicates(named(texts), threshold=1.0, exact=exact)
    assert found.found == (Duplicate(21, "d21", 10, "d10", 1.0),)
    overlap = find_overlap([("v", text)], named(texts), threshold=1.0, exact=exact)
    assert overlap.found == (Duplicate(0, "v", 10, "d10", 1.0),)


def test_a_thousand_copies_cost_a_thousand_comparisons():
    found = find_duplicates(named(["the same words again"] * 1000))
    assert found.compared == 999
    assert {duplicate.of_row for duplicate in found.found} == {0}
    overlap = find_overlap(named(["the same words again"] * 5), named(["the same words again"] * 9))
    assert overlap.compared == 5


def test_a_chain_is_one_group_whose_ends_can_differ():
    words = [f"w{number}" for number in range(20)]
    texts = [" ".join(words[start : start + 10]) for start in (0, 1, 2, 3)]
    found = find_duplicates(named(texts), MinHash(shingle=1, bands=64, rows=1), threshold=0.8)
    assert [duplicate.of_id for duplicate in found.found] == ["d0"] * 3
    assert found.found[-1].similarity == pytest.approx(7 / 13)


def test_between_sets_the_match_has_an_identifier():
    training = [("r1", "a b c d e f g h i k"), ("r2", "a b c d e f g h i j")]
    validation = [("v1", "x y z"), ("v2", "a b c d e f g h i j"), ("v3", "x y z")]
    found = find_overlap(validation, training, WORDS)
    assert found.found == (Duplicate(1, "v2", 1, "r2", 1.0),)
    assert found.kept == [0, 2]


def test_a_dataset_is_read_in_place(documents_of):
    texts = corpus(3)
    documents = documents_of(texts)
    settings = MinHash(shingle=2, bands=20, rows=4)
    found = find_duplicates(documents, settings, threshold=0.6)
    assert found == find_duplicates(named(texts), settings, threshold=0.6)
    kept = documents.select(found.kept)
    assert find_duplicates(kept, settings, threshold=0.6).documents == len(found.kept)


def test_the_card_counts():
    found = find_duplicates(named(["a b", "a b", "c d", "a b"]), WORDS, threshold=0.5)
    card = json.loads(json.dumps(found.card()))
    assert card["documents"] == 4
    assert card["duplicates"] == 2
    assert card["originals"] == 1
    assert card["recall_at_threshold"] == pytest.approx(1 - 0.75**64)
    assert card["settings"]["bands"] == 64


def test_no_documents_have_no_duplicates():
    assert find_duplicates([]).found == ()
    assert find_overlap([], [("a", "b")]).found == ()
    assert find_overlap([("a", "b")], []).found == ()


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (["ab"], r"document 0 is 'ab', in find_duplicates; must be a pair \(id, text\)"),
        ([("a", "b"), ("c",)], r"document 1 is \('c',\), in find_duplicates"),
        ([("a", 3)], "text column 'text' holds int, not a string, in find_duplicates"),
        (iter([]), "the documents are a list_iterator, in find_duplicates; must be a list of"),
    ],
)
def test_documents_of_another_form_are_refused(documents, message):
    with pytest.raises(UserError, match=message):
        find_duplicates(documents)


def test_a_dataset_without_the_columns_is_refused(documents_of):
    with pytest.raises(UserError, match="have no column id, in find_overlap; must have id and"):
        find_overlap([], documents_of(["a"]).remove_columns("id"))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(UserError, match=r"threshold is .* must be from 0 to 1"):
        find_duplicates([], threshold=threshold)
