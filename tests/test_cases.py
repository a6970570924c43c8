"""Small cases, run through the command: right, or one line and exit code 2; never a traceback."""

import os
import sys
from pathlib import Path

import pytest
import torch
import yaml

from lit_research import cli
from tests.helpers import write_tiny

FILES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
CASES = [
    pytest.param(verb, case, id=f"{file.stem}-{number}-{verb}")
    for file in FILES
    for number, case in enumerate(yaml.safe_load(file.read_text()))
    for verb in case["verbs"]
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two small runs, damaged checkpoints and odd configs in one folder."""
    folder, before = tmp_path_factory.mktemp("world"), Path.cwd()
    os.chdir(folder)
    write_tiny(folder)
    fit = ["fit", "--config", "tiny.yaml"]
    run = cli.main(fit).trainer.log_dir
    wide = cli.main([*fit, "--name", "wide", "--model.init_args.lm.hidden_size", "32"])
    good = Path(run, "checkpoints/last.ckpt").read_bytes()
    Path("truncated.ckpt").write_bytes(good[:2000])
    Path("text.ckpt").write_text("hello")
    torch.save({"a": 1}, "other.ckpt")
    Path("empty_folder").mkdir()
    Path("empty.yaml").write_text("")
    Path("tabs.yaml").write_text("model:\n\tclass_path: Pretrain\n")
    Path("binary.yaml").write_bytes(bytes(range(256)))
    Path("list.yaml").write_text("- 1\n")
    yield {"run": run, "wide": f"{wide.trainer.log_dir}/checkpoints/last.ckpt"}
    os.chdir(before)


@pytest.mark.parametrize(("verb", "case"), CASES)
def test_a_case(verb, case, world, capsys, monkeypatch):
    words = case["args"].format(**world).split()
    config = [] if "--run" in words else ["--config", case.get("config", "tiny.yaml")]
    more = ["--folder", "hf"] if verb == "export" else []
    for name, value in case.get("variables", {}).items():
        monkeypatch.setenv(f"LIT_RESEARCH_{verb.upper()}__TRAINER__{name}", value)
    monkeypatch.setattr(sys, "argv", ["lit-research", verb, *config, *more, *words])
    with pytest.raises(SystemExit) as stop:
        cli.command()
    error = capsys.readouterr().err
    assert stop.value.code == 2, error
    lines = [line for line in error.splitlines() if line.startswith("lit-research: error: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    assert all(word in lines[0] for word in case["says"]), lines[0]


def test_there_are_at_least_sixty_cases():
    assert len(CASES) >= 60
