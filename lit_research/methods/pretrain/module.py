"""``Pretrain``: next-token training of any causal language model of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import (
    IGNORE,
    Attention,
    build_lm,
    enable_activation_checkpointing,
    ends_in_linear_head,
    flops_per_token,
    lm_loss,
    lm_token_losses,
    load_lm,
    run_lm,
)
from lit_research.lm.engines import EngineCallable, TransformersEngine
from lit_research.methods.base import Method, datamodule
from lit_research.methods.pretrain.core import (
    Schedule,
    decay_mask,
    param_groups,
    sums_by_group,
    sums_by_length,
)
from lit_research.methods.pretrain.predictions import LogProbWriter
from lit_research.methods.pretrain.recipe import (
    check_recipe,
    check_sequence_length,
    optimizer_with_schedule,
)
from lit_research.methods.text import TextMethod
from lit_research.metrics import Sums, sum_dtype

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# B: sequences, T: tokens of a sequence.
Batch = dict[str, Tensor]

# Longest document, in tokens, of each group that `test` scores apart; the last has no end.
LENGTH_EDGES = (128, 512, 2048, 8192)


class Pretrain(TextMethod):
    """Train a language model on the next token.

    A batch holds ``input_ids`` and ``labels`` (the next tokens, -100 where there is nothing to
    learn), both ``[B, T]``; ``position_ids`` ``[B, T]`` that restart at each document keep
    attention within documents. Where a batch of an evaluation has ``loss_groups`` ``[B, T]``, the
    mean loss of each group is logged too, as ``val/loss_of_NAME`` (see ``GroupedDocuments``).

    Args:
        lm: the language model: ``{model_type: llama, hidden_size: 128, ...}`` builds one with
            random weights, ``{folder: PATH}`` loads a checkpoint folder of transformers.
        vocab_size: number of tokens; the command takes it from the data.
        optimizer: optimiser of the parameter groups; its learning rate is the peak.
        schedule: learning rate after the warm-up: ``cosine``, ``linear`` or ``constant``.
        warmup: share of the steps over which the learning rate rises to its peak.
        end_lr: learning rate at the end of ``cosine`` or ``linear``.
        warmup_from_zero: start the warm-up at 0 (the first update is zero), as optax does.
        z_loss: weight of the squared log-normaliser, which keeps logits from drifting (0: none).
        attention: kernel: ``sdpa``, ``flash`` or ``math`` (see ``lit_research.lm``).
        compile: compile the language model with ``torch.compile``.
        activation_checkpointing: keep one activation a layer, compute the rest again in backward.
        engine: writes samples with the live weights, by class path.
    """

    decisive_curves, reading = Method.decisive_curves, Method.reading
    lm: PreTrainedModel
    needs = {**TextMethod.needs, "batches": ("sequence_length",)}
    returns: ClassVar[tuple[str, ...]] = ("token_losses",)
    validation_metrics: ClassVar[tuple[str, ...]] = ("train/loss", "val/loss", "val/loss_of_*")

    def __init__(
        self,
        lm: dict[str, Any],
        vocab_size: int,
        optimizer: OptimizerCallable = lambda params: torch.optim.AdamW(
            params, lr=3e-3, weight_decay=0.1, fused=True
        ),
        schedule: Schedule = "cosine",
        warmup: float = 0.01,
        end_lr: float = 0.0,
        warmup_from_zero: bool = False,
        z_loss: float = 0.0,
        attention: Attention = "sdpa",
        compile: bool = False,
        activation_checkpointing: bool = False,
        engine: EngineCallable = TransformersEngine,
    ) -> None:
        super().__init__()
        self.keep_hyperparameters()
        check_recipe(self.hparams, "in model.init_args of Pretrain")
        self.optimizer, self.engine = optimizer, engine

    def configure_model(self) -> None:
        """Build or load the language model; here, so that FSDP can shard it."""
        if hasattr(self, "lm"):
            return
        config, options = self.hparams["lm"], {"attention": self.hparams["attention"]}
        if "folder" in config:
            if len(config) > 1:
                raise UserError(
                    f"lm has folder and also {sorted(set(config) - {'folder'})}, in "
                    "model.init_args of Pretrain; a loaded model has its own config, so replace "
                    "the whole of lm, by "
                    "--model.init_args.lm '{folder: PATH}' or by lm: {folder: PATH} in a later "
                    "--config"
                )
            self.lm = load_lm(config["folder"], **options)
        else:
            self.lm = build_lm(config, vocab_size=self.hparams["vocab_size"], **options)
        length = check_sequence_length(self.lm.config, self._trainer)
        self.flops_per_token = flops_per_token(self.lm.config, length)
        self._decay_mask = decay_mask(self.lm)
        if self.hparams["activation_checkpointing"]:
            enable_activation_checkpointing(self.lm)
        if self.hparams["compile"]:
            self.lm.compile()
        self._fused_loss = ends_in_linear_head(self.lm)

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits ``[B, T, V]`` of the next tokens."""
        return run_lm(self.lm, batch)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the mean next-token loss in nats, plus the z-loss."""
        loss = lm_loss(self.lm, batch, z_loss=self.hparams["z_loss"], fused=self._fused_loss)
        if self.is_logged_step:
            self.log("train/loss", loss, prog_bar=True, sync_dist=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Log ``val/loss``; return the ``token_losses`` ``[B, T]`` in nats."""
        return self._evaluate(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Log ``test/loss``; return the ``token_losses`` ``[B, T]`` in nats."""
        outputs = self._evaluate(batch, "test")
        # [D]: tokens of each test document, where the data module knows them
        lengths = getattr(datamodule(self.trainer), "document_lengths", None)
        if lengths is not None:
            token_lengths = lengths.to(self.device)[batch["document_ids"]]
            losses, counted = outputs["token_losses"], batch["labels"] != IGNORE
            sums = sums_by_length(losses, counted, token_lengths, LENGTH_EDGES)
            self._by_length.update(sums.to(self._by_length.total))
        return outputs

    def on_test_start(self) -> None:
        """Start to accumulate losses by document length."""
        self._by_length = Sums((2, len(LENGTH_EDGES) + 1), self.device)

    def on_test_epoch_end(self) -> None:
        """Log the loss, overall and by document length."""
        super().on_test_epoch_end()
        sums = self._by_length.compute()
        names = [f"test/loss_documents_to_{edge}" for edge in LENGTH_EDGES]
        for name, (loss, count) in zip([*names, "test/loss_documents_longer"], sums.T, strict=True):
            if count > 0:
                self.log_result(name, float(loss / count))

    def _evaluate(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        losses = lm_token_losses(self.lm, batch, fused=self._fused_loss)
        dtype = sum_dtype(losses.device)
        self.add_mean(f"{stage}/loss", losses.sum(dtype=dtype), (batch["labels"] != IGNORE).sum())
        if "loss_groups" in batch:
            names: list[str] = datamodule(self.trainer).loss_groups
            for name, total, count in zip(
                names, *sums_by_group(losses, batch["loss_groups"], len(names)), strict=True
            ):
                self.add_mean(f"{stage}/loss_of_{name}", total, count)
        return {"token_losses": losses}

    def on_predict_start(self) -> None:
        """Open ``log_probs.RANK.parquet`` in ``predict-step=N`` of the run's folder."""
        name = f"log_probs.{self.global_rank}.parquet"
        self._writer = LogProbWriter(Path(self.trainer.log_dir or ".") / name)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Write tokens and log-probabilities ``[B, T]`` in nats; return their sums ``[B]``."""
        log_probs = -lm_token_losses(self.lm, batch, fused=self._fused_loss)
        self._writer.write({**batch, "log_probs": log_probs})
        return log_probs.sum(dim=1)

    def on_predict_end(self) -> None:
        """Complete the file and print where it is."""
        self._writer.close()
        rank_zero_info(f"Log-probabilities of the test split: {self._writer.path}")

    def configure_optimizers(self) -> Any:
        """Return the optimiser with its decay mask, and the learning-rate schedule."""
        groups = param_groups(self.lm, self._decay_mask)
        return optimizer_with_schedule(self, self.optimizer, groups)
