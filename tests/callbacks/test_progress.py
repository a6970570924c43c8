"""The bar is there where nobody chose another, shows the last batch, and is drawn seldom."""

import pytest
from lightning.pytorch.callbacks import RichProgressBar

from lit_research.callbacks import ProgressBar
from lit_research.cli import main
from tests.helpers import tiny


def fit(folder, changes):
    return main({"subcommand": "fit", "fit": tiny(folder, changes)})


def test_the_bar_counts_to_the_end_but_is_not_drawn_for_every_batch(tmp_path, monkeypatch):
    drawn, shown = [], RichProgressBar.on_train_batch_end

    def note(self, trainer, module, outputs, batch, batch_idx):
        drawn.append(batch_idx)
        shown(self, trainer, module, outputs, batch, batch_idx)

    monkeypatch.setattr(RichProgressBar, "on_train_batch_end", note)
    monkeypatch.setattr("lit_research.callbacks.progress.SECONDS", 3600.0)
    cli = fit(tmp_path, {"trainer.enable_progress_bar": True, "trainer.max_steps": 15})
    assert isinstance(cli.trainer.progress_bar_callback, ProgressBar)
    assert drawn in ([0], [])  # the clock of a machine that has just started is below an hour
    bar = cli.trainer.progress_bar_callback
    assert bar.progress.tasks[bar.train_progress_bar_id].completed == 15


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"trainer.enable_progress_bar": False}, type(None)),
        (
            {
                "trainer.enable_progress_bar": True,
                "trainer.callbacks": [{"class_path": "RichProgressBar"}],
            },
            RichProgressBar,
        ),
    ],
)
def test_a_config_can_choose_another_or_none(tmp_path, changes, kind):
    cli = fit(tmp_path, {**changes, "trainer.max_steps": 2})
    assert type(cli.trainer.progress_bar_callback) is kind
