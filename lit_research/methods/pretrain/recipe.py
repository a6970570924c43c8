"""Checks of a training recipe, and an optimiser with its learning-rate schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch

from lit_research.errors import UserError
from lit_research.methods.base import datamodule, total_steps
from lit_research.methods.pretrain.core import learning_rate_factor
from lit_research.ranges import NOT_NEGATIVE, check_range

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


def check_recipe(args: Mapping[str, Any], where: str) -> None:
    """Refuse values of a schedule that are impossible or have no effect, and a negative z-loss.

    Args:
        args: hyper-parameters: ``schedule``, ``warmup``, ``end_lr``, ``warmup_from_zero``, and
            optionally ``z_loss``.
        where: second part of the error message, ``in ...``.
    """
    warmup, end_lr, z_loss = args["warmup"], args["end_lr"], args.get("z_loss", 0.0)
    if not 0.0 <= warmup < 1.0:
        raise UserError(
            f"warmup is {warmup}, {where}; must be a share of the steps, at least 0 and below 1"
        )
    check_range(NOT_NEGATIVE, where, end_lr=end_lr, z_loss=z_loss)
    if end_lr and args["schedule"] == "constant":
        raise UserError(
            f"end_lr is {end_lr}, {where}, but schedule is constant; leave end_lr out, or choose "
            "cosine or linear"
        )
    if args["warmup_from_zero"] and not warmup:
        raise UserError(
            f"warmup_from_zero is true, {where}, but warmup is 0; leave it out, or give warmup a "
            "share of the steps"
        )


def check_sequence_length(config: PreTrainedConfig, trainer: pl.Trainer | None) -> int:
    """Return the data's sequence length, or else the model's number of positions.

    Raises:
        UserError: the data's sequences are longer than the model's number of positions.
    """
    data = datamodule(trainer) if trainer is not None else None
    limit: int = config.max_position_embeddings
    length = getattr(data, "sequence_length", None) or limit
    if length > limit:
        name = getattr(data, "length_argument", "sequence_length")
        new = trainer is not None and trainer.state.fn == "fit"
        raise UserError(
            f"{name} is {length}, in data.init_args of {type(data).__name__}, beyond the model's "
            f"{limit} positions; give {limit} or less"
            + (f", or give the lm {length} positions" if new else "")
        )
    return length


def optimizer_with_schedule(
    module: pl.LightningModule,
    make: Callable[[Any], torch.optim.Optimizer],
    groups: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the result of ``configure_optimizers``: an optimiser and its schedule, by step.

    Args:
        module: module attached to a trainer, which knows the number of steps. Its hyper-parameters
            hold ``schedule`` (``cosine``, ``linear`` or ``constant``), ``warmup`` (share of the
            steps), ``end_lr`` and ``warmup_from_zero``.
        make: creates the optimiser from parameter groups; its learning rate is the peak.
        groups: see ``param_groups``.

    Raises:
        UserError: the optimiser refuses its values, the final rate is above the peak, or the
            schedule decays in a run of unknown length.
    """
    args = module.hparams
    where = f"model.init_args of {type(module).__name__}"
    try:
        optimizer = make(groups)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{error}, in model.init_args.optimizer; give values that the optimiser takes"
        ) from error
    steps = total_steps(module.trainer)
    if steps is None and args["schedule"] != "constant":
        raise UserError(
            f"schedule is {args['schedule']}, in {where}, but the run has no last "
            "step; give trainer.max_steps (or trainer.max_epochs for data of known length)"
        )
    factors = [_factor(args, steps or 0, group["lr"], where) for group in optimizer.param_groups]
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factors)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "name": "lr"},
    }


def _factor(args: Mapping[str, Any], total: int, peak: float, where: str) -> Callable[[int], float]:
    """Return the factor of a group's learning rate as a function of the step."""
    end_lr = args["end_lr"]
    if end_lr > peak:
        raise UserError(
            f"end_lr is {end_lr}, in {where}, above the learning rate of {peak}; must be at most "
            "the optimiser's lr"
        )
    return partial(
        learning_rate_factor,
        total_steps=total,
        warmup_steps=round(total * args["warmup"]),
        schedule=args["schedule"],
        end=end_lr / peak if end_lr else 0.0,
        warmup_from_zero=args["warmup_from_zero"],
    )
