"""From every checkpoint that is written, a run does what the unbroken run did, hook by hook.

The loaders are plain: they draw from the global generator, as a method's own may.
"""

import os
import signal
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.plugins.environments import SLURMEnvironment
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchdata.stateful_dataloader import StatefulDataLoader

from lit_research.callbacks import ResearchCheckpoint, find_last_checkpoint
from tests.callbacks.toy import ToyData, fit, make_trainer
from tests.helpers import run_as_ranks

DATA = TensorDataset(torch.arange(10.0)[:, None])  # five batches an epoch


# Lightning on loaders without workers; torchdata 0.11 on torch 2.13.
NOISE = "ignore:.*does not have many workers", "ignore:'set_vital' is deprecated"


class Traced(pl.LightningModule):
    """A layer with dropout that notes what it sees, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.trace: list[tuple] = []
        self.saved: dict[int, int] = {}  # step -> events before its checkpoint

    def training_step(self, batch, batch_idx):
        logged = self.trainer.fit_loop.epoch_loop._batches_that_stepped
        seen = tuple(batch[0].flatten().tolist())
        self.trace.append(("batch", self.current_epoch, batch_idx, self.global_step, logged, seen))
        return self.net(batch[0] / 10).square().mean()

    def validation_step(self, batch, batch_idx):
        self.trace.append(("validation", self.current_epoch, batch_idx, self.global_step))

    def on_train_epoch_start(self):
        self.trace.append(("epoch start", self.current_epoch))

    def on_train_epoch_end(self):
        self.trace.append(("epoch end", self.current_epoch))

    def on_save_checkpoint(self, checkpoint):
        self.saved[self.global_step] = len(self.trace)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)


def train(folder: Path, checkpoint: Path | None = None, every: int = 1, **options) -> Traced:
    torch.manual_seed(0)
    module = Traced()
    saver = ResearchCheckpoint(dirpath=str(folder), every_n_train_steps=every, keep=99)
    quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
    trainer = pl.Trainer(
        accelerator="cpu", callbacks=[saver], inference_mode=False, **quiet, **options
    )
    torch.manual_seed(1)
    loaders = StatefulDataLoader(DATA, batch_size=2, shuffle=True), DataLoader(DATA, batch_size=5)
    trainer.fit(module, *loaders, ckpt_path=checkpoint and str(checkpoint), weights_only=True)
    return module


def same_weights(left: nn.Module, right: nn.Module) -> bool:
    pairs = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


PLANS = {
    "validation at the end of each epoch": {"max_epochs": 3},
    "validation within epochs": {"max_epochs": 3, "val_check_interval": 2},
    "validation by steps": {
        "max_steps": 13,
        "val_check_interval": 3,
        "check_val_every_n_epoch": None,
    },
    "validation every second epoch": {"max_epochs": 3, "check_val_every_n_epoch": 2},
    "no validation": {"max_steps": 13, "limit_val_batches": 0},
    "accumulated steps": {
        "max_epochs": 3,
        "accumulate_grad_batches": 2,
        "val_check_interval": 2,
    },
}


@pytest.mark.filterwarnings(*NOISE, "ignore:The dirpath has changed")
@pytest.mark.parametrize("plan", PLANS)
def test_every_checkpoint_goes_on_as_the_unbroken_run_did(tmp_path, plan):
    whole = train(tmp_path / "whole", **PLANS[plan])
    last = max(whole.saved)
    assert last == max(event[3] for event in whole.trace if event[0] == "batch") + 1
    for step, events in whole.saved.items():
        path = tmp_path / "whole" / f"step={step}.ckpt"
        resumed = train(tmp_path / str(step), path, every=99, **PLANS[plan])
        assert same_weights(resumed, whole), step
        # Lightning does not end the last epoch of a finished run once more.
        assert step == last or resumed.trace == whole.trace[events:], step


@pytest.mark.filterwarnings(*NOISE)
def test_the_checkpoint_of_an_epoch_s_end_waits_for_its_validation_or_the_next_step(tmp_path):
    train(tmp_path / "with", every=5, max_epochs=2)
    assert {p.name for p in (tmp_path / "with").glob("step*")} == {"step=5.ckpt", "step=10.ckpt"}
    train(tmp_path / "without", every=5, max_epochs=2, limit_val_batches=0)
    assert {p.name for p in (tmp_path / "without").glob("step*")} == {"step=6.ckpt", "step=10.ckpt"}


class Signal(pl.Callback):
    """Signals its own process, on rank 0 alone, before the fourth step."""

    def __init__(self, number: int) -> None:
        self.number = number

    def on_train_batch_start(self, trainer, *args):
        if trainer.global_step == 3 and trainer.is_global_zero:
            os.kill(os.getpid(), self.number)


def train_signalled(folder: Path, number: int, **options) -> None:
    saver = ResearchCheckpoint(dirpath=str(folder / "checkpoints"), every_n_train_steps=99)
    trainer = make_trainer(folder, saver, Signal(number), logger=False, max_steps=8, **options)
    fit(trainer, data=ToyData(batch_size=2))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_the_step_it_came_in_and_stops_the_run(tmp_path, number):
    before = signal.getsignal(number)
    with pytest.raises(SIGTERMException) as stopped:
        train_signalled(tmp_path, number)
    assert stopped.value.code == 128 + number
    assert find_last_checkpoint(tmp_path / "checkpoints").name == "step=4.ckpt"
    assert signal.getsignal(number) == before


def test_slurm_s_signal_puts_the_job_back_in_the_queue(tmp_path, monkeypatch):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    for name in ("PROCID", "LOCALID", "NODEID"):
        monkeypatch.setenv(f"SLURM_{name}", "0")
    with pytest.raises(SIGTERMException):
        train_signalled(tmp_path, signal.SIGUSR1, plugins=[SLURMEnvironment()])
    assert (tmp_path / "called").read_text() == "requeue 7\n"
    assert find_last_checkpoint(tmp_path / "checkpoints").name == "step=4.ckpt"


def signalled_as_rank(folder: Path) -> int | None:
    """Train as one of two processes; return the exit code that the signal to the first gives."""
    try:
        train_signalled(folder, signal.SIGTERM, strategy="ddp", devices=2)
    except SIGTERMException as stopped:
        return stopped.code
    return None


def test_a_signal_to_one_process_stops_all_at_the_same_step(tmp_path):
    assert run_as_ranks(signalled_as_rank, tmp_path) == [128 + signal.SIGTERM] * 2
    checkpoint = find_last_checkpoint(tmp_path / "checkpoints")
    assert checkpoint.name == "step=4.ckpt"
    assert len(torch.load(checkpoint, weights_only=True)["random_states"]) == 2
