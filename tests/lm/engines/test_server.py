"""``OpenAIEngine`` against a real server on this machine, which samples from a tiny model."""

from __future__ import annotations

import builtins
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from datasets import load_from_disk

from lit_research.errors import UserError
from lit_research.generation import Prompt, write_texts
from lit_research.lm.engines import Completion, OpenAIEngine, Sampling, TransformersEngine
from lit_research.lm.engines.outage import Outages
from tests.generation.engines import Hashing
from tests.lm.engines.servers import Server, serving
from tests.lm.models import bytes_tokenizer, tiny_lm


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


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


def test_a_detail_is_part_of_the_reason(server):
    server.says, server.answers = {"detail": "no\nfield x"}, [422]
    [[completion]] = engine_of(server).generate(["a"], max_new_tokens=2)
    assert completion.finish_reason == (
        "error: UnprocessableEntityError: Error code: 422 - no field x"
    )


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


TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"


def chatting(**options: Any) -> TransformersEngine:
    tokenizer = bytes_tokenizer()
    tokenizer.chat_template = TEMPLATE
    return TransformersEngine(tiny_lm(), tokenizer, chat=True, **options)


def test_a_chat_is_that_of_the_model_behind_the_server():
    own = chatting(system="Be brief.")
    with serving(own) as server:
        engine = engine_of(server, chat=True, system="Be brief.", extra_body={"x": 1})
        options = {"max_new_tokens": 5, "temperature": 0.0, "top_k": 3}
        served = engine.generate(["hi", "ho"], **options)
    plain = TransformersEngine(tiny_lm(), bytes_tokenizer())
    rendered = [f"<system>Be brief.<user>{text}<assistant>" for text in ("hi", "ho")]
    expected = without_log_probs(plain.generate(rendered, **options))
    assert without_log_probs(own.generate(["hi", "ho"], **options)) == expected
    assert without_log_probs(served) == expected
    assert len(served[0][0].log_probs) == 5
    request = next(r for r in server.requests if r["messages"][-1]["content"] == "hi")
    assert request["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]
    assert "prompt" not in request
    assert engine.card()["chat"] == {"system": "Be brief."}
    assert own.card()["chat"] != chatting().card()["chat"]
    assert "chat" not in plain.card()


@pytest.mark.parametrize("make", [engine_of, lambda server, **options: chatting(**options)])
def test_a_chat_takes_texts_and_a_system_message_a_chat(server, make):
    engine = make(server, **({"chat": True} if make is engine_of else {}))
    with pytest.raises(UserError, match="a prompt is token ids and chat true"):
        engine.generate([[1, 2]], max_new_tokens=1)
    with pytest.raises(UserError, match="system is 'x' and chat false, of OpenAIEngine"):
        engine_of(server, system="x")
    assert not server.requests


def test_a_chat_without_text_is_a_failure(server):
    message = {"role": "assistant", "content": None, "refusal": "I\ncannot"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    server.answers = [{"id": "1", "object": "chat.completion", "choices": [choice]}]
    [[completion]] = engine_of(server, chat=True).generate(["a"], max_new_tokens=2)
    assert completion.finish_reason == "error: the server gave no text (I cannot)"


def test_a_server_that_ignores_n_is_asked_once_a_sample(server):
    server.ignores_n = True
    [row] = engine_of(server).generate(["a"], max_new_tokens=4, n=3)
    assert [c.failed for c in row] == [False, True, True]
    assert "1 of 3 completions; one that ignores n needs n_per_request 1" in row[2].finish_reason
    engine = engine_of(server, n_per_request=1)
    rows = engine.generate(["aa", "aa"], max_new_tokens=6, n=3, seed=1)
    assert rows == engine.generate(["aa", "aa"], max_new_tokens=6, n=3, seed=1)
    assert len({c.token_ids for row in rows for c in row}) == 6
    assert [[(c.prompt_index, c.sample) for c in row] for row in rows] == [
        [(index, sample) for sample in range(3)] for index in range(2)
    ]
    server.ignores_n, server.requests = False, []
    [row] = engine_of(server, n_per_request=2).generate(["a"], max_new_tokens=2, n=3)
    assert sorted(request["n"] for request in server.requests) == [1, 2]
    assert [c.sample for c in row] == [0, 1, 2]


def test_usage_is_counted_in_tokens(server):
    [[one]] = engine_of(server).generate(["abc"], max_new_tokens=4)
    assert (one.prompt_tokens, one.new_tokens) == (3, len(one.token_ids))
    server.hides_tokens = True
    [[one]] = engine_of(server).generate(["abc"], max_new_tokens=4)
    assert (one.prompt_tokens, one.token_ids, one.log_probs) == (3, (), ())
    assert one.new_tokens
    [[one, _]] = engine_of(server).generate(["abc"], max_new_tokens=4, n=2)
    assert (one.prompt_tokens, one.new_tokens) == (3, None)


def test_a_schema_reaches_the_server_and_the_card(server):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    engine = engine_of(server, json_schema=schema)
    engine.generate(["a"], max_new_tokens=1)
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == schema
    assert engine.card() == {**engine_of(server).card(), "json_schema": schema}


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"n_per_request": 0}, "n_per_request is 0, of OpenAIEngine; must be at least 1"),
        ({"down_s": -1.0}, "down_s is -1.0, of OpenAIEngine; must be at least 0"),
        ({"retries": -1}, "retries is -1, of OpenAIEngine; must be at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(option, says):
    with pytest.raises(UserError, match=says):
        OpenAIEngine("http://127.0.0.1:1/v1", "tiny", **option)


def test_a_server_that_names_a_pause_is_given_it(server):
    server.answers = [(429, {"Retry-After": "1"})]
    [[completion]] = engine_of(server, retries=1).generate(["a"], max_new_tokens=2)
    assert not completion.failed
    first, second = server.times
    assert second - first >= 1


def test_a_stream_yields_what_is_finished_and_stops_when_it_is_closed():
    with serving(Hashing()) as server:
        prompts = [str(number) for number in range(50)]
        stream = engine_of(server, max_concurrency=2).stream(prompts, Sampling(4, n=2))
        index, part = next(stream)
        assert [(c.prompt_index, c.sample, c.failed) for c in part] == [
            (index, 0, False),
            (index, 1, False),
        ]
        stream.close()
        assert len(server.requests) < 50


def test_no_more_is_under_way_than_the_caller_lost_if_it_died_now():
    with serving(Hashing()) as server:
        prompts = [str(number) for number in range(60)]
        engine = engine_of(server, max_concurrency=4)
        taken = 0
        for index, _ in engine.stream(prompts, Sampling(4)):
            time.sleep(0.01)  # all that were begun are answered meanwhile
            assert len(server.requests) <= taken + 4, index
            taken += 1
        assert taken == len(server.requests) == 60


def test_a_caller_may_ask_within_a_stream():
    with serving(Hashing()) as server:
        engine = engine_of(server, max_concurrency=2)
        for _ in engine.stream([str(number) for number in range(9)], Sampling(4)):
            [[completion]] = engine.generate(["a"], max_new_tokens=4)
            assert not completion.failed
        assert len(server.requests) == 18


def test_all_wait_for_a_server_that_died_and_go_on_when_it_is_back(caplog):
    caplog.set_level(logging.INFO, "lit_research")
    prompts = [str(number) for number in range(60)]
    with serving(Hashing()) as server:
        port = server.server_port
        engine = engine_of(server, max_concurrency=4, retries=1)
        stream = engine.stream(prompts, Sampling(4))
        done = [next(stream) for _ in range(3)]
    back: list[Server] = []
    again = serving(Hashing(), port)
    timer = threading.Timer(1.5, lambda: back.append(again.__enter__()))
    timer.start()
    done += stream
    timer.join()
    again.__exit__(None, None, None)
    assert sorted(index for index, _ in done) == list(range(60))
    assert not any(completion.failed for _, [completion] in done)
    # None that was answered is asked for again.
    assert len(server.requests) + len(back[0].requests) <= 60 + 4
    waiting = [r.getMessage() for r in caplog.records if "is down" in r.getMessage()]
    assert "waiting for it, 600 s more at most" in waiting[0]
    assert len(waiting) < 10
    assert sum("is back" in r.getMessage() for r in caplog.records) == 1


def test_the_rest_fails_at_once_with_the_reason_if_the_server_does_not_come_back(caplog):
    caplog.set_level(logging.INFO, "lit_research")
    with serving(Hashing()) as server:
        pass
    engine = engine_of(server, max_concurrency=4, retries=1, down_s=0.2)
    rows = engine.generate([str(number) for number in range(400)], max_new_tokens=2)
    reasons = {completion.finish_reason for [completion] in rows}
    assert reasons == {"error: APIConnectionError: Connection error. (no answer for 0.2 s)"}
    assert sum("is down" in r.getMessage() for r in caplog.records) == 1


def test_a_request_that_meets_every_outage_fails_in_the_end():
    outages, met = Outages(60.0, "the server"), []

    def request() -> None:
        met.append(1)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        outages.ask(
            request,
            is_down=lambda error, stalled: True,
            is_up=lambda: True,
            repeats=1,
            stopped=threading.Event(),
        )
    assert len(met) == 2


def test_a_busy_server_costs_time_and_no_retries(server):
    server.answers = [(429, {"Retry-After": "0.01"})] * 20
    [[completion]] = engine_of(server, retries=1).generate(["a"], max_new_tokens=2)
    assert not completion.failed
    assert len(server.requests) == 21


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        ((429, {"Retry-After": "500"}), {"down_s": 10.0}),  # longer than it may take
        ((429, {"Retry-After": "0.01"}), {"down_s": 0.0}),
        ((429, {"Retry-After": "0.01"}), {"retries": 0}),
    ],
)
def test_a_busy_server_is_given_up_in_the_end(server, answer, options):
    server.answers = [answer] * 9
    [[completion]] = engine_of(server, **{"retries": 1, **options}).generate(
        ["a"], max_new_tokens=2
    )
    assert completion.finish_reason.startswith("error: RateLimitError")
    assert len(server.requests) <= 2


def test_503_is_an_outage_and_500_is_not(server):
    server.answers = [503] * 2
    [[completion]] = engine_of(server, retries=1).generate(["a"], max_new_tokens=2)
    assert not completion.failed
    server.answers, server.requests = [500] * 2, []
    [[completion]] = engine_of(server, retries=1).generate(["a"], max_new_tokens=2)
    assert "500" in completion.finish_reason
    assert len(server.requests) == 2


def test_waiting_ends_when_the_call_is_stopped():
    stopped = threading.Event()

    def request() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        Outages(60.0, "the server").ask(
            request,
            is_down=lambda error, stalled: True,
            is_up=lambda: bool(stopped.set()),
            repeats=9,
            stopped=stopped,
        )
