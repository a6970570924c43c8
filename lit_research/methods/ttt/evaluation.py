"""``Evaluation``: the test of ``TTTE2E`` at every length of context, inner loop on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.figures import add_figure, add_text, code_block
from lit_research.methods.base import datamodule
from lit_research.methods.ttt.contexts import ContextLosses, NeedleScores
from lit_research.methods.ttt.core import evaluation_inner, without_steps
from lit_research.methods.ttt.inner_loop import Inner, scan
from lit_research.methods.ttt.streaming import Stream

if TYPE_CHECKING:
    from lit_research.methods.ttt.module import TTTE2E

Batch = dict[str, Tensor]


class Evaluation:
    """Gathers what the batches of a test say; at the end it logs, draws and prints it.

    Args:
        module: attached to a trainer.
    """

    def __init__(self, module: TTTE2E) -> None:
        self.module = module
        depths = getattr(datamodule(module.trainer), "depths", None)
        self.name = "loss_by_context" if depths is None else "needles"
        self.scores: ContextLosses | NeedleScores
        if depths is None:
            self.scores = ContextLosses(module.device)
        else:
            self.scores = NeedleScores(depths, module.device)

    def add(self, batch: Batch) -> dict[str, Tensor]:
        """Add a batch; return ``token_losses`` ``[B, T]`` in nats, but for needles."""
        if isinstance(self.scores, NeedleScores):
            length, answers = batch["input_ids"].shape[1], batch["answers"]
            logits = [self._answer(batch, inner) for inner in self._modes]
            self.scores.add(length, logits, answers, batch["depth"])
            return {}
        on, off = (self._losses(batch, inner) for inner in self._modes)
        self.scores.add(on, off, batch["labels"])
        return {"token_losses": on}

    @property
    def _modes(self) -> tuple[Inner, Inner]:
        """The inner loop as it is at test time, and off."""
        module = self.module
        return evaluation_inner(module.hparams["arm"], module.inner), without_steps("none")

    def _losses(self, batch: Batch, inner: Inner) -> Tensor:
        """Return the token losses ``[B, T]``."""
        # Inner steps need gradients, which inference mode would forbid.
        with torch.inference_mode(False), torch.no_grad():
            ids, labels = batch["input_ids"].clone(), batch["labels"].clone()
            return scan(self.module.lm, ids, labels, inner)[1]

    def _answer(self, batch: Batch, inner: Inner) -> Tensor:
        """Return the logits of the last A tokens, ``[B, A, V]``; those of all would not fit."""
        ids, keep = batch["input_ids"], batch["answers"].shape[1]
        return Stream(self.module.lm, len(ids), inner).read(ids, keep=keep)

    def finish(self) -> None:
        """Put all processes together and show what was found. To be called on every rank."""
        module, scores = self.module, self.scores
        scores.reduce()
        metrics = scores.metrics()
        if not metrics:
            return
        for name, value in metrics.items():
            module.log_result(f"test/{name}", value, prog_bar=name == "loss")
        text = scores.report()
        add_text(module.trainer, f"{self.name}/test", code_block(text))
        rank_zero_info(f"\n{text}")
        add_figure(module.trainer, f"{self.name}/test", scores.figure)
