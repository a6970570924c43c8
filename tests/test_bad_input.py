"""Every mistake of a user is one line with what, where and what would be right, and exit code 2."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from lit_research import cli
from lit_research.cli_errors import user_error
from tests.helpers import tiny, write_tiny

LM, DATA, MODEL = "model.init_args.lm", "data.init_args", "model.init_args"
ADAM = {"class_path": "torch.optim.AdamW"}


def run(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, *args: str) -> str:
    """Run the command; return the one line of its error."""
    monkeypatch.setattr(sys, "argv", ["lit-research", *args])
    with pytest.raises(SystemExit) as stop:
        cli.command()
    error = capsys.readouterr().err
    assert stop.value.code == 2, error
    assert "Traceback" not in error
    lines = [line for line in error.splitlines() if line.startswith("lit-research: error: ")]
    assert len(lines) == 1, error
    return lines[0]


# name: (changes of the tiny config, words that the line must hold)
CONFIGS = {
    "unknown top-level key": ({"trainr.max_steps": 3}, ["trainr", "did you mean trainer"]),
    "unknown trainer key": (
        {"trainer.max_stepz": 3},
        ["max_stepz", "did you mean trainer.max_steps"],
    ),
    "wrong type for steps": ({"trainer.max_steps": "many"}, ["trainer.max_steps", "int", "many"]),
    "unknown callback": (
        {"trainer.callbacks": [{"class_path": "ScalingLawFitt"}]},
        ["trainer.callbacks", "ScalingLawFitt", "did you mean ScalingLawFit"],
    ),
    "unknown argument of a callback": (
        {"trainer.callbacks": [{"class_path": "Samples", "init_args": {"promts": ["a"]}}]},
        ["promts", "did you mean prompts"],
    ),
    "unknown argument of the logger": (
        {"trainer.logger.init_args.save_dirr": "x"},
        ["trainer.logger", "save_dirr", "did you mean save_dir"],
    ),
    "lm is not a mapping": ({LM: 3}, ["lm", "dict", "3"]),
    "unknown argument of the optimiser": (
        {f"{MODEL}.optimizer": {**ADAM, "init_args": {"lrr": 0.1}}},
        ["optimizer", "lrr"],
    ),
    "wrong type in the optimiser": (
        {f"{MODEL}.optimizer": {**ADAM, "init_args": {"lr": "fast"}}},
        ["optimizer", "lr", "float", "fast"],
    ),
    "unknown optimiser": (
        {f"{MODEL}.optimizer": {"class_path": "torch.optim.AdamWW"}},
        ["AdamWW", "did you mean AdamW"],
    ),
    "negative learning rate": (
        {f"{MODEL}.optimizer": {**ADAM, "init_args": {"lr": -1.0}}},
        ["learning rate", "-1.0"],
    ),
    "unknown argument of the model": ({f"{MODEL}.z_los": 0.1}, ["z_los", "did you mean z_loss"]),
    "unknown schedule": ({f"{MODEL}.schedule": "cosin"}, ["schedule", "cosin", "cosine"]),
    "warm-up beyond the run": ({f"{MODEL}.warmup": 1.5}, ["warmup", "1.5"]),
    "negative z-loss": ({f"{MODEL}.z_loss": -1.0}, ["z_loss", "-1.0"]),
    "unknown model class": (
        {"model.class_path": "Pretrian"},
        ["Pretrian", "did you mean Pretrain"],
    ),
    "unknown module": ({"model.class_path": "nowhere.Model"}, ["nowhere", "import path"]),
    "unknown data class": ({"data.class_path": "Korpus"}, ["Korpus", "Corpus"]),
    "data class as model": ({"model.class_path": "Corpus", MODEL: {}}, ["model", "Corpus"]),
    "seed is no number": ({"seed_everything": "x"}, ["seed_everything", "x"]),
    "unknown reference": ({"trainer.max_steps": "${nowhere.x}"}, ["nowhere"]),
    "unknown field of the lm": ({f"{LM}.hiden_size": 3}, ["hiden_size", "hidden_size"]),
    "unknown model type": ({f"{LM}.model_type": "lama"}, ["lama", "llama"]),
    "width not divisible by heads": ({f"{LM}.num_attention_heads": 3}, ["16", "3"]),
    "lm folder missing": ({LM: {"folder": "/nowhere/model"}}, ["/nowhere/model"]),
    "flash attention not here": ({f"{MODEL}.attention": "flash"}, ["flash"]),
    "sequence beyond the model": ({f"{DATA}.sequence_length": 64}, ["sequence_length", "64", "32"]),
    "batch of none": ({f"{DATA}.batch_size": 0}, ["batch_size", "0"]),
    "corpus smaller than a batch": ({f"{DATA}.max_train_tokens": 70}, ["batch", "too few"]),
    "unknown tokenizer": ({f"{DATA}.tokenizer": "bpe"}, ["bpe"]),
    "unknown part of the embedded corpus": (
        {f"{DATA}.source": "embedded:poems"},
        ["poems", "topics"],
    ),
    "missing corpus": ({f"{DATA}.source": "/nowhere/text.jsonl"}, ["/nowhere/text.jsonl"]),
    "a run without an end": ({"trainer.max_steps": -1, "trainer.max_epochs": -1}, ["max_steps"]),
    "unknown law": (
        {"trainer.callbacks": [{"class_path": "ScalingLawFit", "init_args": {"law": "Powr"}}]},
        ["Powr", "power"],
    ),
    "law of a metric that nobody logs": (
        {"trainer.callbacks": [{"class_path": "ScalingLawFit", "init_args": {"y": "val/los"}}]},
        ["val/los", "val/loss"],
    ),
    "missing checkpoint": ({"ckpt_path": "/nowhere/last.ckpt"}, ["/nowhere/last.ckpt"]),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_bad_config_is_one_line(name, tmp_path, capsys, monkeypatch):
    changes, words = CONFIGS[name]
    config = write_tiny(tmp_path, changes)
    line = run(capsys, monkeypatch, "fit", "--config", str(config))
    assert all(word in line for word in words), line


FILES = {
    "empty file": ("", ["empty"]),
    "missing column": ('{"txt": "a"}\n', ["text", "txt"]),
    "text is a number": ('{"text": 3}\n', ["text"]),
    "broken line": ('{"text": "a"}\n{"text": \n', ["text.jsonl"]),
    "only empty documents": ('{"text": ""}\n{"text": ""}\n', ["empty"]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_data_file_is_one_line(name, tmp_path, capsys, monkeypatch):
    content, words = FILES[name]
    (tmp_path / "text.jsonl").write_text(content)
    config = write_tiny(tmp_path, {f"{DATA}.source": str(tmp_path / "text.jsonl")})
    line = run(capsys, monkeypatch, "fit", "--config", str(config))
    assert all(word in line for word in words), line


ROWS = "".join(json.dumps({"text": f"some text {n} " * 20}) + "\n" for n in range(60))
# What a data module or the system refuses, and not the parser: (changes, words of the line).
CAUSES = {
    "lone surrogate": ({f"{DATA}.source": "FOLDER/half.jsonl"}, ["half.jsonl, line 61", "\\ud800"]),
    "cache below a file": (
        {f"{DATA}.source": "FOLDER/rows.jsonl", f"{DATA}.cache_dir": "FOLDER/rows.jsonl/cache"},
        ["rows.jsonl/cache", "cannot write", "cache_dir"],
    ),
    "runs below a file": (
        {"trainer.logger.init_args.save_dir": "FOLDER/rows.jsonl/runs"},
        ["rows.jsonl/runs", "cannot read or write", "save_dir"],
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_below_the_command_is_one_line(name, tmp_path, capsys, monkeypatch):
    (tmp_path / "rows.jsonl").write_text(ROWS)
    (tmp_path / "half.jsonl").write_text(ROWS + '{"text": "half \\ud800"}\n')
    changes, words = CAUSES[name]
    changes = {key: value.replace("FOLDER", str(tmp_path)) for key, value in changes.items()}
    line = run(capsys, monkeypatch, "fit", "--config", str(write_tiny(tmp_path, changes)))
    assert all(word in line for word in words), line


def test_an_unexpected_error_of_a_data_module_is_shown_and_not_its_link():
    def broken():
        try:
            raise AttributeError("no attribute 'rows'")
        except AttributeError as error:
            raise ValueError("Call to compute_fn of link 'x' with args (y) failed: z") from error

    with pytest.raises(ValueError, match="Call to") as caught:
        broken()
    line = str(user_error(caught.value))
    assert line.startswith("AttributeError: no attribute 'rows'; in the data module")


COMMANDS = {
    "unknown verb": (["fitt"], ["fitt", "fit"]),
    "no verb": ([], ["fit"]),
    "missing config file": (["fit", "--config", "/nowhere.yaml"], ["/nowhere.yaml"]),
    "no config": (["fit"], ["model", "data"]),
    "option without value": (["fit", "--trainer.max_steps"], ["trainer.max_steps"]),
    "unknown option": (["fit", "--trainer.max_stepz", "3"], ["max_stepz"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_bad_command_is_one_line(name, capsys, monkeypatch):
    args, words = COMMANDS[name]
    line = run(capsys, monkeypatch, *args)
    assert all(word in line for word in words), line


def test_broken_yaml_is_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "bad.yaml").write_text("model: [\n")
    line = run(capsys, monkeypatch, "fit", "--config", str(tmp_path / "bad.yaml"))
    assert "bad.yaml:2" in line


def test_the_line_says_in_which_file_and_line_the_key_stands(tmp_path, capsys, monkeypatch):
    config = write_tiny(tmp_path, {f"{MODEL}.z_los": 0.1})
    number = 1 + next(i for i, t in enumerate(config.read_text().splitlines()) if "z_los" in t)
    line = run(capsys, monkeypatch, "fit", "--config", str(config))
    assert f"tiny.yaml:{number}" in line


def test_a_truncated_checkpoint_and_one_of_another_config_are_refused(
    tmp_path, capsys, monkeypatch
):
    config = write_tiny(tmp_path, {"checkpoint.every_n_train_steps": 2})
    cli.main(["fit", "--config", str(config)])
    checkpoint = sorted((tmp_path / "runs").rglob("*.ckpt"))[-1]
    other = write_tiny(tmp_path, {f"{LM}.hidden_size": 32}, "other.yaml")
    line = run(capsys, monkeypatch, "fit", "--config", str(other), "--ckpt_path", str(checkpoint))
    assert "hidden_size" in line
    assert "16" in line
    assert "32" in line
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    line = run(capsys, monkeypatch, "fit", "--config", str(config), "--ckpt_path", str(checkpoint))
    assert "truncated" in line or "corrupt" in line


def test_debug_shows_the_traceback(tmp_path, monkeypatch):
    config = write_tiny(tmp_path, {f"{MODEL}.warmup": 1.5})
    monkeypatch.setattr(sys, "argv", ["lit-research", "fit", "--config", str(config), "--debug"])
    with pytest.raises(cli.UserError, match="warmup"):
        cli.command()


def test_at_least_thirty_cases_are_listed():
    assert len(CONFIGS) + len(FILES) + len(COMMANDS) >= 30


def test_the_config_that_the_cases_vary_is_a_good_one(tmp_path: Path):
    config = tiny(tmp_path)
    assert json.loads(json.dumps(config)) == yaml.safe_load(yaml.safe_dump(config))
