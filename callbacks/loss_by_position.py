"""``LossByPosition``: how much a model gains from the context before a token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.nn.functional import pad
from typing_extensions import override

from lit_research.binning import binned_means
from lit_research.errors import UserError
from lit_research.figures import add_figure, panels
from lit_research.labels import IGNORE
from lit_research.metrics import MetricsByKey, Sums
from lit_research.ranges import COUNT, check_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LossByPosition(Callback):
    """Draw the mean loss at each position of the window, as figure ``loss_by_position/STAGE``.

    It reads ``token_losses`` ``[B, T]`` (nats) from what ``validation_step`` and ``test_step``
    return, and ``labels`` ``[B, T]`` (-100: not counted) from the batch.

    Args:
        num_bins: points of the figure; positions between two are averaged.
    """

    def __init__(self, num_bins: int = 32) -> None:
        check_range(COUNT, "in LossByPosition", num_bins=num_bins)
        self.num_bins = num_bins
        self._sums: MetricsByKey[int, Sums] | None = None

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        returns = getattr(pl_module, "returns", None) if stage != "predict" else None
        if returns is not None and "token_losses" not in returns:
            raise UserError(
                f"{type(pl_module).__name__} returns no token_losses, for LossByPosition; take "
                "the callback out of trainer.callbacks"
            )

    def _add(self, outputs: Any, batch: Any) -> None:
        if not isinstance(outputs, dict) or "token_losses" not in outputs:
            raise UserError(
                "the step returns no token_losses, for LossByPosition: return a dict with "
                "token_losses [B, T] from validation_step and test_step, or take the callback "
                "out of trainer.callbacks"
            )
        losses = outputs["token_losses"].detach().float()
        counted = batch["labels"] != IGNORE
        sums = torch.stack([(losses * counted).sum(0), counted.float().sum(0)])
        if self._sums is None:
            self._sums = _sums_by_length(losses.device)
        self._sums[losses.shape[1]].update(sums)

    def _draw(self, trainer: pl.Trainer, stage: str) -> None:
        gathered, self._sums = self._sums, None
        if trainer.sanity_checking:
            return
        # A rank may have had no batch, and must take part all the same.
        by_length = (gathered or _sums_by_length(trainer.strategy.root_device)).compute()
        if not by_length:
            return
        length = max(by_length)
        padded = [pad(sums, (0, length - sums.shape[1])) for sums in by_length.values()]
        positions, means = binned_means(torch.stack(padded).sum(0).cpu().double(), self.num_bins)
        add_figure(trainer, f"loss_by_position/{stage}", lambda: draw(positions, means))

    @override
    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._add(outputs, batch)

    @override
    def on_test_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._add(outputs, batch)

    @override
    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._draw(trainer, "val")

    @override
    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._draw(trainer, "test")


def _sums_by_length(device: torch.device) -> MetricsByKey[int, Sums]:
    """Return sums of losses and labels at each position, ``[2, T]``, by the length T of a batch."""
    return MetricsByKey(lambda length: Sums((2, length), device))


def draw(positions: Tensor, means: Tensor) -> Figure:
    """Draw the loss by position."""
    figure, [axes] = panels()
    axes.plot(positions.numpy(), means.numpy(), "o-", markersize=3)
    axes.set(xlabel="position in the window (tokens)", ylabel="loss (nats per token)")
    bits = axes.twinx()
    bits.spines["top"].set_visible(False)
    bits.set(ylim=[nats / math.log(2) for nats in axes.get_ylim()], ylabel="bits per token")
    return figure
