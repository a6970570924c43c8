"""What every method is made of: a ``Method`` (LightningModule) and a ``DataModule``.

The command accepts only subclasses of these two, so that ``lit-research fit --help`` lists the
known methods. Keep every ``__init__`` argument plain YAML data (or an optimiser callable), with a
type hint: the command then validates it, and ``load_from_checkpoint`` restores the right class.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.precision import MixedPrecision, Precision
from lightning.pytorch.strategies import FSDPStrategy
from lightning.pytorch.utilities.enums import GradClipAlgorithmType
from torch import Tensor
from torch.optim import Optimizer

from lit_research.errors import UserError
from lit_research.metrics import Mean, MetricsByKey, sum_dtype


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(v) for v in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _means_by_name(device: torch.device) -> MetricsByKey[str, Mean]:
    return MetricsByKey(lambda name: Mean(device))


class _PlainHyperparameters:
    def keep_hyperparameters(self) -> None:
        """Save the arguments of ``__init__`` as ``self.hparams``, as plain YAML data only.

        Run by the command, the arguments are those of the config (an optimiser is its
        ``class_path`` and ``init_args``). Called from Python, a callable is left out: a checkpoint
        must load with ``weights_only=True``.
        """
        frame = inspect.currentframe()
        assert frame is not None
        self.save_hyperparameters(logger=False, frame=frame.f_back)  # type: ignore[attr-defined]
        hparams = self.hparams  # type: ignore[attr-defined]
        for key in [k for k, v in hparams.items() if not _is_plain(v)]:
            del hparams[key]


class Method(_PlainHyperparameters, pl.LightningModule):
    """Base of the methods: a LightningModule whose checkpoints hold plain data only.

    What ``fit`` alone needs of its arguments is checked in ``setup("fit")``: the other verbs must
    not be refused by it.

    Its evaluations log what is the same on every rank: a step gives sums and counts to ``add_mean``
    and the end of the epoch logs the means; other results go through ``log_result``.

    Attributes:
        decisive_curves: title of a chart and its metrics; these come first in TensorBoard, under
            CUSTOM SCALARS. Empty where there is nothing to train.
        reading: says in two sentences what to look at there.
        defines: arguments of ``__init__`` that say which model the weights are of. Evaluated, a
            checkpoint must have been trained with the same.
        needs: attributes of the data module that a use of the method reads; uses are ``batches``,
            ``sample`` and ``export_hf``.
        returns: keys of what ``validation_step`` and ``test_step`` return; ``None``: unknown.
        validation_metrics: names, or patterns of names, that it logs until a validation ends;
            ``None``: unknown.
    """

    decisive_curves: Mapping[str, list[str]] = {"loss (nats per token)": ["train/loss", "val/loss"]}
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the curves that decide: the validation loss should fall with the "
        "training loss. Where it rises while the training loss falls, the model overfits."
    )
    _means: MetricsByKey[str, Mean] | None = None
    defines: ClassVar[tuple[str, ...]] = ("lm", "vocab_size")
    needs: ClassVar[dict[str, tuple[str, ...]]] = {}
    returns: ClassVar[tuple[str, ...] | None] = None
    validation_metrics: ClassVar[tuple[str, ...] | None] = None

    @property
    def has_weights(self) -> bool:
        """Whether the model has trained weights without a checkpoint."""
        lm = self.hparams.get("lm")
        return isinstance(lm, dict) and "folder" in lm

    @property
    def is_logged_step(self) -> bool:
        """Whether the logger writes this step; ``self.log`` costs 0.5 ms, so ask in hot loops."""
        return self.trainer._logger_connector.should_update_logs

    def add_mean(self, name: str, total: Tensor, count: Tensor | int) -> None:
        """Add a batch to the mean that the end of this evaluation logs as ``name``.

        Unlike ``self.log(..., sync_dist=True)`` it weighs every token or sequence alike, however
        many each batch and each rank has, and no batch waits for the device.

        Args:
            name: to log, such as ``val/loss``.
            total: sum over what the batch counts, a scalar.
            count: number of what was summed.
        """
        if self._means is None:
            self._means = _means_by_name(total.device)
        dtype = sum_dtype(total.device)
        count = torch.as_tensor(count, dtype=dtype, device=total.device)
        self._means[name].update(torch.stack([total.detach().to(dtype), count]))

    def log_means(self) -> dict[str, float]:
        """Log what ``add_mean`` has gathered, and begin again. Call it on every rank.

        Returns:
            The means of all ranks, by name; nan where nothing was counted.
        """
        means, self._means = self._means or _means_by_name(self.device), None
        values = {name: float(mean) for name, mean in means.compute().items()}
        for name, value in values.items():
            self.log_result(name, value, prog_bar=name in ("val/loss", "test/loss"))
        return values

    def log_result(self, name: str, value: float | Tensor, prog_bar: bool = False) -> None:
        """Log a result that every rank has already, at the end of an evaluation, on every rank."""
        # Together these say that there is nothing to reduce: no collective, and no warning of it.
        self.log(name, value, prog_bar=prog_bar, batch_size=1, sync_dist=True, rank_zero_only=True)

    def on_validation_epoch_start(self) -> None:
        """Begin the means."""
        self._means = None

    def on_test_epoch_start(self) -> None:
        """Begin the means."""
        self._means = None

    def on_validation_epoch_end(self) -> None:
        """Log the means."""
        self.log_means()

    def on_test_epoch_end(self) -> None:
        """Log the means."""
        self.log_means()

    def count_step(self) -> None:
        """Count one step of the run, under manual optimisation with raw optimisers.

        Lightning's ``global_step`` counts calls of its own optimiser wrappers: two for each step of
        a method with two optimisers, none for a step in which there was nothing to learn.
        """
        loop = self.trainer.fit_loop.epoch_loop.manual_optimization
        loop.optim_step_progress.increment_ready()
        loop.optim_step_progress.increment_completed()

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip as Lightning does, and where it would refuse to.

        FSDP: by the norm of the whole, which its shards know. A fused optimiser in bf16-mixed:
        Lightning says that it unscales its gradients by itself, but bf16 has no scale.
        """
        if gradient_clip_val is None:
            return
        plugin = self.trainer.precision_plugin
        if isinstance(self.trainer.strategy, FSDPStrategy):
            whole = self.trainer.strategy.model
            whole.clip_grad_norm_(gradient_clip_val)  # type: ignore[operator, union-attr]
        elif isinstance(plugin, MixedPrecision) and plugin.scaler is None:
            kind = GradClipAlgorithmType(gradient_clip_algorithm or "norm")
            Precision.clip_gradients(plugin, optimizer, gradient_clip_val, kind)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)


class DataModule(_PlainHyperparameters, pl.LightningDataModule):
    """Base of the data modules.

    What the shared parts look for, where a data module has it: ``vocab_size`` (linked to the
    model's argument of that name), ``sequence_length``, ``tokenizer`` and ``batches_per_epoch``
    (optimiser batches of one rank in one epoch; ``None`` for an endless stream). A
    ``TextDataModule`` has them all.

    A verb is refused by what it reads itself, never by what another verb would need: values that no
    verb can use are refused in ``__init__``, the others in ``setup(stage)`` or by the loader.

    Attributes:
        defines: arguments of ``__init__`` that say what a model's input means; see ``Method``.
        length_argument: the argument of ``__init__`` that ``sequence_length`` comes from.
    """

    defines: ClassVar[tuple[str, ...]] = ("tokenizer",)
    length_argument = "sequence_length"

    @property
    def rank(self) -> int:
        """Number of this process among those of the run; 0 without a trainer."""
        return self.trainer.global_rank if self.trainer is not None else 0

    @property
    def world_size(self) -> int:
        """Processes of the run; 1 without a trainer."""
        return self.trainer.world_size if self.trainer is not None else 1

    @property
    def has_validation(self) -> bool:
        """Whether there is anything to validate on during ``fit``; asked after ``setup``."""
        return True

    def setup(self, stage: str) -> None:
        """Refuse to train on less than one batch; overridden, it checks what the verb reads.

        Raises:
            UserError: the verb is ``fit``, and an epoch has no batch.
        """
        if stage == "fit" and getattr(self, "batches_per_epoch", None) == 0:
            raise UserError(
                f"the training data have less than one batch of {self.hparams.get('batch_size')} "
                f"on each of {self.world_size} devices, in data.init_args of "
                f"{type(self).__name__}; lower batch_size, or give more data"
            )


D = TypeVar("D", bound=DataModule)


def run_folder(trainer: pl.Trainer) -> Path | None:
    """Return the folder of the run that is trained or evaluated.

    The command lets an evaluation log in a folder of its own, ``VERB-step=N``, inside the run's.
    """
    folder = trainer.log_dir
    if folder is None:
        return None
    inside = re.fullmatch(r"(validate|test|predict)(-step=\d+)?", Path(folder).name)
    return Path(folder).parent if inside else Path(folder)


def datamodule(trainer: pl.Trainer) -> Any:
    """Return the run's data module (Lightning's type hints do not know that a trainer has one)."""
    return trainer.datamodule  # type: ignore[attr-defined]


def data_of(module: Method, kind: type[D]) -> D:
    """Return the data module of a method that reads only one kind.

    Raises:
        UserError: it is another one.
    """
    data = datamodule(module.trainer)
    if not isinstance(data, kind):
        raise UserError(
            f"{type(module).__name__} reads a {kind.__name__}, in data of {type(data).__name__}; "
            f"give data.class_path {kind.__name__}"
        )
    return data


def total_steps(trainer: pl.Trainer) -> int | None:
    """Return the number of optimiser steps of a ``fit`` run; ``None`` where it has no end.

    It asks the data module for its length. Lightning's ``estimated_stepping_batches`` would set up
    the loaders early and so drop their saved state (Lightning pull request 21765).
    """
    steps = trainer.max_steps if trainer.max_steps >= 0 else None
    batches = getattr(datamodule(trainer), "batches_per_epoch", None)
    if batches is None or trainer.max_epochs is None or trainer.max_epochs < 0:
        return steps
    limit = trainer.limit_train_batches
    if limit is not None:
        batches = int(batches * limit) if isinstance(limit, float) else min(batches, limit)
    by_epochs = trainer.max_epochs * math.ceil(batches / trainer.accumulate_grad_batches)
    return by_epochs if steps is None else min(steps, by_epochs)
