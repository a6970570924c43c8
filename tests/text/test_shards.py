"""Shards: equal for any number of workers, and after a kill nothing finished is done again."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.text import MinHash, PairFinder, Tfidf, embed
from lit_research.text.minhash import signatures
from lit_research.text.shards import compute_shards, in_batches
from tests.text.shard_work import SETTINGS, TEXTS, Lengths, documents_of


def lengths(texts):
    return np.array([len(text) for text in texts])


@settings(deadline=None, max_examples=20)
@given(texts=st.lists(st.text("ab", max_size=5), max_size=60), size=st.integers(1, 9))
def test_shards_come_in_order_for_any_number_of_workers(tmp_path_factory, texts, size):
    shards = list(in_batches(texts, size))
    folder = tmp_path_factory.mktemp("shards")
    for workers in (None, 1, 2, 7):
        executor = workers and ThreadPoolExecutor(workers)
        for kept in (None, folder):
            found = list(compute_shards(lengths, shards, executor=executor, folder=kept))
            assert [part.tolist() for part in found] == [[*map(len, part)] for part in shards]
    assert len(list(folder.iterdir())) == len(shards)


def test_a_damaged_shard_or_one_of_other_texts_is_computed_again(tmp_path):
    shards = [["a", "bb"], ["ccc"], ["dddd"]]
    list(compute_shards(lengths, shards, folder=tmp_path))
    next(tmp_path.glob("000001-*")).write_bytes(b"\x93NUMPY damaged")
    asked = []

    def counting(texts):
        asked.append(texts)
        return lengths(texts)

    shards = [*shards[:2], ["other"], ["new"]]
    found = [part.tolist() for part in compute_shards(counting, shards, folder=tmp_path)]
    assert found == [[1, 2], [3], [5], [3]]
    assert asked == [["ccc"], ["other"], ["new"]]


def test_vectors_and_pairs_are_equal_for_any_number_of_workers(tmp_path):
    documents = documents_of(90)
    encoder = Tfidf(width=64)
    encoder.fit(documents["text"])
    alone = np.array(embed(documents, encoder, cache_dir=tmp_path / "alone", shard=90))
    pairs = PairFinder(k=3)(documents, seed=0, cache_dir=tmp_path / "alone")
    for workers in (1, 2, 7):
        folder = tmp_path / str(workers)
        with ThreadPoolExecutor(workers) as pool:
            found = embed(documents, encoder, cache_dir=folder, executor=pool, shard=7)
            again = PairFinder(k=3)(documents, seed=0, cache_dir=folder, executor=pool)
        assert (found == alone).all()
        assert not list((folder / "vectors").glob("*.shards"))
        assert (again.first == pairs.first).all()
        assert (again.second == pairs.second).all()
        assert again.card == pairs.card


def test_an_encoder_that_fails_leaves_the_finished_shards(tmp_path):
    documents = documents_of(30)

    class Breaking(Lengths):
        def encode(self, texts):
            if self.encoded == 20:
                return np.full((len(texts), 2), np.nan, np.float32)
            return super().encode(texts)

    with pytest.raises(UserError, match="not finite"):
        embed(documents, Breaking(), cache_dir=tmp_path, shard=10)
    assert not list(tmp_path.glob("vectors/*/vectors.npy"))
    [shards] = tmp_path.glob("vectors/*.shards")
    assert len(list(shards.iterdir())) == 2


def test_an_encoder_that_changes_its_width_between_shards_is_refused(tmp_path):
    class Widening(Lengths):
        def encode(self, texts):
            self.encoded += 1
            return np.ones((len(texts), 1 + self.encoded), np.float32)

    with pytest.raises(UserError, match="the width is 3 from document 10 on"):
        embed(documents_of(30), Widening(), cache_dir=tmp_path, shard=10)


def test_signatures_are_resumed_and_depend_on_the_settings(tmp_path):
    texts = [f"{n % 97} {n % 89} {n}" for n in range(2500)]
    one = MinHash(shingle=2, bands=2, rows=2)
    alone = signatures(texts, one)
    for _ in range(2):
        assert (signatures(iter(texts), one, shards=tmp_path) == alone).all()
    [folder] = tmp_path.iterdir()
    assert len(list(folder.iterdir())) == 3
    other = MinHash(shingle=2, bands=2, rows=2, seed=1)
    assert (signatures(texts, other, shards=tmp_path) == signatures(texts, other)).all()
    assert len(list(tmp_path.iterdir())) == 2


def test_after_a_kill_results_are_equal_and_no_finished_shard_is_done_again(tmp_path):
    patterns = ("vectors/*.shards/0*.npy", "signatures/*/0*.npy")

    def finished():
        return [[*tmp_path.glob(pattern)] for pattern in patterns]

    process = subprocess.Popen([sys.executable, "-m", "tests.text.shard_work", str(tmp_path)])
    while process.poll() is None and min(map(len, finished())) < 3:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    vectors, signed = finished()
    assert 3 <= len(vectors) < 20
    assert 3 <= len(signed) < 20
    before = {file: file.stat().st_mtime_ns for file in signed}

    encoder = Lengths()
    found = embed(documents_of(400), encoder, cache_dir=tmp_path, shard=20)
    assert (found == embed(documents_of(400), Lengths(), cache_dir=tmp_path / "whole")).all()
    assert encoder.encoded == 400 - 20 * len(vectors)

    again = signatures(TEXTS, SETTINGS, shards=tmp_path / "signatures")
    assert (again == signatures(TEXTS, SETTINGS)).all()
    assert all(file.stat().st_mtime_ns == at for file, at in before.items())
    assert len([*tmp_path.glob(patterns[1])]) == 20
