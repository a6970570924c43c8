"""What cannot be differentiated through exactly, refused before anything is computed."""

from __future__ import annotations

import torch
from torch import nn

from lit_research.errors import UserError

EXACT = (torch.float32, torch.float64)
FUSED = ("sdpa", "flash", "flex")


def check_differentiable(model: nn.Module, *, dropout_is_seeded: bool = False) -> None:
    """Refuse a model whose training has no exact second derivative.

    Args:
        model: to be trained.
        dropout_is_seeded: whether dropout draws the same again when a step is computed again.

    Raises:
        UserError: with the reason and the remedy.
    """
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dtype not in EXACT:
            raise UserError(
                f"parameter {name!r} is {parameter.dtype}, in the model to train: its rounding is "
                "larger than what one example changes, and the metagradient would be noise; give "
                "float32 or float64"
            )
    if torch.is_autocast_enabled("cuda") or torch.is_autocast_enabled("cpu"):
        raise UserError(
            "autocast is on, around a training run to be differentiated: its rounding is larger "
            "than what one example changes; switch it off"
        )
    attention = getattr(getattr(model, "config", None), "_attn_implementation", None) or ""
    if attention.startswith(FUSED):
        raise UserError(
            f"the model's attention is {attention!r}: a fused kernel has no second derivative; "
            "build or load it with attention 'math'"
        )
    for name, module in model.named_modules():
        if _is_random(module) and not dropout_is_seeded:
            raise UserError(
                f"{name!r} is dropout, in the model to train: a step computed again would drop "
                "others; call eval() on the model, or give Training a seed"
            )
        if module.training and getattr(module, "track_running_stats", False):
            raise UserError(
                f"{name!r} changes its running statistics at each step, in the model to train: "
                "call eval() on it, or use a norm without them"
            )


def _is_random(module: nn.Module) -> bool:
    share = getattr(module, "p", 0.0)
    return module.training and isinstance(module, nn.modules.dropout._DropoutNd) and share > 0


def check_untied(model: nn.Module, what: str) -> None:
    """Refuse a model whose output head is its input embedding too.

    Args:
        model: of transformers.
        what: reads the head, for the message.

    Raises:
        UserError: the two are one tensor.
    """
    head = model.get_output_embeddings()  # type: ignore[operator]
    if head is not None and head.weight is model.get_input_embeddings().weight:  # type: ignore[operator]
        raise UserError(
            f"the model's output head is its input embedding, but {what}: what is written into the "
            "one would change the other; load or build it with tie_word_embeddings false"
        )
