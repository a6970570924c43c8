"""``OpenAIEngine`` against ``transformers serve FOLDER``, where it can run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from transformers.utils.import_utils import is_serve_available

from lit_research.lm import export_hf
from lit_research.lm.engines import OpenAIEngine, StoredEngine, TransformersEngine
from tests.lm.engines.test_server import TEMPLATE
from tests.lm.engines.transformers_server import transformers_server
from tests.lm.models import bytes_tokenizer, tiny_lm

pytestmark = pytest.mark.skipif(
    not is_serve_available(), reason="needs fastapi and uvicorn: pip install transformers[serving]"
)
PROMPTS = ["a", "the quick brown fox"]
# It takes the likeliest token otherwise, whatever the temperature.
SAMPLES = {"generation_config": '{"do_sample": true}'}


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """Give the address of a server of a tiny model, and its name for the model."""
    folder = str(tmp_path_factory.mktemp("served") / "lm")
    tokenizer = bytes_tokenizer()
    tokenizer.chat_template = TEMPLATE
    export_hf(tiny_lm(), tokenizer, folder)
    with transformers_server(folder) as url:
        yield url, folder


def engine_of(served: tuple[str, str], **options: Any) -> OpenAIEngine:
    # One request at a time: the server seeds torch's global random state.
    return OpenAIEngine(*served, timeout_s=60.0, max_concurrency=1, n_per_request=1, **options)


@pytest.mark.parametrize("chat", [False, True])
def test_it_writes_what_the_model_in_memory_writes(served, chat):
    tokenizer = bytes_tokenizer()
    tokenizer.chat_template = TEMPLATE
    own = TransformersEngine(tiny_lm(), tokenizer, chat=chat)
    options = {"max_new_tokens": 6, "temperature": 0.0}
    rows = engine_of(served, chat=chat).generate(PROMPTS, **options)
    expected = own.generate(PROMPTS, **options)
    assert [[c.text for c in row] for row in rows] == [[c.text for c in row] for row in expected]
    for [ours], [theirs] in zip(expected, rows, strict=True):
        assert (theirs.finish_reason, theirs.prompt_tokens, theirs.new_tokens) == (
            ours.finish_reason,
            ours.prompt_tokens,
            ours.new_tokens,
        )


@pytest.mark.parametrize("chat", [False, True])
def test_samples_of_a_prompt_are_requests_that_repeat_with_the_seed(served, tmp_path, chat):
    engine = engine_of(served, chat=chat, extra_body=SAMPLES)
    options = {"max_new_tokens": 8, "n": 3, "seed": 1}
    rows = engine.generate(["aa", "aa"], **options)
    assert not any(c.failed for row in rows for c in row)
    assert len({c.text for row in rows for c in row}) == 6
    assert rows == engine.generate(["aa", "aa"], **options)
    stored = StoredEngine(engine, str(tmp_path / "answers.sqlite"), again="never")
    assert stored.generate(["aa"], **options) == stored.generate(["aa"], **options)


def test_the_server_samples_if_it_is_told_to(served):
    options = {"max_new_tokens": 8, "n": 3, "seed": 1}
    [row] = engine_of(served).generate(["aa"], **options)
    assert len({c.text for c in row}) == 1
    likeliest = {"generation_config": '{"do_sample": true, "top_k": 1}'}
    [same] = engine_of(served, extra_body=likeliest).generate(["aa"], **options)
    assert {c.text for c in same} == {c.text for c in row}


def test_without_n_per_request_the_reason_names_it(served):
    engine = OpenAIEngine(*served, timeout_s=60.0)
    [[one, other]] = engine.generate(["a"], max_new_tokens=4, n=2)
    assert not one.failed
    assert "one that ignores n needs n_per_request 1" in other.finish_reason


def test_top_k_is_a_failure_with_the_servers_reason(served):
    [[completion]] = engine_of(served).generate(["a"], max_new_tokens=4, top_k=5)
    assert completion.failed
    assert "422" in completion.finish_reason
    assert "top_k" in completion.finish_reason
