"""``Hyperparameters``: log the arguments of a run to every logger at its start."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from typing_extensions import override


class Hyperparameters(Callback):
    """Log all arguments of the model and the data to every logger except TensorBoard's.

    They are logged at the start, including defaults, as ``lm/hidden_size`` and ``data/batch_size``,
    so that a killed run has them too. TensorBoard's HPARAMS come from ``Board``.
    """

    @override
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        data = getattr(trainer, "datamodule", None)
        values = flat_arguments(pl_module.hparams)
        values |= flat_arguments(getattr(data, "hparams", {}), "data/")
        for logger in trainer.loggers:
            if not isinstance(logger, TensorBoardLogger):
                logger.log_hyperparams(values)
                logger.save()


def flat_arguments(values: Any, prefix: str = "") -> dict[str, Any]:
    """Return arguments by path; a class path is the value of the argument that it is given for."""
    flat: dict[str, Any] = {}
    for key, value in dict(values).items():
        if str(key).startswith("_"):  # what LightningCLI adds
            continue
        name = prefix.rstrip("/") if key in ("class_path", "init_args") else f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= flat_arguments(value, f"{name}/")
        else:
            flat[name] = value
    return flat
