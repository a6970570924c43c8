"""Runs whose training steps are runs of the command: what their trainer must be."""

from __future__ import annotations

from typing import Any

from lit_research.errors import UserError
from lit_research.experiments.command import Command


def check_outer(trainer: Any, what: str) -> None:
    """Refuse a trainer that would change the runs inside, or do their work several times.

    Args:
        trainer: of the outer run.
        what: class of its module, for messages.

    Raises:
        UserError: several processes, steps or epochs that are set, another precision, or a plain
            trainer, which has no command.
    """
    if trainer.world_size > 1:
        raise UserError(
            f"{what} runs as {trainer.world_size} processes, in trainer; must have devices 1 and "
            "num_nodes 1: jobs or executor in model.init_args run trials in parallel"
        )
    # max_steps counts optimiser steps, and rounds are none; fast_dev_run sets both.
    as_given = not getattr(trainer, "fast_dev_run", False)
    if as_given and (trainer.max_steps != -1 or trainer.max_epochs != 1):
        raise UserError(
            f"max_steps is {trainer.max_steps} and max_epochs {trainer.max_epochs}, in trainer of "
            f"{what}; must be left out and 1: it ends by itself, or after data.init_args.max_rounds"
        )
    if trainer.precision != "32-true":  # trials in this process would inherit its autocast
        raise UserError(
            f"precision is {trainer.precision}, in trainer of {what}; must be set in the trial's "
            "config instead"
        )
    command_of(trainer, what)


def command_of(trainer: Any, what: str) -> Command:
    """Return what runs the trials: the command that runs the outer run.

    Raises:
        UserError: the trainer is a plain one.
    """
    command: Command | None = getattr(trainer, "command", None)
    if command is None:
        raise UserError(
            f"the trainer is a plain {type(trainer).__name__}, for {what}; must be that of "
            "lit_research.cli.main, which runs the trials too"
        )
    return command
