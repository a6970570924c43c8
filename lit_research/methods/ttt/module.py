"""``TTTE2E``: meta-train a language model that keeps learning while it reads.

Legend: B sequences, T tokens, V vocabulary.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import (
    IGNORE,
    count_parameters,
    enable_activation_checkpointing,
    load_lm,
)
from lit_research.methods.base import datamodule, total_steps
from lit_research.methods.pretrain import Schedule, check_recipe, optimizer_with_schedule
from lit_research.methods.text import TextMethod
from lit_research.methods.ttt.config import CHANGEABLE, TTTE2EConfig, check_config
from lit_research.methods.ttt.context_evaluation import ContextEvaluation
from lit_research.methods.ttt.core import (
    ArmName,
    evaluation_inner,
    inner_lr_factor,
    training_inner,
    without_steps,
)
from lit_research.methods.ttt.document_reader import DocumentReader
from lit_research.methods.ttt.inner_loop import InnerLoop, Recompute, learnable, scan
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from lit_research.methods.ttt.streaming import Stream
from lit_research.metrics import sum_dtype
from lit_research.ranges import COUNT, NOT_NEGATIVE, SHARE, check_range

Batch = dict[str, Tensor]
WHERE = "in model.init_args of TTTE2E"
FOLDER_FIELDS = ("folder", *CHANGEABLE)


class TTTE2E(TextMethod):
    """Train a TTT-E2E language model, or one of the arms that it is compared with.

    The training loss is the loss of the model while its inner loop runs, so the outer gradient
    goes through every inner step (Tandon et al. 2025, arXiv 2512.23675). Arms: ``e2e``;
    ``first_order`` (inner gradients are constants in the outer one); ``swa`` (sliding window, no
    inner loop); ``naive`` (trained as ``swa``, run with the inner loop); ``full`` (full attention).

    Args:
        lm: fields of ``TTTE2EConfig``; or ``folder``, a model that ``export_hf``, ``convert.py`` or
            ``released.py`` wrote, with overrides of its ``window``, ``chunk``, ``inner_lr``,
            ``inner_clip``, ``rope_theta`` and ``ignored_label_ids``.
        vocab_size: number of tokens; the command takes it from the data.
        arm: the arm to train.
        inner_warmup: share of the outer steps over which the inner learning rate rises from a tenth
            of its value; 0 to extend a trained model.
        recompute: what backward recomputes: ``none``, each ``chunk``, or ``sqrt`` or ``log`` groups
            of chunks (less memory, more time).
        activation_checkpointing: keep one activation of each block before those with fast weights,
            and recompute the rest in backward.
        optimizer: outer optimiser; every parameter decays, as in the official code.
        schedule: learning rate after the warm-up: ``cosine``, ``linear`` or ``constant``.
        warmup: share of the steps over which the learning rate rises to its peak.
        end_lr: learning rate at the end of ``cosine`` or ``linear``.
        warmup_from_zero: start the warm-up at 0 (the first update is zero), as optax does.
        continue_tokens: tokens that ``predict`` generates after each document.
        temperature: of that sampling; 0 takes the most likely token.
        save_state_every: tokens between two saved states of a document that ``predict`` reads.
    """

    decisive_curves = {
        "loss with and without the inner loop (nats per token)": ["val/loss", "val/loss_frozen"],
        "loss by part of the context (nats per token)": [
            "val/loss_first_eighth",
            "val/loss_last_eighth",
        ],
        "training loss (nats per token)": ["train/loss"],
    }
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows whether the model learns while it reads: val/loss should fall below "
        "val/loss_frozen, where the inner loop is off. The last eighth of the context should then "
        "have a lower loss than the first."
    )

    lm: TTTE2EForCausalLM
    defines = ("lm", "vocab_size", "arm")
    needs = {"batches": ("sequence_length",), "sample": ("tokenizer",)}
    returns: ClassVar[tuple[str, ...] | None] = ("token_losses",)
    validation_metrics: ClassVar[tuple[str, ...] | None] = (
        "train/loss",
        "val/loss",
        "val/loss_frozen",
        "val/loss_*_eighth",
    )

    def __init__(
        self,
        lm: dict[str, Any],
        vocab_size: int,
        arm: ArmName = "e2e",
        inner_warmup: float = 0.1,
        recompute: Recompute = "chunk",
        activation_checkpointing: bool = False,
        optimizer: OptimizerCallable = lambda params: torch.optim.AdamW(
            params, lr=3e-3, weight_decay=0.1, fused=True
        ),
        schedule: Schedule = "cosine",
        warmup: float = 0.1,
        end_lr: float = 0.0,
        warmup_from_zero: bool = False,
        continue_tokens: int = 0,
        temperature: float = 1.0,
        save_state_every: int = 65536,
    ) -> None:
        super().__init__()
        check_range(NOT_NEGATIVE, WHERE, continue_tokens=continue_tokens, temperature=temperature)
        check_range(COUNT, WHERE, save_state_every=save_state_every)
        check_range(SHARE, WHERE, inner_warmup=inner_warmup)
        known = [name for name in inspect.signature(TTTE2EConfig).parameters if name != "kwargs"]
        known = list(FOLDER_FIELDS) if "folder" in lm else [n for n in known if n != "vocab_size"]
        for name in lm:
            if name not in known:
                raise UserError(
                    f"unknown field {name!r}, in lm, {WHERE}; give fields of TTTE2EConfig, "
                    f"{', '.join(known)}"
                )
        self.keep_hyperparameters()
        check_recipe(self.hparams, WHERE)
        # A checkpoint's hyper-parameters win over the command's; these are no part of the training.
        names = ("continue_tokens", "temperature", "save_state_every")
        self._reader_options = {name: self.hparams.pop(name) for name in names}
        self.optimizer = optimizer

    def configure_model(self) -> None:
        """Build or load the model; check that its chunks fit the data."""
        if hasattr(self, "lm"):
            return
        args = self.hparams
        if "folder" in args["lm"]:
            self.lm = self._load(**args["lm"])
            config = cast(TTTE2EConfig, self.lm.config)
            self._check(config)
        else:
            fields = {**args["lm"], "vocab_size": args["vocab_size"]}
            if args["arm"] == "full":
                fields |= {"window": None, "num_suffix_layers": 0}
            config = TTTE2EConfig(**fields)
            self._check(config)
            self.lm = TTTE2EForCausalLM(config)
        if args["activation_checkpointing"]:
            self._checkpoint_prefix()
        self.lm.train()
        self.inner = InnerLoop(config.inner_lr, config.inner_clip, recompute=args["recompute"])
        self.flops_per_token = 6.0 * count_parameters(self.lm)

    def _checkpoint_prefix(self) -> None:
        if not self.lm.prefix:
            raise UserError(
                f"activation_checkpointing is true, {WHERE}, but all {len(self.lm.suffix)} blocks "
                "have fast weights, for which recompute decides; set it to false"
            )
        enable_activation_checkpointing(self.lm)

    def _load(self, folder: str, **changes: Any) -> TTTE2EForCausalLM:
        """Load a folder, overriding config fields that no weight's shape depends on."""
        # A name with one slash would be looked up on the model hub.
        if not Path(folder).expanduser().is_dir():
            raise UserError(
                f"there is no folder {folder!r}, in lm, {WHERE}; give one that convert.py or "
                "export_hf wrote"
            )
        lm = load_lm(folder)
        if not isinstance(lm, TTTE2EForCausalLM):
            raise UserError(
                f"the model in {folder!r} is of type {lm.config.model_type}, in lm, {WHERE}; "
                "convert it with python -m lit_research.methods.ttt.convert"
            )
        if lm.config.vocab_size < self.hparams["vocab_size"]:
            raise UserError(
                f"the model in {folder!r} has {lm.config.vocab_size} tokens and the data "
                f"{self.hparams['vocab_size']}, in lm, {WHERE}; give data.init_args.tokenizer the "
                "model's folder"
            )
        for name, value in changes.items():
            setattr(lm.config, name, value)
        if self.hparams["arm"] == "full" and lm.suffix:
            raise UserError(
                f"arm is full, {WHERE}, but the last {len(lm.suffix)} blocks of the model in "
                f"{folder!r} have prime MLPs; give one that arm full wrote, or "
                "train the original checkpoint with Pretrain"
            )
        return lm

    def _check(self, config: TTTE2EConfig) -> None:
        check_config(config, f"in lm, {WHERE}")
        arm = self.hparams["arm"]
        if (arm == "full") != (config.window is None):
            raise UserError(
                f"arm is {arm}, but window is {config.window or 'null'}, in lm, {WHERE}; give "
                "window null for arm full, and a number of tokens for the others"
            )
        if arm not in ("swa", "full") and not config.num_suffix_layers:
            raise UserError(
                f"arm is {arm}, but no block has a prime MLP, which its inner loop trains, in lm, "
                f"{WHERE}; give num_suffix_layers, or arm swa"
            )
        lengths = self._lengths() if self._trainer is not None else []
        for name, length in lengths:
            if length is not None and config.num_suffix_layers and length % config.chunk:
                raise UserError(
                    f"{name} is {length}, in data.init_args, and the model's chunk {config.chunk}; "
                    "give whole chunks"
                )

    def on_validation_batch_start(
        self, batch: Batch, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Mask the config's ``ignored_label_ids`` as ``scan`` does, so that none is counted."""
        ignored = cast(TTTE2EConfig, self.lm.config).ignored_label_ids
        batch["labels"] = learnable(batch["labels"], ignored)

    on_test_batch_start = on_validation_batch_start

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the mean of the chunks' losses, each before its own inner step, in nats."""
        inner = training_inner(self.hparams["arm"], self.inner)
        inner = replace(inner, lr=inner.lr * inner_lr_factor(self.global_step, self._inner_steps))
        loss, _ = self._run(batch, inner)
        if self.is_logged_step:
            self.log("train/loss", loss.detach(), prog_bar=True, sync_dist=True)
        return loss

    def on_train_start(self) -> None:
        """Set the inner rate's warm-up steps from the length of the run."""
        steps = total_steps(self.trainer)
        if steps is None and self.hparams["inner_warmup"] > 0:
            raise UserError(
                f"inner_warmup is {self.hparams['inner_warmup']}, {WHERE}, but the run has no "
                "last step; give trainer.max_steps, or inner_warmup 0"
            )
        self._inner_steps = round((steps or 0) * self.hparams["inner_warmup"])

    def _run(self, batch: Batch, inner: InnerLoop) -> tuple[Tensor, Tensor]:
        return scan(self.lm, batch["input_ids"], batch["labels"], inner)

    def _lengths(self) -> list[tuple[str, int | None]]:
        """Return the sequence lengths that the verb reads; ``predict`` reads any length."""
        data, verb = datamodule(self.trainer), self.trainer.state.fn
        assert verb is not None  # a verb is running
        contexts = getattr(data, "contexts", None)
        if verb == TrainerFn.TESTING and contexts:
            return [("a length of contexts", length) for length in contexts]
        at_end = "eval_length" if hasattr(data, "eval_length") else "sequence_length"
        names: dict[TrainerFn | None, tuple[str, ...]] = {
            TrainerFn.FITTING: ("sequence_length", at_end),
            TrainerFn.VALIDATING: (at_end,),
            TrainerFn.TESTING: (at_end,),
        }
        # As given: `Permutations.sequence_length` is the longer one of training and evaluation.
        given = dict(getattr(data, "hparams", {}))
        return [(n, given.get(n) or getattr(data, n, None)) for n in names.get(verb, ())]

    def forward(self, batch: Batch) -> Tensor:
        """Return the token losses ``[B, T]`` in nats, with the inner loop as at test time."""
        # InnerLoop steps need gradients, which inference mode would forbid.
        with torch.inference_mode(False), torch.no_grad():
            clone = {name: value.clone() for name, value in batch.items()}
            return self._run(clone, evaluation_inner(self.hparams["arm"], self.inner))[1]

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Log ``val/loss`` and the first and last eighth's; return ``token_losses`` ``[B, T]``.

        ``val/loss_frozen`` is the loss of the same weights with the inner loop off.
        """
        losses, dtype = self(batch), sum_dtype(self.device)
        counted = batch["labels"] != IGNORE
        self.add_mean("val/loss", losses.sum(dtype=dtype), counted.sum())
        frozen = without_steps("none")
        if evaluation_inner(self.hparams["arm"], self.inner) != frozen:
            with torch.no_grad():
                off = self._run(batch, frozen)[1]
            self.add_mean("val/loss_frozen", off.sum(dtype=dtype), counted.sum())
        eighths = zip(losses.tensor_split(8, dim=1), counted.tensor_split(8, dim=1), strict=True)
        (first, first_counted), *_, (last, last_counted) = eighths
        self.add_mean("val/loss_first_eighth", first.sum(dtype=dtype), first_counted.sum())
        self.add_mean("val/loss_last_eighth", last.sum(dtype=dtype), last_counted.sum())
        return {"token_losses": losses}

    def on_test_start(self) -> None:
        """Start to accumulate the test results."""
        inner = evaluation_inner(self.hparams["arm"], self.inner)
        self.evaluation = ContextEvaluation(self, self.lm, inner)

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Score a batch with the inner loop on and off; see ``ContextEvaluation``."""
        return self.evaluation.add(batch)

    def on_test_epoch_end(self) -> None:
        """Log, draw and print the test results for each context length."""
        self.evaluation.finish()

    def on_predict_start(self) -> None:
        """Open the folder ``reading`` in ``predict-step=N`` of the run's folder."""
        self._reader = DocumentReader(
            Path(self.trainer.log_dir or ".") / "reading",
            self.lm,
            evaluation_inner(self.hparams["arm"], self.inner),
            **self._reader_options,
            progress=self.trainer.is_global_zero and self.trainer.progress_bar_callback is not None,
        )

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Read documents ``[B, N]`` of any length; return their log-probabilities, ``[B, N]``.

        ``DocumentReader`` says what is written, and how an interrupted run resumes.
        """
        log_probs, generated = self._reader.read(batch["input_ids"])
        texts = self._decode(generated)
        for row, (scores, text) in enumerate(zip(log_probs, texts, strict=True)):
            N = len(scores)
            entry = {"tokens": N, "loss": -float(scores.sum()) / max(1, N - 1)}
            if "document_ids" in batch:
                entry["document"] = int(batch["document_ids"][row])
            self._reader.index({**entry, "continuation": text})
        return log_probs

    def on_predict_end(self) -> None:
        """Print where the results are."""
        rank_zero_info(f"Log-probabilities and continuations: {self._reader.folder}")

    def _decode(self, generated: Tensor) -> list[str]:
        tokenizer = getattr(datamodule(self.trainer), "tokenizer", None)
        if tokenizer is None:
            return [" ".join(map(str, row)) for row in generated.tolist()]
        return list(tokenizer.batch_decode(generated, skip_special_tokens=True))

    def configure_optimizers(self) -> Any:
        """Return the outer optimiser and its schedule."""
        groups = [{"params": [p for p in self.lm.parameters() if p.requires_grad]}]
        return optimizer_with_schedule(self, self.optimizer, groups)

    def sample(
        self, prompts: list[str], *, max_new_tokens: int, temperature: float, seed: int
    ) -> list[str]:
        """Continue each of ``prompts`` with the current weights, learning as at test time."""
        tokenizer, texts = datamodule(self.trainer).tokenizer, []
        inner = evaluation_inner(self.hparams["arm"], self.inner)
        for prompt in prompts:
            stream = Stream(self.lm, 1, inner)
            ids = tokenizer(prompt, add_special_tokens=False).input_ids
            stream.read(torch.tensor([ids], device=self.device), keep=1)
            generated = stream.generate(max_new_tokens, temperature=temperature, seed=seed)
            texts.append(str(tokenizer.decode(generated[0], skip_special_tokens=True)))
        return texts
