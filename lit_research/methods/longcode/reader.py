"""``RepoReader``: small models that are trained to find a default in code, near and far.

Legend: I items of a batch, R rows (one for each option of each item), T tokens.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from lit_research.labels import IGNORE
from lit_research.methods.base import datamodule
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.ttt import TTTE2E
from lit_research.metrics import sum_dtype

Batch = dict[str, Tensor]


class RepoReader(TTTE2E):
    """Train full attention, a window, or a window that learns at test time, on ``RepoSequences``.

    An evaluation compares the options of each item by their log-probability and logs
    ``accuracy_at_LENGTH_DISTANCE``; the inner loop runs as at test time. A model of L layers of
    window W sees at most L (W - 1) tokens back: beyond, it is at chance, 25%. Takes the arguments
    of ``TTTE2E``; give the arms ``full``, ``swa`` or ``e2e``.
    """

    decisive_curves = {
        "training loss (nats per token)": ["train/loss"],
        "items answered right (share of 1)": ["val/accuracy"],
    }
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the share of items answered right; 25% is chance. It rises late and "
        "at once, when the model has learned to look a name up."
    )
    returns = ()
    needs = {**TTTE2E.needs, "batches": ("sequence_length", "groups")}
    validation_metrics = ("train/loss", "val/accuracy*")

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Answer a batch of items."""
        self._choose(batch, "val")
        return {}

    def on_test_start(self) -> None:
        """Options have no losses by context."""

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Answer a batch of items."""
        self._choose(batch, "test")
        return {}

    def on_test_epoch_end(self) -> None:
        """Log the means."""
        self.log_means()

    def _choose(self, batch: Batch, stage: str) -> None:
        sequences = {name: batch[name] for name in ("input_ids", "labels")}
        losses_RT = self(sequences)
        totals_R = -(losses_RT * batch["scored"]).sum(dim=1, dtype=sum_dtype(self.device))
        totals_IO = totals_R.view(-1, len(LETTERS))
        right_I = (totals_IO.argmax(dim=1) == batch["answer"]).to(totals_IO.dtype)
        # A rank without items of its own reads another's, without labels.
        counted_R = (batch["labels"] != IGNORE).any(dim=1)
        counted_I = counted_R.view(-1, len(LETTERS)).any(dim=1)
        self.add_mean(f"{stage}/accuracy", (right_I * counted_I).sum(), counted_I.sum())
        for number, (length, distance) in enumerate(datamodule(self.trainer).groups):
            of_group_I = counted_I & (batch["group"] == number)
            name = f"{stage}/accuracy_at_{length}_{distance}"
            self.add_mean(name, (right_I * of_group_I).sum(), of_group_I.sum())
