"""Counters by name, by class path, and where their file is not at hand."""

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode.counters import Counter, make_counter
from lit_research.text import load_tokenizer

TEXTS = ["", "def f(x):\n    return x + 1\n", "é" * 10]


class Words(Counter):
    """Counts words."""

    name = "words"

    def count(self, texts):
        return [len(text.split()) for text in texts]


def test_characters_are_an_estimate():
    counter = make_counter("characters")
    assert counter.count(TEXTS) == [0, 8, 3]
    assert counter.name == "characters / 3.6"
    counter = make_counter({"class_path": "characters", "init_args": {"per_token": 2}})
    assert counter.count(TEXTS) == [0, 14, 5]
    with pytest.raises(UserError, match="per_token is 0"):
        make_counter({"class_path": "characters", "init_args": {"per_token": 0}})


def test_a_folder_of_a_tokenizer_counts_as_the_tokenizer_does(tmp_path):
    load_tokenizer("bytes").save_pretrained(tmp_path / "mine")
    counter = make_counter(
        {"class_path": "tokenizer", "init_args": {"spec": str(tmp_path / "mine")}}
    )
    assert counter.count(TEXTS * 50) == [len(text.encode()) for text in TEXTS] * 50
    assert counter.name.startswith("mine (")
    assert counter.count(["<|endoftext|>"]) == [13]


def test_a_class_of_a_users_file_and_an_object_count():
    path = f"{Words.__module__}.Words"
    assert make_counter({"class_path": path}).count(["a b"]) == [2]
    mine = Words()
    assert make_counter(mine) is mine
    with pytest.raises(UserError, match="no counter is called 'word'; must be characters, tok"):
        make_counter("word")


def test_tiktoken_never_asks_the_network(tmp_path, monkeypatch):
    pytest.importorskip("tiktoken")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    with pytest.raises(
        UserError, match=r"needs the network.*give 'characters'.*or 'tokenizer' with"
    ):
        make_counter("tiktoken")
    with pytest.raises(UserError, match="did you mean o200k_base"):
        make_counter({"class_path": "tiktoken", "init_args": {"encoding": "o200k"}})
    assert list(tmp_path.iterdir()) == []
