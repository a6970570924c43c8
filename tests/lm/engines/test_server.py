"""``OpenAIEngine`` against a real server on this machine, which samples from a tiny model."""

from __future__ import annotations

import builtins
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from datasets import load_from_disk

from lit_research.errors import UserError
from lit_research.generation import Prompt, write_texts
from lit_research.lm.engines import Completion, OpenAIEngine, Sampling, TransformersEngine
from tests.lm.models import bytes_tokenizer, tiny_lm


class Server(ThreadingHTTPServer):
    """Speaks ``/v1/completions``; ``answers`` holds what it does first, before it answers well."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.engine = TransformersEngine(tiny_lm(), bytes_tokenizer())
        self.lock = threading.Lock()
        self.answers: list[int | float | dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()
        self.in_hand = self.most_in_hand = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            [completions] = self.engine.generate(
                [body["prompt"]],
                max_new_tokens=body["max_tokens"],
                temperature=body["temperature"],
                top_p=body["top_p"],
                top_k=body.get("top_k", 0),
                stop=body.get("stop") or (),
                n=body["n"],
                seed=body["seed"],
            )
        choices = [
            {
                "index": index,
                "text": c.text,
                "finish_reason": c.finish_reason,
                "token_ids": c.token_ids,
                "logprobs": {"token_logprobs": c.log_probs},
            }
            for index, c in enumerate(completions)
        ]
        # In another order than asked for, as a server may.
        return {"id": "1", "object": "text_completion", "model": "tiny", "choices": choices[::-1]}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(body)
            self.server.keys.add(self.headers["Authorization"])
            answer = self.server.answers.pop(0) if self.server.answers else 200
            self.server.in_hand += 1
            self.server.most_in_hand = max(self.server.most_in_hand, self.server.in_hand)
        if isinstance(answer, float):
            time.sleep(answer)
            return
        if isinstance(answer, dict):
            self.reply(200, answer)
        elif answer != 200:
            self.reply(answer, {"error": {"message": "out of\nluck"}})
        else:
            self.reply(200, self.server.complete(body))

    def reply(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        with self.server.lock:
            self.server.in_hand -= 1
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


PROMPTS = ["a", "the quick brown fox", "def f(x):", "zz"]


def engine_of(server: Server, **options: Any) -> OpenAIEngine:
    return OpenAIEngine(server.url, "tiny", timeout_s=20.0, **options)


def without_log_probs(completions: list[list[Completion]]) -> list[list[Completion]]:
    """Leave out what rounding changes from one batch to another."""
    return [[replace(c, log_probs=()) for c in row] for row in completions]


def test_completions_are_those_of_the_model_behind_the_server(server):
    served = engine_of(server).generate(PROMPTS, max_new_tokens=8, temperature=0.0)
    own = server.engine.generate(PROMPTS, max_new_tokens=8, temperature=0.0)
    assert without_log_probs(served) == without_log_probs(own)
    for [ours], [theirs] in zip(own, served, strict=True):
        assert theirs.log_probs == pytest.approx(ours.log_probs, abs=1e-5)


def test_order_is_kept_with_many_prompts_and_few_connections(server):
    prompts = [chr(97 + i % 26) * (1 + i % 5) for i in range(40)]
    served = engine_of(server, max_concurrency=8).generate(
        prompts, max_new_tokens=3, temperature=0.0
    )
    own = server.engine.generate(prompts, max_new_tokens=3, temperature=0.0)
    assert without_log_probs(served) == without_log_probs(own)


def test_n_samples_differ_between_equal_prompts_and_repeat_with_the_seed(server):
    engine = engine_of(server, weight_version=7)
    first = engine.generate(["aa", "aa"], max_new_tokens=6, n=3, seed=1)
    assert first == engine.generate(["aa", "aa"], max_new_tokens=6, n=3, seed=1)
    assert len({c.token_ids for row in first for c in row}) == 6
    assert {c.weight_version for row in first for c in row} == {7}


def test_tokens_options_and_extra_fields_reach_the_server(server):
    engine = engine_of(server, extra_body={"return_token_ids": True})
    engine.generate([[1, 2]], max_new_tokens=3, top_k=4, top_p=0.5, stop=("x", "yy"))
    [request] = server.requests
    expected = {"prompt": [1, 2], "max_tokens": 3, "top_k": 4, "top_p": 0.5, "stop": ["x", "yy"]}
    assert expected.items() <= request.items()
    assert request["return_token_ids"]
    engine.generate([[1, 2]], max_new_tokens=3)
    assert "top_k" not in server.requests[1]


def test_the_key_comes_from_the_named_variable(server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret")
    engine_of(server, api_key_env="MY_KEY").generate(["a"], max_new_tokens=1)
    assert server.keys == {"Bearer secret"}


def test_a_passing_failure_is_repeated(server):
    server.answers = [500, 429]
    [[completion]] = engine_of(server, retries=2).generate(["a"], max_new_tokens=2)
    assert not completion.failed
    assert len(server.requests) == 3


def test_a_lasting_failure_is_a_value_with_its_reason_and_the_others_go_on(server):
    server.answers = [400]
    engine = engine_of(server, max_concurrency=1)
    rows = engine.generate(["a", "b"], max_new_tokens=2, n=2)
    assert [[c.failed for c in row] for row in rows] == [[True, True], [False, False]]
    assert "400" in rows[0][0].finish_reason
    assert "\n" not in rows[0][0].finish_reason
    assert len(server.requests) == 2


def test_a_time_out_is_a_value_with_its_reason(server):
    server.answers = [0.5]
    engine = OpenAIEngine(server.url, "tiny", timeout_s=0.1, retries=0)
    [[completion]] = engine.generate(["a"], max_new_tokens=2)
    assert completion.failed
    assert "APITimeoutError" in completion.finish_reason


def test_a_dead_server_is_a_value_with_its_reason():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = OpenAIEngine(f"http://127.0.0.1:{port}/v1", "tiny", retries=0)
    rows = engine.generate(["a", "b"], max_new_tokens=2)
    assert [c.prompt_index for [c] in rows] == [0, 1]
    assert all("APIConnectionError" in c.finish_reason for [c] in rows)


def test_choices_that_are_lacking_or_were_filtered_are_errors(server):
    filtered = {"index": 0, "text": "", "finish_reason": "content_filter", "logprobs": None}
    base = {"id": "1", "object": "text_completion", "model": "tiny", "created": 0}
    server.answers = [{**base, "choices": [filtered]}]
    [[first, second]] = engine_of(server).generate(["a"], max_new_tokens=2, n=2)
    assert "content_filter" in first.finish_reason
    assert "1 of 2" in second.finish_reason


def test_without_the_library_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without_openai(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "openai":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_openai)
    with pytest.raises(UserError, match=r"lit_research\[openai\]"):
        OpenAIEngine("http://127.0.0.1:1/v1", "tiny")


def test_a_job_writes_several_shards_at_once_within_one_limit_of_requests(server, tmp_path):
    prompts = [Prompt(chr(97 + number), id=str(number)) for number in range(12)]
    engine, sampling = engine_of(server, max_concurrency=2), Sampling(3, temperature=0.0)
    options = {"kind": "text", "shard_size": 4, "shards_at_once": 3}
    assert write_texts(engine, prompts, tmp_path / "texts", sampling, **options)
    assert server.most_in_hand <= 2
    rows = load_from_disk(str(tmp_path / "texts")).to_list()
    own = server.engine.generate([p.prompt for p in prompts], max_new_tokens=3, temperature=0.0)
    assert {row["id"]: row["text"] for row in rows} == {
        str(number): one.text for number, [one] in enumerate(own) if one.text
    }
    card = json.loads((tmp_path / "texts/card.json").read_text())
    assert (card["engine"], card["model"]) == ("OpenAIEngine", "tiny")
    assert str(server.server_port) not in json.dumps(card)  # another server goes on
