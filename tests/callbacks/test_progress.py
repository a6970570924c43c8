"""A bar on a terminal, lines elsewhere: the right totals in every kind of run, and no noise."""

import re

import pytest
import torch
from lightning.pytorch.callbacks import RichProgressBar

from lit_research.callbacks import ProgressBar, ProgressLines
from lit_research.cli import main
from tests.callbacks.toy import Toy, fit, make_trainer
from tests.helpers import tiny


def run(folder, changes=None, verb="fit", **more):
    return main({"subcommand": verb, verb: {**tiny(folder, changes), **more}})


@pytest.fixture
def terminal(monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def lines(caplog):
    """Lines of a run that begin with a word, as they are said."""
    caplog.set_level("INFO", logger="lightning.pytorch")

    def beginning(word: str) -> list[str]:
        found = [message for message in caplog.messages if message.startswith(word)]
        caplog.clear()
        return found

    return beginning


def test_the_bar_shows_steps_metrics_rate_and_the_time_left(
    tmp_path, terminal, capsys, monkeypatch
):
    monkeypatch.setattr("lit_research.callbacks.progress.REDRAW", 0.0)
    bar = {"trainer.enable_progress_bar": True, "trainer.max_steps": 15}
    cli = run(tmp_path, {**bar, "trainer.num_sanity_val_steps": 1})
    assert type(cli.trainer.progress_bar_callback) is ProgressBar
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    for part in ("fit", "14/15", "15/15", "check", "validation", "1/1"):
        assert part in shown
    row = r"14/15  0:00:0\d left  [\d,]+ tokens/s  train/loss [\d.]+  val/loss [\d.]+"
    assert re.search(row, shown)
    assert "Epoch" not in shown
    assert "v_num" not in shown


def test_the_bar_is_drawn_seldom_but_to_the_end(tmp_path, terminal, capsys, monkeypatch):
    monkeypatch.setattr("lit_research.callbacks.progress.REDRAW", 3600.0)
    options = {"max_steps": 15, "val_check_interval": 15, "enable_progress_bar": True}
    run(tmp_path, {f"trainer.{name}": value for name, value in options.items()})
    drawn = set(re.findall(r"(\d+)/15", capsys.readouterr().err))
    assert drawn == {"1", "15"}


def test_where_nothing_is_a_terminal_each_logged_step_is_a_line(tmp_path, lines):
    changes = {"trainer.enable_progress_bar": True, "trainer.log_every_n_steps": 2}
    cli = run(tmp_path, {**changes, "trainer.max_steps": 5})
    assert cli.trainer.progress_bar_callback is None
    first, *others = lines("step ")
    assert first == "step 1/5"  # nothing is logged yet
    assert [line.split("  ")[0] for line in others] == ["step 2/5", "step 4/5"]
    assert re.fullmatch(
        r"step 4/5  0:00:0\d left  [\d,]+ tokens/s  train/loss [\d.]+  val/loss [\d.]+", others[1]
    )


def test_a_resumed_run_with_more_steps_counts_from_where_it_was(tmp_path, lines):
    run(tmp_path)
    lines("step ")
    run(tmp_path, {"trainer.max_steps": 6}, ckpt_path="last")
    assert [line.split("  ")[0] for line in lines("step ")] == ["step 5/6", "step 6/6"]


def test_a_step_of_several_batches_is_one_step(tmp_path, lines):
    run(tmp_path, {"trainer.accumulate_grad_batches": 2, "trainer.max_steps": 3})
    steps = [line.split("  ")[0] for line in lines("step ")]
    assert steps == ["step 1/3", "step 2/3", "step 3/3"]


class ByHand(Toy):
    """Two optimisers that Lightning does not see step, as in self-play."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def configure_optimizers(self):
        return [torch.optim.SGD(self.lm.parameters(), lr=0.1) for _ in range(2)]

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.manual_backward(loss)
        self.log("toy/loss", loss, prog_bar=True)
        self.count_step()


class Searching(Toy):
    """No optimiser: its batches are its steps, as in a search."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def configure_optimizers(self):
        return None

    def training_step(self, batch, batch_idx):
        self.log("toy/loss", 1.0, prog_bar=True)
        if batch_idx == 2:
            self.trainer.should_stop = True


class Endless(Toy):
    """Stops by itself: nobody knows when."""

    def training_step(self, batch, batch_idx):
        self.trainer.should_stop = batch_idx == 1
        return super().training_step(batch, batch_idx)


@pytest.mark.filterwarnings("ignore:.*returned `None`, this fit will run with no optimizer")
@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (ByHand, {"max_steps": 3}, ["1/3", "2/3", "3/3"]),
        (ByHand, {"max_steps": -1, "max_epochs": 1}, ["1/5", "2/5", "3/5", "4/5", "5/5"]),
        (Searching, {"max_steps": -1, "max_epochs": 1}, ["1/5", "2/5", "3/5"]),
        (Endless, {"max_steps": -1, "max_epochs": -1}, ["1", "2"]),
    ],
)
def test_totals_are_those_of_the_run_whoever_steps(kind, options, said, tmp_path, lines):
    fit(make_trainer(tmp_path, ProgressLines(), **options), kind)
    steps = lines("step ")
    assert [line.split("  ")[0] for line in steps] == [f"step {part}" for part in said]
    if kind is not Endless:
        assert all("toy/loss" in line for line in steps)


def test_a_long_evaluation_is_not_silent(tmp_path, lines, monkeypatch):
    trainer = make_trainer(tmp_path, ProgressLines())
    module = fit(trainer)
    assert not lines("test ")
    monkeypatch.setattr("lit_research.callbacks.progress.SILENCE", -1.0)
    trainer.test(module, trainer.datamodule, verbose=False)
    assert lines("test ") == ["test 1/2 batches", "test 2/2 batches"]


@pytest.mark.parametrize(
    ("changes", "bar", "said"),
    [
        ({"trainer.enable_progress_bar": False}, type(None), 2),
        ({"trainer.callbacks": [{"class_path": "RichProgressBar"}]}, RichProgressBar, 0),
    ],
)
def test_a_config_can_choose_another_or_none(changes, bar, said, tmp_path, lines, terminal):
    changes = {"trainer.enable_progress_bar": ..., **changes, "trainer.max_steps": 2}
    cli = run(tmp_path, changes)
    assert type(cli.trainer.progress_bar_callback) is bar
    assert len(lines("step ")) == said
