"""The world of two formats: what is drawn, and what is known about it."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.methods.sbp import TwoFormats, pair_precision_and_recall
from lit_research.methods.sbp.world import HEADER, chain_entropy
from tests.methods.sbp.worlds import TINY


def tiny(**options):
    return TwoFormats(**{**TINY, "seed": 0, **options})


@pytest.fixture(scope="module")
def full():
    return TwoFormats(seed=0)


@pytest.fixture(scope="module")
def splits(full):
    return full.splits()


def by_id(documents):
    return dict(zip(documents["id"], documents["text"], strict=True))


def test_the_corpus_has_the_documents_of_the_world(full, splits):
    train = splits["train"]
    assert Counter(train["kind"]) == {"a": 2400, "common_b": 1000, "rare_b": 12}
    assert Counter(splits["validation"]["kind"]) == dict.fromkeys(("a", "common_b", "rare_b"), 200)
    words = [text.split() for text in train["text"]]
    assert {len(row) for row in words} == {HEADER + 10}
    topics = Counter((row[0], row[1]) for row in words)
    assert topics["A", "t7"] == 300
    assert topics["B", "t0"] == 250
    assert topics["B", "t7"] == 3
    shares = full.kind_shares()
    assert shares == pytest.approx({"a": 2400 / 3412, "common_b": 1000 / 3412, "rare_b": 12 / 3412})


def test_the_chains_have_their_entropy(full):
    assert chain_entropy() == pytest.approx(0.802, abs=5e-4)
    assert full.world.word_entropy == pytest.approx((math.log(24) + 9 * chain_entropy()) / 10)
    successors = full.world.successors
    assert successors.shape == (8, 24, 3)
    assert all(len({*row}) == 3 for topic in successors for row in topic.tolist())
    assert (np.sort(successors, axis=1) == np.arange(24)[:, None]).all()
    a, _ = full.sibling_pairs(600, what="many")
    ranks, starts = Counter(), Counter()
    for text in a["text"]:
        _, topic, _, _, *words = text.split()
        numbers = [int(word[1:]) for word in words]
        starts[numbers[0]] += 1
        for before, after in pairwise(numbers):
            ranks[successors[int(topic[1:]), before].tolist().index(after)] += 1
    total = sum(ranks.values())
    assert [ranks[rank] / total for rank in range(3)] == pytest.approx([0.7, 0.2, 0.1], abs=0.01)
    assert min(starts.values()) > 140  # of 4,800 / 24 = 200


def test_a_sibling_is_the_same_record_in_the_other_format(full, splits):
    train = by_id(splits["train"])
    names = [name[:-2] for name in train if name.endswith(".a") and f"{name[:-2]}.b" in train]
    pairs = [(train[f"{name}.a"], train[f"{name}.b"]) for name in names]
    assert len(pairs) == 1012
    a, b = map(list, zip(*pairs, strict=True))
    assert full.siblings(a) == b
    assert full.siblings(b) == a
    assert full.world.sibling_entropy == 0
    words = {(x, y) for one, two in pairs for x, y in zip(one.split(), two.split(), strict=True)}
    dictionary = {(f"a{word}", f"b{code}") for word, code in enumerate(full.world.dictionary)}
    assert {pair for pair in words if pair[0][0] == "a"} == dictionary
    assert {pair for pair in words if pair[0][0] in "tn"} <= {(w, w) for w in full.vocabulary()}


def test_no_two_records_have_the_same_anchors(splits):
    anchors = {}
    for name, text in zip(splits["train"]["id"], splits["train"]["text"], strict=True):
        anchors.setdefault(frozenset(text.split()[2:4]), set()).add(name[:-2])
    assert {len(names) for names in anchors.values()} == {1}
    with pytest.raises(UserError, match="too few for the pairs of anchors of 48 records"):
        tiny(anchors=10).splits()


def test_siblings_are_no_neighbours_by_construction(splits):
    """They would teach the dictionary to a model that reads several documents in a window."""
    names = [name[:-2] for name in splits["train"]["id"]]
    adjacent = sum(one == two for one, two in pairwise(names))
    assert adjacent < 10


def test_parts_agree_with_the_corpus_and_depend_on_the_seed_alone():
    corpus = tiny().splits()
    assert by_id(corpus["train"]) == by_id(tiny().splits()["train"])
    assert by_id(corpus["train"]) != by_id(tiny(seed=1).splits()["train"])
    held_out = [{*corpus[split]["text"]} for split in corpus]
    assert not held_out[0] & held_out[1]
    assert not held_out[1] & held_out[2]


def test_fresh_documents_are_as_many_as_asked_of_new_records():
    corpus, fresh = tiny().splits()["train"], tiny(part="fresh", documents=150).splits()["train"]
    assert len(fresh) == len({*fresh["id"]}) == 150
    assert len({*fresh["text"]} & {*corpus["text"]}) == 0
    first = Counter(fresh.select(range(70))["kind"])
    assert first == Counter(corpus["kind"])


@pytest.mark.parametrize("unseen", [False, True])
def test_the_posterior_writes_the_siblings_of_documents_of_r(unseen):
    world = tiny(part="posterior", documents=140, unseen=unseen)
    corpus, written = by_id(tiny().splits()["train"]), world.splits()["train"]
    assert len({*written["id"]}) == 140
    assert world.siblings([corpus[name] for name in written["source_id"]]) == written["text"]
    known = sum(text in {*corpus.values()} for text in written["text"])
    assert known == (0 if unseen else 88)  # 44 of 70 documents have their sibling in R
    drawn = Counter(written["source_id"])
    assert {*drawn.values()} <= ({2} if not unseen else {5, 6})


def test_reweighted_documents_are_those_of_r_with_the_share_of_b():
    corpus = by_id(tiny().splits()["train"])
    part = tiny(part="reweighted", documents=100, share_b=0.75).splits()["train"]
    assert [corpus[name] for name in part["source_id"]] == part["text"]
    assert Counter(text[0] for text in part["text"]) == {"B": 75, "A": 25}


def test_the_vocabulary_is_closed():
    world = tiny()
    words = {
        word
        for documents in world.splits().values()
        for t in documents["text"]
        for word in t.split()
    }
    assert words <= {*world.vocabulary()}
    assert len({*world.vocabulary()}) == len(world.vocabulary()) == 2 + 4 + 60 + 12


def test_precision_and_recall_of_pairs():
    ids = ["corpus.t0.0.a", "corpus.t0.0.b", "corpus.t1.7.a", "corpus.t2.8.b", "corpus.t2.8.a"]
    first, second = np.array([0, 1, 0, 2]), np.array([1, 0, 2, 0])
    assert pair_precision_and_recall(first, second, ids) == (0.5, 0.5)
    assert pair_precision_and_recall(first[:0], second[:0], ids) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": "others"}, "must be one of"),
        ({"part": "fresh"}, "documents is missing"),
        ({"documents": 3}, "documents is given"),
        ({"part": "reweighted", "documents": 3}, "share_b is missing"),
        ({"part": "fresh", "documents": 3, "unseen": True}, "unseen is given"),
        ({"rare": 13}, "from 0 to 12"),
        ({"common_topics": 4}, "below 4"),
        ({"words": 2}, "at least 3"),
    ],
)
def test_impossible_worlds_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        tiny(**options)
