"""``ContextEvaluation``: test ``TTTE2E`` at every context length, inner loop on and off."""

from __future__ import annotations

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.figures import add_figure, add_text, code_block
from lit_research.methods.base import Method, datamodule
from lit_research.methods.ttt.contexts import ContextLosses, NeedleScores
from lit_research.methods.ttt.core import without_steps
from lit_research.methods.ttt.inner_loop import InnerLoop, scan
from lit_research.methods.ttt.learning_model import LearningModel
from lit_research.methods.ttt.streaming import Stream

Batch = dict[str, Tensor]


class ContextEvaluation:
    """Accumulates the test results of all batches, then logs, draws and prints them.

    Args:
        module: module attached to a trainer, for logging.
        model: the model to test.
        inner: the inner loop at test time.
    """

    def __init__(self, module: Method, model: LearningModel, inner: InnerLoop) -> None:
        self.module, self.model = module, model
        # The inner loop at test time, and switched off.
        self._modes = (inner, without_steps("none"))
        depths = getattr(datamodule(module.trainer), "depths", None)
        self.name = "loss_by_context" if depths is None else "needles"
        self.scores: ContextLosses | NeedleScores
        if depths is None:
            self.scores = ContextLosses(module.device)
        else:
            self.scores = NeedleScores(depths, module.device)

    def add(self, batch: Batch) -> dict[str, Tensor]:
        """Add a batch; return ``token_losses`` ``[B, T]`` in nats, nothing for needles."""
        if isinstance(self.scores, NeedleScores):
            length, answers = batch["input_ids"].shape[1], batch["answers"]
            logits = [self._answer(batch, inner) for inner in self._modes]
            self.scores.add(length, logits, answers, batch["depth"])
            return {}
        on, off = (self._losses(batch, inner) for inner in self._modes)
        self.scores.add(on, off, batch["labels"])
        return {"token_losses": on}

    def _losses(self, batch: Batch, inner: InnerLoop) -> Tensor:
        """Return the token losses ``[B, T]``."""
        # InnerLoop steps need gradients, which inference mode would forbid.
        with torch.inference_mode(False), torch.no_grad():
            ids, labels = batch["input_ids"].clone(), batch["labels"].clone()
            return scan(self.model, ids, labels, inner)[1]

    def _answer(self, batch: Batch, inner: InnerLoop) -> Tensor:
        """Return the logits of the last A tokens, ``[B, A, V]``; all of them would not fit."""
        ids, keep = batch["input_ids"], batch["answers"].shape[1]
        return Stream(self.model, len(ids), inner).read(ids, keep=keep)

    def finish(self) -> None:
        """Reduce over all processes and show the results. Call it on every rank."""
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
