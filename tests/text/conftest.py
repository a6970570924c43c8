"""What the tests of lit_research.text share: a cache of their own, bytes, and small stores."""

import os

import datasets
import pytest

from lit_research.text import load_documents, load_tokenizer, tokenize

datasets.disable_progress_bars()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("LIT_RESEARCH_CACHE", str(cache))


# The whole corpus takes seconds to build: it lies in the cache of all tests.
SHARED = os.environ["LIT_RESEARCH_CACHE"]


@pytest.fixture(scope="session")
def embedded():
    return load_documents("embedded", cache_dir=SHARED)


@pytest.fixture(scope="session")
def byte_tokenizer():
    return load_tokenizer("bytes")


@pytest.fixture(scope="session")
def documents_of():
    """Make documents of texts."""

    def make(texts):
        ids = [f"d{number}" for number in range(len(texts))]
        same = ["test"] * len(texts)
        return datasets.Dataset.from_dict(
            {"text": list(texts), "id": ids, "source_id": same, "kind": same}
        )

    return make


@pytest.fixture(scope="session")
def store_of(cache, byte_tokenizer, documents_of):
    """Make a token store of texts, one token a byte."""
    return lambda texts: tokenize(documents_of(texts), byte_tokenizer, cache_dir=cache)
