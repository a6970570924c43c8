"""Losses of language models, in the dtype of their parameters.

Legend: B sequences, T tokens of a sequence, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from torch import Tensor
from torch.nn import functional as F

from lit_research.lm import IGNORE, run_lm

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def token_losses(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> Tensor:
    """Return the loss of each next token in nats, 0 where the label is ``IGNORE``, ``[B, T]``.

    Args:
        model: a causal language model.
        batch: ``input_ids`` and ``labels`` (next tokens already) ``[B, T]``.
    """
    logits = run_lm(model, batch)
    labels = batch["labels"]
    losses = F.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="none"
    )
    return losses.view_as(labels)


@dataclass(frozen=True)
class SequenceLosses:
    """The loss of each sequence.

    Args:
        divide_by: ``tokens``, the number of the sequence's labels, so that every sequence counts
            the same; or ``length``, T, as in Dataset Policy Gradient, so that every token does.
    """

    divide_by: Literal["tokens", "length"] = "tokens"

    def __call__(self, model: PreTrainedModel, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the losses in nats, ``[B]``."""
        losses_BT = token_losses(model, batch)
        if self.divide_by == "length":
            return losses_BT.mean(1)
        return losses_BT.sum(1) / (batch["labels"] != IGNORE).sum(1).clamp(min=1)
