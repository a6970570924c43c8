"""An engine with a store: nothing that was answered is asked for again, whatever happens."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.lm.engines import (
    Completion,
    Engine,
    OpenAIEngine,
    Sampling,
    StoredEngine,
    TransformersEngine,
)
from lit_research.lm.store import AnswerStore
from tests.generation.engines import Hashing
from tests.helpers import forks
from tests.lm.engines.client import AT_ONCE, COUNT, client
from tests.lm.engines.servers import Server, serving
from tests.lm.models import bytes_tokenizer, tiny_lm


class Counting(Engine):
    """Writes the prompt with a number of its own; fails or is cut where the prompt says so."""

    thread_safe = True

    def __init__(self, name: str = "counting") -> None:
        self.name, self.asked, self.seeds = name, [], []
        self.lock = threading.Lock()
        self.cured = False

    def card(self) -> dict[str, Any]:
        return {"name": self.name}

    def complete(self, prompts, sampling):
        return [
            [self._one(prompt, index, sampling) for _ in range(sampling.n)]
            for index, prompt in enumerate(prompts)
        ]

    def _one(self, prompt, index, sampling):
        with self.lock:
            self.asked.append(prompt)
            self.seeds.append(sampling.seed[index])
            text = f"{prompt} {len(self.asked)} é\ud800"
        place = {"weight_version": self.weight_version, "prompt_index": index}
        if "fail" in prompt and not self.cured:
            return Completion.failure("no luck", **place)
        reason = "length" if "long" in prompt and not self.cured else "stop"
        return Completion(text, (1, 2), (-0.1, -1 / 3), reason, **place, new_tokens=2)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "folder/answers.sqlite")


OPTIONS: dict[str, Any] = {"max_new_tokens": 8, "n": 2, "seed": 3}


def test_a_second_run_asks_for_nothing_and_gets_the_same(file):
    engine = Counting()
    first = StoredEngine(engine, file).generate(["a", "b"], **OPTIONS)
    assert [[(c.prompt_index, c.sample) for c in row] for row in first] == [
        [(0, 0), (0, 1)],
        [(1, 0), (1, 1)],
    ]
    assert StoredEngine(engine, file).generate(["a", "b"], **OPTIONS) == first
    other = Counting()
    assert StoredEngine(other, file, again="never").generate(["a", "b"], **OPTIONS) == first
    assert (len(engine.asked), other.asked) == (4, [])


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"max_new_tokens": 9},
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"top_k": 5},
        {"stop": ["x"]},
    ],
)
def test_another_sampling_is_another_answer(file, change):
    engine = StoredEngine(Counting(), file)
    first = engine.generate(["a"], **OPTIONS)
    assert engine.generate(["a"], **OPTIONS | change) != first
    assert engine.generate(["a"], **OPTIONS, temperature=1, top_p=1) == first


def test_other_weights_another_engine_and_other_prompts_are_other_answers(file):
    engine = StoredEngine(Counting(), file)
    first = engine.generate(["a"], **OPTIONS)
    assert StoredEngine(Counting("other"), file).generate(["a", "a"], **OPTIONS)[1:] != first
    engine.weight_version = 5
    [[second, _]] = engine.generate(["a"], **OPTIONS)
    assert (engine.engine.weight_version, second.weight_version) == (5, 5)
    engine.weight_version = 0
    assert engine.generate(["a"], **OPTIONS) == first
    assert engine.card() == Counting().card()
    assert len({c.text for row in engine.generate(["a", "b", "a"], **OPTIONS) for c in row}) == 6


def test_a_prompt_with_its_own_seed_has_its_answer_wherever_it_stands(file):
    engine = StoredEngine(Counting(), file)
    first = engine.generate(["a", "b"], max_new_tokens=8, seed=[1, 2])
    [_, [again]] = engine.generate(["c", "b"], max_new_tokens=8, seed=[9, 2])
    assert again == first[1][0]
    [[again]] = engine.generate(["b"], max_new_tokens=8, seed=[2])
    assert again == replace(first[1][0], prompt_index=0)


def test_more_samples_are_asked_for_with_seeds_of_their_own(file):
    counting = Counting()
    engine = StoredEngine(counting, file)
    [first] = engine.generate(["a"], **OPTIONS)
    [more] = engine.generate(["a"], **OPTIONS | {"n": 4})
    assert (more[:2], len(counting.asked), len(set(counting.seeds))) == (first, 4, 3)
    assert [c.sample for c in more] == [0, 1, 2, 3]
    assert engine.generate(["a"], **OPTIONS | {"n": 4}) == [more]


def test_a_failure_is_not_kept(file):
    counting = Counting()
    engine = StoredEngine(counting, file)
    [[failed, _], [good, _]] = engine.generate(["fail", "b"], **OPTIONS)
    assert (failed.failed, good.failed) == (True, False)
    counting.cured = True
    [[cured, _], [same, _]] = engine.generate(["fail", "b"], **OPTIONS)
    assert (cured.failed, same) == (False, good)
    assert len(counting.asked) == 6


def test_a_truncated_answer_is_asked_for_again_or_never(file):
    counting = Counting()
    first = StoredEngine(counting, file).generate(["long", "b"], **OPTIONS)
    never = StoredEngine(counting, file, again="never")
    assert never.generate(["long", "b"], **OPTIONS) == first
    assert len(counting.asked) == 4
    engine = StoredEngine(counting, file)
    second = engine.generate(["long", "b"], **OPTIONS)
    assert second[0] != first[0]
    assert second[1] == first[1]
    assert counting.asked[4:] == ["long"] * 2
    counting.cured = True
    third = engine.generate(["long", "b"], **OPTIONS)
    # Each time another seed, since the same one may well be cut again.
    assert len(set(counting.seeds)) == 2 + 2 + 2
    assert [c.finish_reason for c in third[0]] == ["stop"] * 2
    assert engine.generate(["long", "b"], **OPTIONS) == third
    assert len(counting.asked) == 8


def test_a_whole_answer_stays_when_another_one_comes_late(file):
    store = AnswerStore(file)
    store.keep("k", {"text": "first"})
    store.keep("k", {"text": "second"}, truncated=True)
    assert store.find(["k", "l"])["k"].content == {"text": "first"}
    for number in range(1200):
        store.keep(str(number), {})
    assert len(AnswerStore(file).find([str(number) for number in range(1200)])) == 1200


def test_the_texts_are_those_of_the_engine_given_a_seed_for_each_prompt(file):
    own = TransformersEngine(tiny_lm(), bytes_tokenizer(), batch_size=2)
    prompts, options = ["a", [5, 6, 7], "bcd"], {"max_new_tokens": 4, "n": 2, "seed": [1, 2, 3]}
    prompts = [bytes_tokenizer().encode(p) if isinstance(p, str) else p for p in prompts]
    expected = own.generate(prompts, **options)
    engine = StoredEngine(own, file, again="never")
    stream = engine.stream(prompts, Sampling(**options))
    kept = [next(stream)[1][0] for _ in range(2)]
    stream.close()
    found = [row[0] for row in sqlite3.connect(file).execute("SELECT key FROM answers")]
    assert len(found) == 2  # of the batch that was finished
    assert kept[0] in expected[kept[0].prompt_index]
    assert engine.tokenizer is own.tokenizer
    rows = engine.generate(prompts, **options)
    assert kept[0] in rows[kept[0].prompt_index]
    assert engine.generate(prompts, **options) == rows
    whole = StoredEngine(own, f"{file}.2").generate(prompts, **options)
    assert whole == expected


def test_threads_keep_their_answers_in_one_file(file):
    counting = Counting()
    engine = StoredEngine(counting, file)
    assert engine.thread_safe
    prompts = [[f"{thread} {number}" for number in range(10)] for thread in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda of: engine.generate(of, **OPTIONS), prompts))
        assert list(pool.map(lambda of: engine.generate(of, **OPTIONS), prompts)) == found
    assert len(counting.asked) == 80


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no database at all, but some text" * 40, "file is not a database"),
        ("CREATE TABLE answers (key TEXT)", "no such column: content"),
        (None, "unable to open database file"),
    ],
)
def test_a_file_that_is_no_store_is_refused_in_one_line(tmp_path, content, says):
    path = tmp_path / "answers.sqlite"
    if content is None:
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with sqlite3.connect(path) as database:
            database.execute(content)
    with pytest.raises(UserError, match=f"cannot read or write the store .*: {says}") as caught:
        StoredEngine(Counting(), str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_was_damaged_is_refused_in_one_line(file):
    engine = StoredEngine(Counting(), file)
    engine.generate([str(number) for number in range(300)], **OPTIONS)
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    del engine, database
    data = bytearray(Path(file).read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    Path(file).write_bytes(data)
    with pytest.raises(UserError, match="cannot read or write the store"):
        StoredEngine(Counting(), file).generate(["1", "2"], **OPTIONS)


def test_options_are_checked(file):
    with pytest.raises(UserError, match="again is 'always', of StoredEngine; must be truncated or"):
        StoredEngine(Counting(), file, again="always")  # type: ignore[arg-type]


def test_a_config_names_it_and_the_engine_in_it_by_class_path(file):
    server = {"class_path": "OpenAIEngine", "init_args": {"base_url": "http://x", "model": "m"}}
    init_args = {"engine": server, "path": file, "again": "never"}
    engine = make_object(
        Engine, {"class_path": "lit_research.lm.engines.StoredEngine", "init_args": init_args}
    )
    assert isinstance(engine, StoredEngine)
    assert isinstance(engine.engine, OpenAIEngine)
    assert engine.again == "never"


def slow(server: Server) -> None:
    """Let the answers take a moment, so that a kill comes between them."""
    complete = server.complete

    def late(body: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.01)
        return complete(body)

    server.complete = late  # type: ignore[method-assign]


def test_a_kill_costs_at_most_the_requests_that_were_under_way(file):
    kills = (1, 25, 50, 75)
    with serving(Hashing()) as server:
        slow(server)
        for count in kills:
            process = forks().Process(target=client, args=(server.url, file))
            process.start()
            while len(server.requests) < count and process.is_alive():
                time.sleep(0.002)
            process.kill()
            process.join()
            assert process.exitcode == -9
        client(server.url, file)
        total = len(server.requests)
        assert 2 * COUNT <= total <= 2 * COUNT + len(kills) * AT_ONCE
        client(server.url, file)
        assert len(server.requests) == total
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (2 * COUNT,)
