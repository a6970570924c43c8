import multiprocessing
import time

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lit_research.text.cache
from lit_research.errors import UserError
from lit_research.text import TokenStore, load_tokenizer, tokenize
from lit_research.text.cache import _write
from tests.helpers import forks

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(texts=TEXTS)
def test_store_holds_every_document_and_an_end_after_each(texts, store_of):
    store = store_of(texts)
    assert len(store) == len(texts)
    assert store.tokens.dtype == np.uint16
    for number, text in enumerate(texts):
        assert store[number].tolist() == [*text.encode(), 256]
    assert store.lengths.tolist() == [len(text.encode()) + 1 for text in texts]
    assert store.num_tokens == store.lengths.sum()
    assert store.card["bytes"] == store.num_tokens - len(texts)
    assert store.document_ids == [f"d{number}" for number in range(len(texts))]


def test_name_of_a_special_token_in_a_document_is_text(store_of):
    assert store_of(["a<|endoftext|>b"])[0].tolist() == [*b"a<|endoftext|>b", 256]


def test_large_vocabularies_take_four_bytes(documents_of, byte_tokenizer, tmp_path):
    import copy

    tokenizer = copy.deepcopy(byte_tokenizer)
    tokenizer.add_tokens([f"token{n}" for n in range(70_000)])
    store = tokenize(documents_of(["token69999"]), tokenizer, cache_dir=tmp_path)
    assert store.tokens.dtype == np.uint32
    assert store.tokens.tolist() == [257 + 69_999, 256]


def test_store_is_built_once_and_again_for_other_content(documents_of, byte_tokenizer, tmp_path):
    first, same, other = (
        tokenize(documents_of(texts), byte_tokenizer, cache_dir=tmp_path, name="train").folder
        for texts in (["one", "two"], ["one", "two"], ["two", "one"])
    )
    assert first == same != other
    assert first.name.startswith("train-")
    built = first.stat().st_mtime_ns
    tokenize(documents_of(["one", "two"]), byte_tokenizer, cache_dir=tmp_path, name="train")
    assert first.stat().st_mtime_ns == built


@pytest.mark.parametrize("damage", ["tokens.bin", "offsets.npy", "ids.jsonl", "card.json"])
def test_damaged_store_is_refused_and_rebuilt(damage, documents_of, byte_tokenizer, tmp_path):
    documents = documents_of(["one", "two"])
    folder = tokenize(documents, byte_tokenizer, cache_dir=tmp_path).folder
    path = folder / damage
    if damage == "ids.jsonl":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(UserError, match="the token store is damaged"):
        TokenStore(folder)
    store = tokenize(documents, byte_tokenizer, cache_dir=tmp_path)
    assert store.tokens.tolist() == [*b"one", 256, *b"two", 256]


def test_failed_build_leaves_nothing(documents_of, byte_tokenizer, tmp_path):
    with pytest.raises(TypeError):
        tokenize(documents_of(["a", None]), byte_tokenizer, cache_dir=tmp_path)
    assert not [path for path in (tmp_path / "tokens").iterdir() if path.is_dir()]


ONE = {"text": ["abc"], "id": ["x"]}


def build_slowly(folder, building):
    """Build, but for the last step, which is waited for."""

    def slowly(*args):
        _write(*args)
        building.set()
        time.sleep(60)

    lit_research.text.cache._write = slowly
    tokenize(datasets.Dataset.from_dict(ONE), load_tokenizer("bytes"), cache_dir=folder)


def test_killed_build_is_cleaned_up_by_the_next(documents_of, byte_tokenizer, tmp_path):
    building = forks().Event()
    process = forks().Process(target=build_slowly, args=(tmp_path, building))
    process.start()
    assert building.wait(60)
    process.kill()
    process.join()
    documents = datasets.Dataset.from_dict(ONE)
    assert list((tmp_path / "tokens").glob(".*.tmp"))
    store = tokenize(documents, byte_tokenizer, cache_dir=tmp_path)
    assert store.tokens.tolist() == [*b"abc", 256]
    assert not list((tmp_path / "tokens").glob(".*.tmp"))


def _build(folder, documents, tokenizer, results):
    def slowly(*args):
        time.sleep(0.2)
        _write(*args)
        results.put("built")

    lit_research.text.cache._write = slowly
    results.put(tokenize(documents, tokenizer, cache_dir=folder).tokens.tolist())


def test_two_processes_build_once_and_agree(documents_of, byte_tokenizer, tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    arguments = (tmp_path, documents_of(["abc"]), byte_tokenizer, results)
    processes = [context.Process(target=_build, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=30) for _ in range(3)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert found.count("built") == 1
    assert found.count([*b"abc", 256]) == 2


def test_nothing_to_tokenize_is_a_user_error(documents_of, byte_tokenizer, tmp_path):
    with pytest.raises(UserError, match="no document to tokenize"):
        tokenize(documents_of([]), byte_tokenizer, cache_dir=tmp_path)
    with pytest.raises(UserError, match="the token store is damaged"):
        TokenStore(tmp_path / "nowhere")
