"""``Hyperparameters``: the arguments of a run, for every logger, from its first step on."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from typing_extensions import override


class Hyperparameters(Callback):
    """Give every logger but TensorBoard's all arguments of the model and the data.

    They are logged at the start, so that a run that is killed has them too, with the defaults, as
    ``lm/hidden_size`` and ``data/batch_size``. TensorBoard's HPARAMS are those of ``Board``.
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
    """Return arguments by their paths; a class is the value of its own argument's name."""
    found: dict[str, Any] = {}
    for key, value in dict(values).items():
        if str(key).startswith("_"):  # what LightningCLI adds
            continue
        name = prefix.rstrip("/") if key in ("class_path", "init_args") else f"{prefix}{key}"
        if isinstance(value, dict):
            found |= flat_arguments(value, f"{name}/")
        else:
            found[name] = value
    return found
