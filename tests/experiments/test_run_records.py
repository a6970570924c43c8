"""Runs are read back as tables, whichever logger wrote them."""

import sys
from pathlib import Path

import pytest
import yaml

from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.experiments import find_runs, read_metrics, read_runs
from tests.helpers import tiny, write_tiny

LM = "model.init_args.lm.hidden_size"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run with TensorBoard's logger and one with the CSV logger, at another width."""
    folder = tmp_path_factory.mktemp("runs")
    board = tiny(folder)
    table = tiny(folder, {LM: 8})
    for config, name in ((board, "board"), (table, "table")):
        config["trainer"]["logger"]["init_args"]["name"] = name
    table["trainer"]["logger"]["class_path"] = "lightning.pytorch.loggers.CSVLogger"
    del table["trainer"]["logger"]["init_args"]["default_hp_metric"]
    made = [main({"subcommand": "fit", "fit": config}) for config in (board, table)]
    return folder / "runs", made


def test_a_row_has_the_arguments_and_the_last_values_of_a_run(runs):
    folder, made = runs
    found = read_runs(folder)
    assert list(found.index) == [str(folder / "board/version_0"), str(folder / "table/version_0")]
    assert list(found["model.lm.hidden_size"]) == [16, 8]
    assert list(found["data.batch_size"]) == [4, 4]
    assert list(found["trainer.max_steps"]) == [4, 4]
    for cli, loss in zip(made, found["val/loss"], strict=True):
        assert loss == pytest.approx(float(cli.trainer.callback_metrics["val/loss"]), rel=1e-6)
    assert read_runs([folder / "table"]).shape[0] == 1


def test_the_curves_are_those_that_were_logged(runs):
    folder, _ = runs
    for run in find_runs(folder):
        curves = read_metrics(run)
        losses = curves[curves.name == "val/loss"]
        assert len(losses) == 2
        assert losses.step.is_monotonic_increasing
        assert len(curves[curves.name == "train/loss"]) == 4


def test_what_has_one_value_is_there_too(tmp_path):
    own = {"trainer.logger": {"class_path": "RunLogger", "init_args": {"save_dir": str(tmp_path)}}}
    cli = main(["fit", "--config", str(write_tiny(tmp_path, own))])
    (row,) = read_runs(cli.trainer.log_dir).to_dict("records")
    assert row["model/parameters"] == sum(p.numel() for p in cli.model.lm.parameters())


def test_every_logger_gets_the_arguments(runs):
    folder, _ = runs
    given = yaml.safe_load((folder / "table/version_0/hparams.yaml").read_text())
    assert given["lm/hidden_size"] == 8
    assert given["data/batch_size"] == 4
    assert given["z_loss"] == 0.0  # a default


def test_what_cannot_be_read_is_one_line(runs, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="there is no run in"):
        read_runs(tmp_path)
    with pytest.raises(UserError, match="no records in"):
        read_metrics(tmp_path)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match="needs the package pandas"):
        read_runs(Path(runs[0]))
