"""Summaries: one line about the model before a run, and a table of the run after it."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, ModelSummary
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_info
from typing_extensions import override

from lit_research.callbacks.progress import clock, run_steps
from lit_research.callbacks.research_checkpoint import ResearchCheckpoint


class ModelLine(ModelSummary):
    """One line instead of Lightning's table: the model, its parameters, device and precision.

    A ``ModelSummary`` or ``RichModelSummary`` in ``trainer.callbacks`` replaces it.
    """

    @override
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        summary = self._summary(trainer, pl_module)
        total, trained = summary.total_parameters, summary.trainable_parameters
        some = "all" if trained == total else f"{trained:,}"
        devices = "" if trainer.world_size == 1 else f"{trainer.world_size} x "
        rank_zero_info(
            f"{type(pl_module).__name__}: {total:,} parameters, {some} of them trained, on "
            f"{devices}{pl_module.device.type}, {trainer.precision}"
        )


class RunSummary(Callback):
    """Tracks the best metrics of a run and reports its results at the end.

    The best ``checkpoint.monitor`` depends on its mode; the best validation loss is the smallest.
    Of other metrics only the last value is shown, since it is not known which direction is better.
    """

    def __init__(self) -> None:
        super().__init__()
        # name -> (value, step)
        self.best: dict[str, tuple[float, int]] = {}
        self._start, self._first_step = 0.0, 0

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"best": {name: list(value_and_step) for name, value_and_step in self.best.items()}}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = {name: (value, step) for name, (value, step) in state_dict["best"].items()}

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._start, self._first_step = time.monotonic(), trainer.global_step

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        losses = {name: 1 for name in trainer.callback_metrics if name.startswith("val/loss")}
        for name, sign in {**losses, **_monitored(trainer)}.items():
            value = float(trainer.callback_metrics.get(name, float("nan")))
            best = self.best.get(name)
            if value == value and (best is None or sign * value < sign * best[0]):
                self.best[name] = (value, trainer.global_step)

    def report(self, trainer: pl.Trainer, module: pl.LightningModule) -> str:
        """Return a table: the run's folder, its losses, and how to view and resume it."""
        folder = trainer.log_dir  # on every rank: it is broadcast
        rows = {"run": _relative(folder), **self._metrics(trainer, module)}
        rows |= {"steps": self._steps(trainer), **_commands(trainer, module, folder)}
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows.items() if text)

    def _metrics(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, str]:
        curves = getattr(module, "decisive_curves", {}).values()
        decisive = [name for names in curves for name in names]
        last = trainer.callback_metrics
        names = dict.fromkeys([*_monitored(trainer), *decisive, *trainer.progress_bar_metrics])
        rows = {name: f"{float(last[name]):.5g}" for name in names if name in last}
        for name, (value, step) in self.best.items():
            if name in rows:
                rows[name] += f" (best {value:.5g}, step {step:,})"
        return rows

    def _steps(self, trainer: pl.Trainer) -> str:
        done, _ = run_steps(trainer)
        tokens = trainer.callback_metrics.get("train/tokens")
        read = f", {int(tokens):,} tokens" if tokens else ""
        since = f" since step {self._first_step:,}" if self._first_step else ""
        return f"{done:,}{read}, {clock(time.monotonic() - self._start)}{since}"


def _monitored(trainer: pl.Trainer) -> dict[str, int]:
    """Return the monitored metric of the checkpoints, with 1 if smaller is better, else -1."""
    checkpoint = _checkpoint(trainer)
    if checkpoint is None or checkpoint.keeps_newest:
        return {}
    return {str(checkpoint.monitor): 1 if checkpoint.mode == "min" else -1}


def _checkpoint(trainer: pl.Trainer) -> ResearchCheckpoint | None:
    checkpoints = [c for c in trainer.checkpoint_callbacks if isinstance(c, ResearchCheckpoint)]
    return checkpoints[0] if checkpoints else None


def _commands(
    trainer: pl.Trainer, module: pl.LightningModule, folder: str | None
) -> dict[str, str]:
    """Return the commands that view, resume and test the run."""
    checkpoint = _checkpoint(trainer)
    rows = {"look": tensorboard_command(trainer) or ""}
    if checkpoint is None or not checkpoint.last_model_path or folder is None:
        return rows
    rows = {"checkpoint": _relative(os.path.realpath(checkpoint.last_model_path)), **rows}
    run = f"--run {shlex.quote(_relative(folder))}"
    if 0 < trainer.max_steps <= trainer.global_step:
        rows["resume"] = f"lit-research fit {run} --trainer.max_steps {2 * trainer.max_steps}"
    elif trainer.global_step and 0 < (epochs := trainer.max_epochs or 0) <= trainer.current_epoch:
        rows["resume"] = f"lit-research fit {run} --trainer.max_epochs {2 * epochs}"
    if type(module).test_step is not pl.LightningModule.test_step:
        rows["test"] = f"lit-research test {run}"
    return rows


def tensorboard_command(trainer: pl.Trainer) -> str | None:
    """Return the command that shows the run's curves; ``None`` without TensorBoard."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            return f"tensorboard --logdir {shlex.quote(_relative(logger.save_dir))}"
    return None


def _relative(path: str | Path | None) -> str:
    """Return a path relative to the working directory if it is below it, else absolute."""
    if path is None:
        return ""
    here, absolute = Path.cwd(), Path(path).absolute()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
