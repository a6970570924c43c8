"""What methods that train on next tokens ask of a recipe, checked before hours are spent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch

from lit_research.errors import UserError
from lit_research.methods.base import datamodule, total_steps
from lit_research.methods.pretrain.core import Schedule, learning_rate_factor

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def check_recipe(*, warmup: float, z_loss: float, where: str) -> None:
    """Refuse a warm-up that is no share of the run, or a negative z-loss."""
    if not 0.0 <= warmup < 1.0:
        raise UserError(
            f"warmup is {warmup}, {where}: give the share of the steps, from 0 up to (not "
            "including) 1"
        )
    if z_loss < 0.0:
        raise UserError(f"z_loss is {z_loss}, {where}: give 0 or more")


def check_sequence_length(config: PreTrainedConfig, trainer: pl.Trainer | None) -> int:
    """Return the data's sequence length, else the model's; refuse data that the model cannot take.

    Raises:
        UserError: the data's sequences are longer than the model has positions.
    """
    data = datamodule(trainer) if trainer is not None else None
    limit: int = config.max_position_embeddings
    length = getattr(data, "sequence_length", None) or limit
    if length > limit:
        name = getattr(data, "length_argument", "sequence_length")
        new = trainer is not None and trainer.state.fn == "fit"
        raise UserError(
            f"{name} is {length}, in data.init_args of {type(data).__name__}, beyond the model's "
            f"{limit} positions: give {limit} or less"
            + (f", or give the lm {length} positions" if new else "")
        )
    return length


def optimizer_with_schedule(
    module: pl.LightningModule,
    make: Callable[[Any], torch.optim.Optimizer],
    groups: list[dict[str, Any]],
    *,
    schedule: Schedule,
    warmup: float,
) -> dict[str, Any]:
    """Return what ``configure_optimizers`` returns: an optimiser and its schedule by the step.

    Args:
        module: of a trainer, which knows the number of steps.
        make: makes the optimiser from parameter groups; its learning rate is the peak.
        groups: see ``param_groups``.
        schedule: ``cosine``, ``linear`` or ``constant``.
        warmup: share of the steps.

    Raises:
        UserError: the optimiser refuses its values, or a run without a last step is to decay.
    """
    where = f"model.init_args of {type(module).__name__}"
    try:
        optimizer = make(groups)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{error}, in model.init_args.optimizer: give values that the optimiser takes"
        ) from error
    steps = total_steps(module.trainer)
    if steps is None and schedule != "constant":
        raise UserError(
            f"schedule is {schedule}, in {where}, but the run has no last "
            "step: give trainer.max_steps (or trainer.max_epochs for data of known length)"
        )
    total = steps or 0
    warmup_steps = round(total * warmup)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, total, warmup_steps, schedule)
    )
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "name": "lr"},
    }
