"""``Ensemble``: K language models trained on the same text, and their joint predictions.

Legend: K members, B sequences of a batch, T tokens of a sequence, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.strategies import FSDPStrategy
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import Attention, build_lm, flops_per_token, run_lm
from lit_research.lm.engines import EngineCallable, TransformersEngine
from lit_research.methods.base import datamodule
from lit_research.methods.ensemble.checkpoints import load_members
from lit_research.methods.ensemble.core import Average, scores_by_size
from lit_research.methods.ensemble.data import MemberCorpus
from lit_research.methods.ensemble.ensemble_evaluation import EnsembleEvaluation
from lit_research.methods.ensemble.members import (
    VECTORISED_UP_TO,
    as_member,
    build_stacked,
    clip_members,
    count_members,
    has_dropout,
    losses_in_turn,
    losses_vectorised,
    member_state,
)
from lit_research.methods.ensemble.pool import PoolWriter, TeacherPool
from lit_research.methods.pretrain import (
    LogProbWriter,
    Schedule,
    check_recipe,
    check_sequence_length,
    decay_mask,
    optimizer_with_schedule,
    param_groups,
)
from lit_research.methods.text import TextMethod
from lit_research.seeds import resolve_seed

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Batch = dict[str, Tensor]
Training = Literal["auto", "vectorised", "in_turn"]

# Optimisers whose step is the same for a stack of tensors as for each of them.
ELEMENTWISE = ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta")


def member_seeds(seeds: int | list[int]) -> list[int]:
    """Return ``seeds`` if it is a list, else K seeds that follow from ``seed_everything``."""
    if isinstance(seeds, int):
        return [1000 * resolve_seed(None) + member for member in range(seeds)]
    return list(seeds)


class Ensemble(TextMethod):
    """Train K members of one config, each with its own weights and order, and average them.

    A member depends on (config, its seed) alone: it is the same, up to rounding, in a run with
    others as in a separate run (``seeds: [3]``, one job each). ``gather`` then combines the members
    of such runs for ``validate``, ``test`` and ``predict``. Its data module is ``MemberCorpus``.

    "Pre-training under infinite compute" (Kim et al. 2025, arXiv 2509.14786). Members share their
    hyper-parameters; a member's seed sets its weights and its data order.

    Args:
        lm: config of each member, as in ``Pretrain``; randomly initialised.
        vocab_size: number of tokens; the command takes it from the data.
        seeds: number of members, K, whose seeds then follow from ``seed_everything``; or a list of
            distinct seeds, one per member.
        average: what the ensemble averages: ``logits`` (as in the paper) or ``probabilities``; both
            losses are logged.
        training: ``vectorised`` (all members in one pass, needs ``math`` attention and no
            dropout), ``in_turn`` (one member's graph in memory at a time), or ``auto``: vectorised
            where that was measured to be faster, for widths up to 64 on a CPU, where call overhead
            dominates the cost of a step.
        recipe: name of the recipe in ``points_file``; others are compared with ``standard``.
        points_file: a file of ``test`` results that several ensembles append to, one JSON object
            per line; the laws in parameters, data and both are fitted to all its points.
        gather: checkpoints (files or glob patterns) of ``Ensemble`` or ``Pretrain`` runs whose
            members to combine, instead of ``seeds``; not for ``fit``.
        optimizer: optimiser of the parameter groups; its learning rate is the peak.
        schedule: learning rate after the warm-up: ``cosine``, ``linear`` or ``constant``.
        warmup: share of the steps over which the learning rate rises to its peak.
        end_lr: learning rate at the end of ``cosine`` or ``linear``.
        warmup_from_zero: start the warm-up at 0 (the first update is zero), as optax does.
        z_loss: weight of the squared log-normaliser (0: none).
        attention: kernel: ``sdpa``, ``flash`` or ``math`` (see ``lit_research.lm``).
        engine: writes samples and pools of text with the live weights, by class path.
    """

    decisive_curves = {
        "loss of the ensemble and of a member (nats per token)": ["val/loss", "val/loss_member"],
        "gain from averaging (nats per token)": ["val/gain"],
        "training loss of a member (nats per token)": ["train/loss"],
    }
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the held-out loss of all members together, which should stay below "
        "that of a member by a gain that grows as members over-fit. Where the ensemble's own loss "
        "rises, train for fewer passes or with more weight decay."
    )

    lm: PreTrainedModel
    defines = ("lm", "vocab_size", "seeds")
    needs = {**TextMethod.needs, "batches": ("sequence_length",)}
    returns = ("token_losses",)

    def __init__(
        self,
        lm: dict[str, Any],
        vocab_size: int,
        seeds: int | list[int] = 5,
        average: Average = "logits",
        training: Training = "auto",
        recipe: str | None = None,
        points_file: str | None = None,
        gather: list[str] | None = None,
        optimizer: OptimizerCallable = lambda params: torch.optim.AdamW(
            params, lr=3e-3, weight_decay=0.1, fused=True
        ),
        schedule: Schedule = "cosine",
        warmup: float = 0.01,
        end_lr: float = 0.0,
        warmup_from_zero: bool = False,
        z_loss: float = 0.0,
        attention: Attention = "sdpa",
        engine: EngineCallable = TransformersEngine,
    ) -> None:
        super().__init__()
        where = "in model.init_args of Ensemble"
        self.trained_steps = 0
        self.seeds = member_seeds(seeds)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise UserError(
                f"seeds is {seeds}, {where}; give the number of members, or a list of distinct "
                "numbers"
            )
        if "folder" in lm:
            raise UserError(
                f"lm is the folder {lm['folder']!r}, {where}; give model_type and the sizes, since "
                "members are randomly initialised"
            )
        if (recipe is None) != (points_file is None):
            raise UserError(
                f"recipe is {recipe!r} and points_file {points_file!r}, {where}; give both or "
                "neither"
            )
        self.keep_hyperparameters()
        check_recipe(self.hparams, where)
        self.hparams["seeds"] = self.seeds
        self.optimizer, self.engine = optimizer, engine

    @property
    def has_weights(self) -> bool:
        """Whether the members come from their own checkpoints."""
        return self.hparams["gather"] is not None

    def configure_model(self) -> None:
        """Build the members, or load them from their checkpoints."""
        if hasattr(self, "lm"):
            return
        args = self.hparams
        files = args["gather"]
        if files is not None and self._trainer is not None and self._trainer.state.fn == "fit":
            raise UserError(
                "gather is given for fit, in model.init_args of Ensemble; "
                "give seeds, and gather for validate, test and predict"
            )

        def build() -> PreTrainedModel:
            return build_lm(args["lm"], vocab_size=args["vocab_size"], attention=args["attention"])

        if files is not None:
            data = datamodule(self._trainer) if self._trainer is not None else None
            self.lm, names, self.trained_steps = load_members(files, build, data)
            rank_zero_info(f"{len(names)} members: {', '.join(names)}.")
        else:
            self._decay_mask = decay_mask(build())
            self.lm = build_stacked(build, self.seeds)
        self.lm.train()
        length = check_sequence_length(self.lm.config, self._trainer)
        self.flops_per_token = flops_per_token(self.lm.config, length)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the number of training steps, for the points of ``test``."""
        self.trained_steps = checkpoint["global_step"]

    @property
    def size(self) -> int:
        """Number of members, K."""
        return count_members(self.lm)

    def setup(self, stage: str) -> None:
        """Refuse sharding strategies, and vectorised training with a fused attention kernel."""
        args = self.hparams
        if stage == "fit" and args["training"] == "vectorised" and args["attention"] != "math":
            raise UserError(
                f"training is vectorised and attention {args['attention']!r}, in model.init_args "
                "of Ensemble; give attention math, since a fused kernel cannot be vmapped"
            )
        if isinstance(self.trainer.strategy, FSDPStrategy):
            raise UserError(
                "an Ensemble's stacked parameters cannot be sharded, with trainer.strategy FSDP; "
                "train each member with Pretrain, and gather the checkpoints"
            )

    def on_fit_start(self) -> None:
        """Choose how to train; refuse data without a batch for each member."""
        data = datamodule(self.trainer)
        if not isinstance(data, MemberCorpus):
            raise UserError(
                f"{type(data).__name__} gives one batch per step and an Ensemble needs one per "
                "member, in data; give data.class_path MemberCorpus"
            )
        self._vectorised = self._choose_training()
        if self._vectorised:
            self.lm.set_attn_implementation("eager")
        elif self.trainer.precision == "16-mixed":
            raise UserError(
                "precision is 16-mixed, in trainer of an Ensemble trained in turn; give "
                "bf16-mixed, since its gradients are computed before the loss is scaled"
            )
        how = "vectorised, all in one pass" if self._vectorised else "in turn"
        rank_zero_info(f"{self.size} members, trained {how}.")

    def _choose_training(self) -> bool:
        training = self.hparams["training"]
        masked = datamodule(self.trainer).hparams.get("mask_across_documents", False)
        reason = (
            "the model has dropout"
            if has_dropout(self.lm)
            else "the data keeps documents apart"
            if masked
            else None
        )
        if training == "vectorised" and reason:
            raise UserError(
                f"training is vectorised but {reason}, in model.init_args of Ensemble; "
                "give training in_turn"
            )
        width = self.lm.config.hidden_size
        device_type = self.trainer.strategy.root_device.type
        small = self.size > 1 and width <= VECTORISED_UP_TO.get(device_type, 0)
        return training == "vectorised" or (training == "auto" and small and reason is None)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the sum of the members' losses in nats, so that each gets its own gradient."""
        z_loss = self.hparams["z_loss"]
        if self._vectorised:
            loss_K = losses_vectorised(self.lm, batch, z_loss=z_loss)
        else:
            # The number of the batch in the run, for dropout.
            step = self.trainer.fit_loop.epoch_loop.total_batch_idx
            loss_K = losses_in_turn(self.lm, batch, step=step, seeds=self.seeds, z_loss=z_loss)
        if self.is_logged_step:
            self.log("train/loss", loss_K.detach().mean(), prog_bar=True, sync_dist=True)
        return loss_K.sum()

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip each member's gradient by its own norm."""
        if gradient_clip_val is None:
            return
        if gradient_clip_algorithm == "value":
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
            return
        norm_K = clip_members(list(self.lm.parameters()), float(gradient_clip_val))
        if self.is_logged_step:
            self.log("train/grad_norm", norm_K.mean())

    def _member_logits(self, batch: Batch) -> Iterator[Tensor]:
        """Yield the logits ``[B, T, V]`` of one member after another."""
        for member in range(self.size):
            with as_member(self.lm, member) as lm:
                yield run_lm(lm, batch)

    def forward(self, batch: Batch) -> Tensor:
        """Return the mean logits ``[B, T, V]`` of all members."""
        total: Tensor | None = None
        for logits in self._member_logits(batch):
            total = logits.float().clone() if total is None else total.add_(logits)
        assert total is not None
        return total / self.size

    def on_validation_epoch_start(self) -> None:
        """Start to accumulate losses or option scores."""
        self.evaluation = EnsembleEvaluation(self, self.lm, "val", trained_steps=self.trained_steps)

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Score every ensemble size; return the ``token_losses`` ``[B, T]`` of the largest."""
        scores = scores_by_size(self._member_logits(batch), batch["labels"])
        return {"token_losses": self.evaluation.add(batch, scores)}

    def on_validation_epoch_end(self) -> None:
        """Log the ensemble's loss, the mean member's, and the gain from averaging."""
        self.evaluation.finish()

    def on_test_epoch_start(self) -> None:
        """As ``on_validation_epoch_start``."""
        self.evaluation = EnsembleEvaluation(
            self, self.lm, "test", trained_steps=self.trained_steps
        )

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """As ``validation_step``."""
        return self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """Log as validation does; fit, show and print the law in the number of members."""
        self.evaluation.finish()

    def on_predict_start(self) -> None:
        """Open a pool of teachers' text, or ``predict-step=N/log_probs.RANK.parquet``."""
        data = datamodule(self.trainer)
        is_pool = isinstance(data, TeacherPool)
        self._pool = PoolWriter(data, self.lm, self.size, self.engine) if is_pool else None
        if self._pool is None:
            name = f"log_probs.{self.global_rank}.parquet"
            self._writer = LogProbWriter(Path(self.trainer.log_dir or ".") / name)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Write a shard of text, or tokens and the ensemble's log-probabilities ``[B, T]``.

        Returns:
            Sums of log-probabilities in nats ``[B]``; for a shard, its number of tokens.
        """
        if self._pool is not None:
            return self._write_shard(self._pool, batch["shard"])  # type: ignore[arg-type]
        *_, last = scores_by_size(self._member_logits(batch), batch["labels"])
        log_probs: Tensor = getattr(last, self.hparams["average"])
        self._writer.write({**batch, "log_probs": log_probs})
        return log_probs.sum(dim=1)

    def _write_shard(self, pool: PoolWriter, shard: int) -> Tensor:
        if pool.has(shard):
            return torch.zeros(())
        with as_member(self.lm, pool.member_of(shard)) as lm:
            return torch.tensor(float(pool.write(shard, lm)))

    def on_predict_end(self) -> None:
        """Complete the output and print where it is."""
        if self._pool is not None:
            self._pool.finish(self.trainer)
            return
        self._writer.close()
        rank_zero_info(f"Log-probabilities of the test split: {self._writer.path}")

    def configure_optimizers(self) -> Any:
        """Return one optimiser for the stack of members, and its schedule."""
        groups = param_groups(self.lm, self._decay_mask)
        optimizers = optimizer_with_schedule(self, self.optimizer, groups)
        name = type(optimizers["optimizer"]).__name__
        if name not in ELEMENTWISE:
            raise UserError(
                f"{name} depends on whole matrices and members are stacks of them, in "
                f"model.init_args.optimizer of Ensemble; give one of {', '.join(ELEMENTWISE)}, or "
                "train each member with Pretrain and gather the checkpoints"
            )
        return optimizers

    def models(self) -> Generator[tuple[str, PreTrainedModel], None, None]:
        """Iterate over the members, ``member_0`` and so on; samples come from the first one."""
        for number in range(self.size):
            with as_member(self.lm, number) as lm:
                yield f"member_{number}", lm

    def member(self, number: int) -> dict[str, Tensor]:
        """Return the weights of one member, as in an unstacked language model."""
        return member_state(self.lm, number)
