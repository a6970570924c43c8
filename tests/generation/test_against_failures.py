"""A whole job against a server that dies, stalls and is busy, and one whose client is killed."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from datasets import load_from_disk

from lit_research.errors import UserError
from lit_research.generation import write_texts
from tests.generation.client import AT_ONCE, N, engine_of, prompts, write
from tests.helpers import forks
from tests.lm.engines.counting import counting, events

DOCUMENTS = 500
LIVES = (
    {"die_at": 300},
    {"die_at": 500},
    {"stall_at": 400, "stall_s": 3.0, "busy_at": 900, "busy_s": 1.5},
)


def refused(text: str) -> str | None:
    """A reader of the texts that came after them."""
    return "it is one of the first" if text.startswith("document 1 ") else None


def rows(folder: Path) -> list[dict[str, Any]]:
    return load_from_disk(str(folder)).to_list()


@pytest.fixture(scope="module")
def recovered(tmp_path_factory) -> Any:
    """Give the folder and the server's log of a job that met all failures, and the server."""
    folder = tmp_path_factory.mktemp("job")
    log = folder / "log"
    with counting(log, *LIVES) as url:
        assert write(url, folder, DOCUMENTS, at_once=32)
        yield folder, log, url


def test_all_documents_are_answered_once_the_server_is_back(recovered):
    folder, log, _ = recovered
    written = rows(folder / "texts")
    assert len(written) == DOCUMENTS * N
    assert {row["finish_reason"] for row in written} == {"stop"}
    assert {row["id"] for row in written} == {
        f"d{number}-{sample}" for number in range(DOCUMENTS) for sample in range(N)
    }
    # Each text is that of its own prompt and seed.
    assert all(row["text"].startswith(f"document {row['source_id'][1:]} ") for row in written)
    assert len({row["text"] for row in written}) == DOCUMENTS * N
    assert not (folder / "texts.rejected.jsonl").exists()
    asked = Counter(name for what, name in events(log) if what == "asked")
    assert len(asked) == DOCUMENTS * N
    assert asked.total() > DOCUMENTS * N  # it did fail


def test_nothing_is_asked_for_again_once_it_is_answered(recovered):
    _, log, _ = recovered
    answered: set[str] = set()
    for what, name in events(log):
        assert name not in answered
        if what == "answered":
            answered.add(name)
    assert len(answered) == DOCUMENTS * N


def test_a_new_reader_of_the_texts_asks_for_nothing(recovered):
    folder, log, url = recovered
    before = len(events(log))
    engine = engine_of(url, folder, at_once=32)
    options = {"kind": "text", "shard_size": 100, "refuse": refused}
    sampling = prompts(DOCUMENTS)[1]
    assert write_texts(engine, prompts(DOCUMENTS)[0], folder / "other", sampling, **options)
    assert len(events(log)) == before
    assert len(rows(folder / "other")) == (DOCUMENTS - 1) * N
    lines = (folder / "other.rejected.jsonl").read_text().splitlines()
    assert len(lines) == N
    assert all("refused: it is one of the first" in line for line in lines)


def test_a_server_that_stays_away_is_named_and_the_same_command_asks_for_the_rest(tmp_path):
    log = tmp_path / "log"
    with counting(log, {"die_at": 50}) as url, pytest.raises(UserError) as caught:
        write(url, tmp_path, 40, at_once=4, down_s=0.2)
    assert "Connection error. (no answer for 0.2 s)" in str(caught.value)
    first = Counter(name for what, name in events(log) if what == "answered")
    assert len(first) > 40
    with counting(log) as url:
        assert write(url, tmp_path, 40, at_once=4)
    again = [name for what, name in events(log) if what == "answered"]
    assert len(again) == len({*again}) == 40 * N
    assert len(rows(tmp_path / "texts")) == 40 * N


def test_ten_kills_of_the_client_cost_at_most_the_requests_under_way(tmp_path):
    log, documents, kills = tmp_path / "log", 100, 10
    with counting(log) as url:
        for kill in range(kills):
            # At another place in the shards each time: in their middle, and as they are written.
            goal = 1 + kill * documents * N // kills
            process = forks().Process(target=write, args=(url, tmp_path, documents))
            process.start()
            while log.read_bytes().count(b"asked") < goal and process.is_alive():
                time.sleep(0.002)
            process.kill()
            process.join()
            assert process.exitcode == -9
        assert write(url, tmp_path, documents)
    asked = [name for what, name in events(log) if what == "asked"]
    assert {name.partition("|")[0] for name in asked} == {p.prompt for p in prompts(documents)[0]}
    assert len(asked) <= documents * N + kills * AT_ONCE
    assert len(rows(tmp_path / "texts")) == documents * N
