"""Checks of a model before training, without running it."""

from __future__ import annotations

import torch
from torch import nn

from lit_research.errors import UserError

EXACT = (torch.float32, torch.float64)


def check_differentiable(model: nn.Module) -> None:
    """Refuse a model or mode whose metagradient would be inexact; see also ``preflight``.

    Args:
        model: to be trained.

    Raises:
        UserError: with the reason and the remedy.
    """
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dtype not in EXACT:
            raise UserError(
                f"parameter {name!r} is {parameter.dtype}, in the model to train, whose rounding "
                "is larger than the effect of one example, so that the metagradient would be "
                "noise; must be float32 or float64"
            )
    if torch.is_autocast_enabled("cuda") or torch.is_autocast_enabled("cpu"):
        raise UserError(
            "autocast is on, around a training run to be differentiated, and its rounding is "
            "larger than the effect of one example; switch it off"
        )


def check_untied(model: nn.Module, what: str) -> None:
    """Refuse a model whose output head is its input embedding too.

    Args:
        model: a model of transformers.
        what: what reads the head, for the message.

    Raises:
        UserError: head and embedding are one tensor.
    """
    head = model.get_output_embeddings()  # type: ignore[operator]
    if head is not None and head.weight is model.get_input_embeddings().weight:  # type: ignore[operator]
        raise UserError(
            f"the model's output head is its input embedding, but {what}, and writing into the one "
            "would change the other; load or build it with tie_word_embeddings false"
        )
