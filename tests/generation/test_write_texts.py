"""Jobs end with the same folder, however they are cut, shared out and interrupted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
from datasets import load_from_disk
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler

from lit_research.errors import UserError
from lit_research.generation import OWN_COLUMNS, Prompt, TextJob, shard_loader, write_texts
from lit_research.lm.engines import Sampling, TransformersEngine
from lit_research.text import load_documents
from tests.generation.engines import Hashing
from tests.lm.models import bytes_tokenizer, tiny_lm

SAMPLING = Sampling(8, n=2, seed=5)
PROMPTS = [
    Prompt(f"Q{number}:", id=f"q{number}", columns={"answer": number or None, "tags": [number]})
    for number in range(7)
]


def run(folder, engine=None, prompts=PROMPTS, sampling=SAMPLING, **options):
    given = {"kind": "answer", "shard_size": 2, **options}
    return write_texts(engine or Hashing(), prompts, folder, sampling, **given)


def rows(folder):
    return load_from_disk(str(folder)).to_list()


def card(folder):
    return json.loads((folder / "card.json").read_text())


def refusing(text):
    return "it says so" if text == "I cannot" else None


def another(text):
    return None


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "answers"
    assert run(folder)
    return rows(folder)


@pytest.fixture(scope="module")
def engine():
    return TransformersEngine(tiny_lm(), bytes_tokenizer())


def test_rows_say_what_they_are_and_the_card_what_made_them(tmp_path, engine):
    assert run(tmp_path / "answers", engine)
    found = rows(tmp_path / "answers")
    assert [*found[0]] == [*OWN_COLUMNS, "answer", "tags"]
    assert [row["id"] for row in found[:3]] == ["q0-0", "q0-1", "q1-0"]
    assert [row["source_id"] for row in found[:3]] == ["q0", "q0", "q1"]
    assert [row["answer"] for row in found[:3]] == [None, None, 1]
    assert found[2]["tags"] == [1]
    # A row can be written again from its own seed.
    again = engine.generate(["Q1:"], max_new_tokens=8, n=2, seed=[found[2]["seed"]])
    assert [c.text for c in again[0]] == [row["text"] for row in found[2:4]]
    made = card(tmp_path / "answers")
    assert made["sampling"]["seed"] == 5
    assert made["tokens"] == sum(row["tokens"] for row in found)
    assert made["documents"] + made["empty"] == sum(made["finish_reasons"].values()) == 14
    assert made["rejected"] == {}
    documents = load_documents(str(tmp_path / "answers"), cache_dir=str(tmp_path / "cache"))
    assert documents["text"][:] == [row["text"] for row in found]


def test_a_text_of_a_model_does_not_depend_on_the_shards(tmp_path, engine):
    for size in (3, 7):
        assert run(tmp_path / str(size), engine, shard_size=size)
    assert rows(tmp_path / "3") == rows(tmp_path / "7")


@pytest.mark.parametrize("at_once", [1, 2])
def test_an_interrupted_job_resumes_and_loses_the_shards_in_hand_alone(tmp_path, whole, at_once):
    options = {"shards_at_once": at_once}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "answers", Hashing(stop_at=2), **options)
    assert not (tmp_path / "answers").exists()
    written = len([*(tmp_path / "answers.shards").glob("*.arrow")])
    assert 2 <= written <= 3
    engine = Hashing()
    assert run(tmp_path / "answers", engine, **options)
    assert engine.calls == 4 - written
    assert rows(tmp_path / "answers") == whole
    assert run(tmp_path / "answers", engine)  # complete: nothing is written again
    assert engine.calls == 4 - written


@settings(max_examples=15, deadline=None)
@given(
    shard_size=st.integers(1, 8),
    worlds=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stop_at=st.none() | st.integers(0, 3),
    last=st.integers(0, 3),
)
def test_any_number_of_processes_writes_the_same_rows(
    tmp_path_factory, whole, shard_size, worlds, stop_at, last
):
    folder = tmp_path_factory.mktemp("any") / "answers"
    first, second = worlds
    try:  # One process of the first team, perhaps interrupted; then the second team does the rest.
        place = {"rank": last % first, "world_size": first}
        run(folder, Hashing(stop_at=stop_at), shard_size=shard_size, **place)
    except KeyboardInterrupt:
        pass
    order = [(rank + last) % second for rank in range(second)]
    done = [run(folder, shard_size=shard_size, rank=r, world_size=second) for r in order]
    assert done[-1]  # the last process finds all shards, whichever it is
    assert rows(folder) == whole


def test_failures_refusals_and_silence_are_counted_and_are_no_empty_texts(tmp_path):
    names = ["a", "fail 1", "silent", "refuse", "b", "fail 22"]
    prompts = [Prompt(name, id=name, columns={"place": k}) for k, name in enumerate(names)]
    options = {"prompts": prompts, "sampling": replace(SAMPLING, n=1), "max_failed": 0.5}
    assert run(tmp_path / "answers", refuse=refusing, **options)
    assert [row["id"] for row in rows(tmp_path / "answers")] == ["a", "b"]
    made = card(tmp_path / "answers")
    assert made["finish_reasons"] == {"length": 1, "stop": 2}
    assert made["empty"] == 1
    assert made["rejected"] == {"error: fail # after # tries": 2, "refused: it says so": 1}
    lines = (tmp_path / "answers.rejected.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [(row["id"], row["text"], row["place"]) for row in found] == [
        ("fail 1", None, 1),
        ("refuse", "I cannot", 3),
        ("fail 22", None, 5),
    ]


def test_a_server_that_is_down_stops_the_job_which_then_resumes(tmp_path, whole):
    engine = Hashing()
    engine.down = True
    with pytest.raises(
        UserError, match=r"4 of 4 texts of a shard were not written.*0\.1.*after 3 tries"
    ):
        run(tmp_path / "answers", engine)
    assert engine.calls == 1
    engine.down = False
    assert run(tmp_path / "answers", engine)
    assert rows(tmp_path / "answers") == whole


def test_a_job_without_one_text_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"none of 2 texts is usable \(2x empty\), in"):
        run(tmp_path / "answers", prompts=[Prompt("silent", id="a")])


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"sampling": replace(SAMPLING, seed=6)}, "sampling"),
        ({"sampling": replace(SAMPLING, stop=("x",))}, "sampling"),
        (
            {"prompts": [replace(PROMPTS[0], columns={"answer": 9, "tags": []}), *PROMPTS[1:]]},
            "hash",
        ),
        ({"prompts": PROMPTS[:6]}, "prompts"),
        ({"shard_size": 3}, "shard_size"),
        ({"engine": Hashing("other")}, "engine"),
        ({"kind": "other"}, "kind"),
        ({"refuse": another}, "refuse"),
        ({"card": {"template": "other"}}, "template"),
        ({"card": {}}, "template"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_another_job_in_the_folder_is_refused(tmp_path, change, name, finished):
    base = {"card": {"template": "plain"}, "refuse": refusing}
    if finished:
        run(tmp_path / "answers", **base)
        shutil.rmtree(tmp_path / "answers.shards")
    else:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "answers", Hashing(stop_at=1), **base)
    with pytest.raises(UserError, match=f"another .*{name}.* was started, in .*; give"):
        run(tmp_path / "answers", **{**base, **change})


def test_other_weights_are_another_job(tmp_path, engine):
    other = tiny_lm()
    other.get_output_embeddings().weight.data.mul_(2)
    assert engine.card() == TransformersEngine(tiny_lm(), bytes_tokenizer()).card()
    assert engine.card() != TransformersEngine(other, bytes_tokenizer()).card()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompts": []}, "no prompts"),
        ({"prompts": [PROMPTS[0], PROMPTS[0]]}, "two prompts have the id 'q0'"),
        ({"prompts": [PROMPTS[0], Prompt("a", id="a")]}, "columns"),
        ({"prompts": [Prompt("a", id="a", columns={"seed": 1})]}, "column 'seed'"),
        ({"prompts": [Prompt("a", id="a"), Prompt([1], id="b")]}, "texts and token ids"),
        ({"shard_size": 0}, "shard_size is 0"),
        ({"rank": 2, "world_size": 2}, "rank is 2"),
        ({"sampling": replace(SAMPLING, seed=[1, 2])}, "seed is a list"),
        ({"max_failed": 1.5}, "max_failed is 1.5"),
        ({"refuse": lambda text: None}, "must be a function"),
        ({"card": {"tokens": 3}}, "card has 'tokens'"),
        ({"card": {"sampling": 3}}, "card has 'sampling'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_mistakes_are_refused_before_anything_is_written(tmp_path, change, message):
    engine = Hashing()
    with pytest.raises(UserError, match=message):
        run(tmp_path / "answers", engine, **change)
    assert engine.calls == 0
    assert not [*tmp_path.rglob("*.arrow")]


def test_a_terminal_shows_a_bar_of_all_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "answers", Hashing(stop_at=1))
    run(tmp_path / "answers")
    shown = capsys.readouterr().err
    assert "4/14" in shown
    assert "14/14" in shown


def test_a_model_of_this_process_writes_one_shard_at_a_time(tmp_path, engine):
    with pytest.raises(UserError, match="TransformersEngine writes one at a time"):
        run(tmp_path / "answers", engine, shards_at_once=2)


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_the_predict_loop_shares_out_the_shards(world):
    found = []
    for rank in range(world):
        place = SimpleNamespace(global_rank=rank, world_size=world)
        loader = shard_loader(5, place, lambda shard: {"twice": 2 * shard})
        assert isinstance(loader.sampler, DistributedSampler)  # else Lightning would share again
        batches = list(loader)
        assert [b["shard"] for b in batches] == (list(range(5))[rank::world] or [0])
        found += [b["twice"] for b in batches]
    assert sorted({*found}) == [0, 2, 4, 6, 8]
    assert len(found) == max(5, world)


def test_a_job_of_a_callers_own_may_have_one_seed_a_shard(tmp_path):
    job = TextJob(tmp_path / "texts", {"made": "here"}, kind="text", where="the option")
    [row] = job.write(0, Hashing(), PROMPTS[:1], replace(SAMPLING, n=1, seed=-1))
    assert (row["id"], row["seed"]) == ("q0", 2**64 - 1)
    assert not job.finish(2)  # the other shard is missing
    job.write(1, Hashing(), PROMPTS[1:2], SAMPLING)
    assert job.finish(2)
    assert [row["id"] for row in rows(tmp_path / "texts")] == ["q0", "q1-0", "q1-1"]
    with pytest.raises(UserError, match="give another the option"):
        TextJob(tmp_path / "texts", {"made": "there"}, kind="text", where="the option")


def test_a_review_refuses_rows_in_the_light_of_all_and_measures_identify_no_job(tmp_path):
    def job():
        return TextJob(tmp_path / "answers", {"what": "x"}, kind="answer")

    for shard, names in enumerate((["a", "fail"], ["b", "silent"])):
        prompts = [Prompt(name, id=name) for name in names]
        TextJob(tmp_path / "answers", {"what": "x"}, kind="answer", max_failed=0.5).write(
            shard, Hashing(), prompts, Sampling(8, seed=[1, 2])
        )
    assert job().rows([1])["id"] == ["b", "silent"]
    reasons = [None, "unheard", "like another", None]
    assert job().finish(2, review=lambda rows: reasons, measured={"seconds": 1.5})
    found = card(tmp_path / "answers")
    assert [row["id"] for row in rows(tmp_path / "answers")] == ["a"]
    failed, refused = found["rejected"].items()
    assert failed[0].startswith("error: fail")
    assert refused == ("refused: like another", 1)
    assert found["measured"] == {"seconds": 1.5}
    assert job().finish(2, measured={"seconds": 2.5})
    assert card(tmp_path / "answers")["measured"] == {"seconds": 1.5}
