"""Run a language model over a batch, and compute its loss.

Labels are next tokens already: ``labels[b, t]`` is the target after ``input_ids[b, :t + 1]``.
``IGNORE`` marks tokens that are not to be learned. Losses are computed in fp32, in nats.

Legend: B sequences, T tokens of a sequence, D width, V vocabulary, N = B * T.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from torch import Tensor
from torch.nn import functional as F

from lit_research.labels import IGNORE
from lit_research.lm.documents import check_keeps_documents_apart

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def run_lm(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> Tensor:
    """Return the logits ``[B, T, V]`` of a batch.

    With ``position_ids`` ``[B, T]`` that restart at each document (see ``document_positions``), no
    token attends to another document. Without them the row is one sequence, even if
    ``document_ids`` names several documents in it.

    Args:
        model: a causal language model.
        batch: ``input_ids`` and optionally ``position_ids``, ``[B, T]``; other keys are ignored.

    Raises:
        UserError: there are ``position_ids`` and the model cannot keep documents apart.
    """
    return lm_outputs(model, batch).view(*batch["input_ids"].shape, -1)


def lm_outputs(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> Tensor:
    """Return the output of the head for a batch, as the model returns it (see ``run_lm``)."""
    check_positions(model, batch)
    return _outputs(model, batch)


def check_positions(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> None:
    """Refuse packed documents that the model does not keep apart; the model is tested once.

    Raises:
        UserError: it does not.
    """
    if "position_ids" in batch:
        check_keeps_documents_apart(model, _outputs)


def _outputs(model: PreTrainedModel, batch: Mapping[str, Tensor]) -> Tensor:
    inputs = {"input_ids": batch["input_ids"]}
    if "position_ids" in batch:
        inputs["position_ids"] = batch["position_ids"]
        if model.config._attn_implementation.startswith("flash"):
            # The varlen kernel detects documents only in a batch of one row.
            inputs = {name: value.reshape(1, -1) for name, value in inputs.items()}
    # A cache would keep unused keys, and switch off the detection of documents.
    return model(**inputs, use_cache=False).logits


def next_token_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    z_loss: float = 0.0,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> Tensor:
    """Return the cross-entropy of next tokens in nats, plus the z-loss.

    The z-loss (PaLM, section 5) is ``z_loss * logsumexp(logits)^2``; it keeps logits from drifting.

    Args:
        logits: ``[B, T, V]``.
        labels: next tokens, ``IGNORE`` where there is none, ``[B, T]``.
        z_loss: its weight; PaLM's is 1e-4.
        reduction: ``mean`` over the labels that count (0 if there are none), ``sum``, or ``none``:
            ``[B, T]``, 0 at ignored labels.
    """
    logits_NV, labels_N = logits.float().flatten(0, 1), labels.flatten()
    if z_loss:
        loss_N = F.cross_entropy(logits_NV, labels_N, ignore_index=IGNORE, reduction="none")
        # loss = logsumexp - logit of the label, so the normaliser needs no second pass over V.
        label_logit_N = logits_NV.gather(1, labels_N.clamp(min=0)[:, None]).squeeze(1)
        loss_N = loss_N + z_loss * ((loss_N + label_logit_N) * (labels_N != IGNORE)).square()
        loss = loss_N if reduction == "none" else loss_N.sum()
    else:
        loss = F.cross_entropy(
            logits_NV,
            labels_N,
            ignore_index=IGNORE,
            reduction="none" if reduction == "none" else "sum",
        )
    if reduction == "none":
        return loss.view_as(labels)
    return loss / _count(labels) if reduction == "mean" else loss


def _count(labels: Tensor) -> Tensor:
    return (labels != IGNORE).sum().clamp(min=1)


def token_log_probs(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the log-probability ``[B, T]`` of each label in nats, 0 where it is ``IGNORE``.

    Args:
        logits: ``[B, T, V]``.
        labels: next tokens, ``[B, T]``.
    """
    return -next_token_loss(logits, labels, reduction="none")
