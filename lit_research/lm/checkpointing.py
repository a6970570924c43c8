"""Activation checkpointing: less memory at the cost of one more forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lit_research.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def enable_activation_checkpointing(model: PreTrainedModel) -> None:
    """Keep one activation per layer in training, and recompute the rest in backward.

    It acts in training mode only. Checkpoints are non-reentrant, which allows hooks, FSDP and
    second derivatives.

    Raises:
        UserError: the model does not support it.
    """
    if not model.supports_gradient_checkpointing:
        raise UserError(
            f"{type(model).__name__} cannot checkpoint activations, asked for by "
            "activation_checkpointing; set it to false"
        )
    # transformers renamed the method; newer versions warn about the old name.
    enable = getattr(model, "activation_checkpointing_enable", None)
    (enable or model.gradient_checkpointing_enable)({"use_reentrant": False})
