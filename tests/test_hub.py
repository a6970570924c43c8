"""Paths are never looked up on the hub, and a connection that fails is tried once."""

import socket

import pytest
from huggingface_hub import constants

from lit_research.errors import UserError
from lit_research.hub import names_a_path
from lit_research.lm import load_lm
from lit_research.text import load_documents, load_tokenizer

LOADERS = {"documents": load_documents, "tokenizer": load_tokenizer, "model": load_lm}
loaders = pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)


@pytest.fixture
def asked(monkeypatch):
    """Return the list of addresses that were looked up; the network answers nobody."""
    addresses = []

    def refuse(host, *args, **kwargs):
        addresses.append(host)
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return addresses


@loaders
@pytest.mark.parametrize("name", ["./typo", "/typo/x", "~/typo", "data/typo", "a/b/c", "x.jsonl"])
def test_what_looks_like_a_path_is_never_looked_up(load, name, asked, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such file or folder") as caught:
        load(name)
    assert "\n" not in str(caught.value)
    assert asked == []


@loaders
def test_a_hub_that_does_not_answer_is_asked_once(load, asked):
    with pytest.raises(UserError, match="the hub cannot be reached") as caught:
        load("nobody/no-such-thing")
    assert "\n" not in str(caught.value)
    assert len(asked) == 1


@loaders
def test_offline_mode_asks_nobody(load, asked, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        load("nobody/no-such-thing")
    assert asked == []


def test_a_tokenizer_that_is_here_is_loaded_without_the_hub(asked, tmp_path):
    load_tokenizer("bytes").save_pretrained(tmp_path)
    assert len(load_tokenizer(str(tmp_path))) == 257
    assert asked == []


@pytest.mark.parametrize("name", ["gpt2", "Qwen/Qwen2.5-0.5B", "org/name_v1.0"])
def test_names_on_the_hub_are_no_paths(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not names_a_path(name)
