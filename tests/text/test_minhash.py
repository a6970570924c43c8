"""Signatures agree as the similarity of the texts says, whoever makes them."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.text.minhash import (
    MinHash,
    band_keys,
    shingle_hashes,
    shingle_sets,
    signatures,
)


@pytest.fixture(params=["rensa", "datasketch"])
def package(request, monkeypatch):
    """Leave only one of the two packages."""
    pytest.importorskip(request.param)
    other = {"rensa": "datasketch", "datasketch": "rensa"}[request.param]
    monkeypatch.setitem(sys.modules, other, None)
    return request.param


def planted(similarity, pairs, words, seed):
    """Return texts of pairs whose sets of words have exactly this Jaccard similarity."""
    rng = np.random.default_rng(seed)
    common = round(similarity * words)
    own = (words - common) // 2
    assert common / (common + 2 * own) == pytest.approx(similarity)
    drawn = rng.integers(2**40, size=(pairs, common + 2 * own)).astype(str)
    first, second = drawn[:, : common + own], np.delete(drawn, np.s_[common : common + own], axis=1)
    return [list(map(" ".join, part)) for part in (first, second)]


def test_a_shingle_is_a_run_of_words_or_characters():
    by_words, offsets = shingle_hashes(["a b c d", "b c", "", "a b c"], MinHash(shingle=2))
    assert offsets.tolist() == [0, 3, 4, 5, 7]
    parts = [by_words[a:b].tolist() for a, b in pairwise(offsets)]
    assert parts[1] == parts[0][1:2]
    assert parts[3] == parts[0][:2]
    assert len(set(by_words.tolist())) == 4  # ab bc cd, and none
    assert [len(s) for s in shingle_sets(["a b a b a", ""], MinHash(shingle=2))] == [2, 1]
    assert len(shingle_sets(["abcab"], MinHash(shingle=2, unit="character"))[0]) == 3


def test_the_order_of_words_matters_inside_a_shingle_alone():
    settings = MinHash(shingle=2)
    one, other = shingle_sets(["a b", "b a"], settings)
    assert one != other
    one, other = map(set, shingle_sets(["a b c a", "b c a b"], settings))
    assert one == other


@pytest.mark.parametrize("similarity", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
def test_pairs_are_compared_as_often_as_the_formula_says(package, similarity):
    pairs, settings = 500, MinHash(shingle=1, bands=12, rows=6, seed=3)
    first, second = planted(similarity, pairs, 200, seed=int(similarity * 100))
    keys = [band_keys(signatures(part, settings), settings) for part in (first, second)]
    share = (keys[0] == keys[1]).any(axis=1).mean()
    expected = settings.recall(similarity)
    assert expected == pytest.approx(1 - (1 - similarity**6) ** 12)
    # Where hardly a pair is missed, one of them is within what is expected.
    error = max(np.sqrt(expected * (1 - expected) / pairs), 1 / pairs / 3)
    assert abs(share - expected) <= 3 * error


def test_agreement_estimates_similarity(package):
    settings = MinHash(shingle=1, bands=16, rows=8)
    first, second = planted(0.8, 200, 100, seed=0)
    agree = (signatures(first, settings) == signatures(second, settings)).mean()
    assert agree == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 128 / 200))


def test_workers_and_shards_do_not_matter(package):
    texts = [f"{number % 97} {number % 89} {number}" for number in range(5000)]
    settings = MinHash(shingle=2, bands=2, rows=2)
    alone = signatures(texts, settings)
    assert alone.shape == (5000, 4)
    assert alone.dtype == np.uint32
    for workers in (1, 2, 7):
        with ThreadPoolExecutor(workers) as pool:
            assert (signatures(iter(texts), settings, executor=pool) == alone).all()
    assert (signatures(texts[4000:4010], settings) == alone[4000:4010]).all()


def test_the_seed_changes_signatures(package):
    one, other = (signatures(["a b c d e f"], MinHash(seed=seed)) for seed in (0, 1))
    assert (one != other).any()
    assert (one == signatures(["a b c d e f"], MinHash(seed=0))).all()


def test_nothing_is_signed_as_nothing(package):
    assert signatures([], MinHash()).shape == (0, 128)


def test_without_a_package_the_extra_is_named(monkeypatch):
    for package in ("rensa", "datasketch"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"neither rensa nor datasketch .*lit_research\[dedup\]"):
        signatures(["a"], MinHash())


@pytest.mark.parametrize("argument", ["shingle", "bands", "rows"])
def test_numbers_below_1_are_refused(argument):
    with pytest.raises(UserError, match=f"{argument} is 0, in MinHash; must be at least 1"):
        MinHash(**{argument: 0})


def test_an_unknown_unit_is_refused():
    with pytest.raises(UserError, match="unit is 'line', in MinHash; must be word or character"):
        MinHash(unit="line")


def test_rensa_comes_first():
    pytest.importorskip("rensa")
    assert importlib.import_module("lit_research.text.minhash")._backend() == "rensa"
