"""The model in a line before a run; after it, a table whose commands do what they say."""

import re
import shlex

import pytest

from lit_research.cli import main
from tests.helpers import tiny, write_tiny


@pytest.fixture
def said(caplog):
    caplog.set_level("INFO", logger="lightning.pytorch")
    return caplog


def table(messages) -> dict[str, str]:
    """Return the rows of the last table."""
    text = [message for message in messages if message.startswith("\nrun ")][-1]
    return dict(re.split(r"  +", line, maxsplit=1) for line in text.strip().splitlines())


def test_a_run_ends_in_a_table_whose_commands_work(tmp_path, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_tiny(tmp_path, {"trainer.logger": ..., "trainer.default_root_dir": ...})
    cli = main(["fit", "--config", str(config)])
    rows = table(said.messages)
    run = f"runs/{tmp_path.name}/tiny/version_0"
    assert rows["run"] == cli.trainer.log_dir == run
    assert rows["checkpoint"] == f"{run}/checkpoints/step=4.ckpt"
    assert rows["look"] == "tensorboard --logdir runs"
    loss = float(cli.trainer.callback_metrics["val/loss"])
    assert re.fullmatch(rf"{loss:.5g} \(best [\d.]+, step [24]\)", rows["val/loss"])
    assert float(rows["train/loss"]) > 0
    assert re.fullmatch(r"4, 512 tokens, 0:\d\d:\d\d", rows["steps"])
    assert rows["resume"] == f"lit-research fit --run {run} --trainer.max_steps 8"
    went_on = main(shlex.split(rows["resume"])[1:])
    assert went_on.trainer.global_step == 8
    assert table(said.messages)["run"] == run
    assert "since step 4" in table(said.messages)["steps"]
    tested = main(shlex.split(rows["test"])[1:])
    assert any(m.startswith(f"Results: {tested.trainer.log_dir}; tens") for m in said.messages)


def test_the_best_is_by_the_monitor_and_survives_a_resume(tmp_path, said):
    by_loss = {"checkpoint.monitor": "val/loss", "checkpoint.mode": "max"}
    config = ["fit", "--config", str(write_tiny(tmp_path, by_loss))]
    main(config)
    best = table(said.messages)["val/loss"]
    first = float(re.search(r"best ([\d.]+), step 2\)", best)[1])
    assert first > float(best.split()[0])  # the loss falls, and the largest was asked for
    main([*config, "--ckpt_path", "last", "--trainer.max_steps", "6"])
    assert f"(best {first:.5g}, step 2)" in table(said.messages)["val/loss"]


def test_a_run_without_logger_and_checkpoints_says_what_there_is(tmp_path, said):
    off = {"trainer.logger": False, "trainer.enable_checkpointing": False}
    main(["fit", "--config", str(write_tiny(tmp_path, off))])
    rows = table(said.messages)
    assert rows.keys() == {"run", "val/loss", "train/loss", "steps"}


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"trainer.enable_model_summary": ...}, 1),
        ({"trainer.enable_model_summary": False}, 0),
        ({"trainer.callbacks": [{"class_path": "ModelSummary"}]}, 0),
    ],
)
def test_the_model_is_one_line_unless_another_or_none_is_asked_for(tmp_path, said, changes, count):
    changes = {"trainer.enable_model_summary": True, **changes, "trainer.max_steps": 1}
    cli = main({"subcommand": "fit", "fit": tiny(tmp_path, changes)})
    size = sum(p.numel() for p in cli.model.parameters())
    line = f"Pretrain: {size:,} parameters, all of them trained, on cpu, 32-true"
    assert said.messages.count(line) == count
    tables = [m for m in said.messages if "Modules in train mode" in m]
    assert len(tables) == int("trainer.callbacks" in changes)
