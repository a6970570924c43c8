"""``ResearchCheckpoint``: checkpoints from which a run goes on exactly."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.exceptions import SIGTERMException
from typing_extensions import override

from lit_research.callbacks.atomic_io import AtomicCheckpointIO
from lit_research.callbacks.boundaries import (
    ends_run,
    resumes_after_batch,
    resumes_after_validation,
    within_step,
)
from lit_research.callbacks.config_check import check_same_config, check_same_optimizer
from lit_research.callbacks.needs import check_logged, check_needs, check_validates
from lit_research.callbacks.optimizer_settings import OptimizerSettings
from lit_research.callbacks.random_state import gather_random_states, set_random_state
from lit_research.callbacks.stop_signals import StopSignals
from lit_research.errors import UserError
from lit_research.files import replacing
from lit_research.ranges import COUNT, check_range
from lit_research.tokenizer_check import TOKENIZER, check_same_tokens, tokens_hash

RANDOM_STATES = "random_states"


class ResearchCheckpoint(ModelCheckpoint):
    """ModelCheckpoint with atomic files, exact resume and refusals that say why.

    Files are written under another name, made durable and renamed, so that a kill or a full disk
    never costs the previous checkpoint. They are written only where a run goes on exactly (see
    ``boundaries``): after a step, or after the validation that follows it; one that is due at the
    end of an epoch without validation waits for the next step. SIGTERM and Slurm's signal save and
    stop the run at the next such place. An exception saves nothing: it comes in the middle of
    something, and the checkpoint before it counts.

    The random state of every process is restored in ``on_train_start``, before the first batch is
    fetched. What a module changes in its own ``on_train_start``, ``on_train_batch_end`` or
    ``on_validation_end`` comes after this callback, and so is not in the checkpoint.

    Args:
        dirpath: folder of the checkpoints; ``None`` is ``checkpoints`` in the run's folder.
        every_n_train_steps: steps between two checkpoints.
        keep: number of checkpoints to keep: the newest, or the best by ``monitor``.
        monitor: metric, read after each validation, that decides which are best; ``None`` keeps the
            newest.
        mode: whether a smaller (``min``) or larger (``max``) metric is better.
        allow_config_change: resume from a checkpoint whose model or data config differs; what the
            optimizer is given now counts (its learning rate, its decay), its state is kept.
        export_hf: write the trained model as a transformers folder, ``hf`` in the run's folder.
    """

    def __init__(
        self,
        dirpath: str | None = None,
        every_n_train_steps: int = 500,
        keep: int = 2,
        monitor: str | None = None,
        mode: Literal["min", "max"] = "min",
        allow_config_change: bool = False,
        export_hf: bool = False,
    ) -> None:
        check_range(COUNT, "in checkpoint", keep=keep, every_n_train_steps=every_n_train_steps)
        self.keeps_newest = newest = monitor is None
        super().__init__(
            dirpath=dirpath,
            filename="step={step}",
            auto_insert_metric_name=False,
            monitor="step" if newest else monitor,
            mode="max" if newest else mode,
            save_top_k=keep,
            # The newest checkpoint is always among those kept by step; by metric it may not be.
            save_last="link" if newest else True,
            every_n_train_steps=every_n_train_steps,
            enable_version_counter=False,
        )
        self.allow_config_change = allow_config_change
        self.export_hf = export_hf
        self._random_states: list[dict[str, Any]] | None = None
        self.resume_command = "the same command with --ckpt_path last"
        self._due = False
        self._signals = StopSignals()
        self._settings: OptimizerSettings | None = None

    @property
    @override
    def state_key(self) -> str:
        # Without the interval: a resumed run with another one still knows the files that it keeps.
        return self._generate_state_key(monitor=self.monitor, mode=self.mode)

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        with warnings.catch_warnings():
            # A resumed run goes on in its folder; what is of the same name is of the same step.
            warnings.filterwarnings("ignore", ".*exists and is not empty")
            super().setup(trainer, pl_module, stage)
        self._stage = stage
        if stage == "fit":
            self._check_asked_for(trainer, pl_module)
        # Sharded strategies (FSDP) bring their own files.
        if type(getattr(trainer.strategy, "checkpoint_io", None)) is TorchCheckpointIO:
            trainer.strategy.checkpoint_io = AtomicCheckpointIO(
                check=lambda content, path: self._check(trainer, pl_module, content, path)
            )

    def _check_asked_for(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Refuse an export that would fail after the training, and a monitor without a value."""
        if self.export_hf and not hasattr(module, "export_hf"):
            raise UserError(
                f"export_hf is true, in checkpoint, but {type(module).__name__} has no "
                "export_hf: set it to false"
            )
        if self.export_hf:
            check_needs(trainer, module, "export_hf", "checkpoint.export_hf")
        if not self.keeps_newest:
            check_logged(trainer, module, str(self.monitor), "in checkpoint.monitor")
            check_validates(trainer, module, str(self.monitor), "in checkpoint.monitor")

    def _check(
        self, trainer: pl.Trainer, module: pl.LightningModule, content: dict[str, Any], path: str
    ) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        check_same_tokens(content, path, data)
        current = {"model": dict(module.hparams), "data": dict(data.hparams) if data else {}}
        if self.allow_config_change:
            check_same_optimizer(content, path, current)
        else:
            check_same_config(content, path, current)

    @override
    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[RANDOM_STATES] = gather_random_states(trainer.world_size)
        checkpoint[TOKENIZER] = tokens_hash(trainer.datamodule)  # type: ignore[attr-defined]

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        before = state_dict.get("dirpath")
        if before and self.dirpath and os.path.realpath(before) == os.path.realpath(self.dirpath):
            state_dict = {**state_dict, "dirpath": self.dirpath}  # named from elsewhere
        with warnings.catch_warnings():
            # A run that begins in another folder has no other files to keep.
            warnings.filterwarnings("ignore", "The dirpath has changed")
            super().load_state_dict(state_dict)

    @override
    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._random_states = checkpoint.get(RANDOM_STATES)
        if trainer.state.fn != TrainerFn.FITTING and "loops" in checkpoint:
            # An evaluation logs at the step of what it evaluates.
            trainer.fit_loop.load_state_dict(checkpoint["loops"]["fit_loop"])

    @override
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # The optimizers are made and not restored yet.
        self._settings = OptimizerSettings.of(trainer)

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self._due = False
        if trainer.global_step:
            # What was just loaded is on disk already.
            self._last_global_step_saved = trainer.global_step
            assert self._settings is not None
            self._settings.apply(trainer, changed=self.allow_config_change)
        states, self._random_states = self._random_states, None
        if states is not None and len(states) == trainer.world_size:
            set_random_state(states[trainer.global_rank])
        elif states is not None:
            rank_zero_info(
                f"The checkpoint is of {len(states)} processes, this run has {trainer.world_size}: "
                "its random numbers (dropout) start anew."
            )
        self._signals.listen(trainer)

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        if within_step(trainer):
            return
        if trainer.global_step % self._every_n_train_steps == 0 or ends_run(trainer):
            self._due = True
        if resumes_after_batch(trainer):
            self._save_or_stop(trainer, validated=False)

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if resumes_after_validation(trainer):
            self._save_or_stop(trainer, validated=True)

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._due = True
        self._save(trainer, validated=False)
        if self.export_hf and trainer.is_global_zero:
            folder = Path(str(self.dirpath)).parent / "hf"
            pl_module.export_hf(str(folder))  # type: ignore[operator]
            rank_zero_info(f"The model as a transformers folder: {folder}")

    @override
    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        if self.last_model_path and not isinstance(exception, (UserError, SIGTERMException)):
            rank_zero_info(
                f"Stopped by {type(exception).__name__} after step {trainer.global_step}: "
                f"the newest checkpoint is {os.path.realpath(self.last_model_path)}. Resume: "
                f"{self.resume_command}"
            )

    def _save_or_stop(self, trainer: pl.Trainer, validated: bool) -> None:
        """Save what is due; where a signal has come, save and stop."""
        stop = self._signals.received_anywhere(trainer)
        self._due = self._due or stop
        self._save(trainer, validated)
        if stop:
            self._signals.stop(trainer, os.path.realpath(self.last_model_path), self.resume_command)

    def _save(self, trainer: pl.Trainer, validated: bool) -> None:
        """Save the newest files when they are due, the best ones after a validation."""
        due, self._due = self._due, False
        ranked = due if self.keeps_newest else validated
        if not (due or ranked) or self._should_skip_saving_checkpoint(trainer):
            return
        candidates = self._monitor_candidates(trainer)
        if ranked:
            self._save_topk_checkpoint(trainer, candidates)
        if due:
            self._save_last_checkpoint(trainer, candidates)

    @staticmethod
    @override
    def _link_checkpoint(trainer: pl.Trainer, filepath: str, linkpath: str) -> None:
        """Point ``last.ckpt`` at the newest file in one step."""
        if trainer.is_global_zero:
            with replacing(Path(linkpath), only_writer=True) as temporary:
                temporary.symlink_to(os.path.basename(filepath))
        trainer.strategy.barrier()
