"""``ProgressBar``: Lightning's Rich bar, drawn twice a second at most."""

from __future__ import annotations

import time
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import RichProgressBar
from typing_extensions import override

SECONDS = 0.5


class ProgressBar(RichProgressBar):
    """The progress bar of the command, where the config asks for no other.

    Lightning's reads its metrics and draws after every batch: 0.8 ms of a short step, and on a GPU
    a wait for the step to end.
    """

    _drawn = 0.0  # seconds
    _batches = 0

    @override
    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self._batches, now = batch_idx + 1, time.monotonic()
        if now - self._drawn >= SECONDS:
            self._drawn = now
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._update(self.train_progress_bar_id, self._batches)
        super().on_train_epoch_end(trainer, pl_module)
