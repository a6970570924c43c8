"""Losses of a language model over a batch, without materialising its logits where possible.

The model's forward is called with its output head replaced by a function from hidden states to
their loss (``lit_research.lm.chunked``). This works for wrapped models, and for every model of
transformers that ends in a plain linear layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lit_research.lm.chunked import chunked_next_token_loss, chunked_token_losses
from lit_research.lm.scoring import (
    check_positions,
    lm_outputs,
    next_token_loss,
    run_lm,
    token_log_probs,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def ends_in_linear_head(model: PreTrainedModel) -> bool:
    """Return whether the logits of ``model`` are the output of a linear head, and nothing else.

    It is tested by running two tokens, before a strategy wraps the model. The answer is False if
    the model scales or caps its logits, adapts its head or is compiled, and on the meta device,
    where models do not run.
    """
    head = _linear_head(model)
    if head is None or model._compiled_call_impl is not None:
        return False
    mark = torch.zeros((), device=head.weight.device)
    tokens = torch.zeros(1, 2, dtype=torch.long, device=head.weight.device)
    modes = [(module, module.training) for module in model.modules()]
    model.eval()  # so that the random state does not change
    try:
        with torch.no_grad(), _head_replaced(head, lambda hidden: mark):
            return model(input_ids=tokens, use_cache=False).logits is mark
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError):
        return False  # it needs logits, or other inputs than tokens
    finally:
        for module, training in modes:
            module.training = training


def lm_loss(
    model: PreTrainedModel, batch: Mapping[str, Tensor], *, z_loss: float = 0.0, fused: bool
) -> Tensor:
    """Return the mean next-token loss of a batch in nats, plus the z-loss.

    Args:
        model: a causal language model.
        batch: ``input_ids`` and ``labels`` ``[B, T]``, optionally ``position_ids`` ``[B, T]``.
        z_loss: weight of the squared log-normaliser (see ``next_token_loss``).
        fused: compute head and loss together, in chunks (only if ``ends_in_linear_head``); such a
            loss has no second derivative.
    """
    labels = batch["labels"]
    if not fused:
        return next_token_loss(run_lm(model, batch), labels, z_loss=z_loss)
    head = _linear_head(model)
    assert head is not None

    def loss(hidden: Tensor) -> Tensor:
        weight, bias = head.weight, head.bias
        return chunked_next_token_loss(hidden, weight, labels, head_bias=bias, z_loss=z_loss)

    check_positions(model, batch)  # of its logits
    with _head_replaced(head, loss):
        return lm_outputs(model, batch)


def lm_token_losses(model: PreTrainedModel, batch: Mapping[str, Tensor], *, fused: bool) -> Tensor:
    """Return the loss ``[B, T]`` of each token in nats, 0 where the label is ``IGNORE``.

    Args:
        model: a causal language model.
        batch: ``input_ids`` and ``labels`` ``[B, T]``, optionally ``position_ids`` ``[B, T]``.
        fused: as in ``lm_loss``; ignored where gradients are recorded.
    """
    labels = batch["labels"]
    if not fused or torch.is_grad_enabled():
        return -token_log_probs(run_lm(model, batch), labels)
    head = _linear_head(model)
    assert head is not None

    def losses(hidden: Tensor) -> Tensor:
        return chunked_token_losses(hidden, head.weight, labels, head_bias=head.bias)

    check_positions(model, batch)  # of its logits
    with _head_replaced(head, losses):
        return lm_outputs(model, batch)


def _linear_head(model: PreTrainedModel) -> nn.Linear | None:
    """Return the output head if it is a plain linear layer, perhaps wrapped by a strategy."""
    head = model.get_output_embeddings()
    layers = [] if head is None else [m for m in head.modules() if type(m) is nn.Linear]
    if len(layers) != 1 or layers[0]._forward_hooks or layers[0]._forward_pre_hooks:
        return None
    return layers[0]


@contextmanager
def _head_replaced(head: nn.Linear, function: Callable[[Tensor], Tensor]) -> Iterator[None]:
    head.forward = function  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del head.forward
