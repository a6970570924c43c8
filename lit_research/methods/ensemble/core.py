"""Predictions of an ensemble, one member at a time, and the loss of a distilled student.

Pure functions, no Lightning. "Pre-training under infinite compute" (Kim et al. 2025,
arXiv 2509.14786), section on ensembles: the members' logits are averaged, then normalised.

Legend: K members, B sequences, T tokens of a sequence, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from lit_research.lm import IGNORE

Average = Literal["logits", "probabilities"]
AVERAGES: tuple[Average, ...] = get_args(Average)

# Logits in one chunk of a normaliser: 64 MiB of fp32, whatever the vocabulary.
_CHUNK = 2**24


@dataclass(frozen=True)
class Scores:
    """Log-probabilities of the labels in nats, each ``[B, T]``, 0 where they are ``IGNORE``.

    Attributes:
        member: of the last member alone.
        logits: of the members so far, averaging their logits.
        probabilities: of the members so far, averaging their probabilities.
    """

    member: Tensor
    logits: Tensor
    probabilities: Tensor


def scores_by_size(logits: Iterable[Tensor], labels: Tensor) -> Iterator[Scores]:
    """Yield the scores of the ensembles of the first 1, 2, ..., K members.

    Only a running sum and the logits of the current member are kept, so memory does not grow with
    K. The mean of logits is taken in fp32 (or fp64): the normalised geometric mean of the
    members' probabilities. The mean of probabilities needs only the labels' log-probabilities.

    Args:
        logits: one ``[B, T, V]`` per member, computed lazily.
        labels: next tokens, ``IGNORE`` where there is none, ``[B, T]``.
    """
    total: Tensor | None = None
    log_sum: Tensor | None = None
    for size, member_logits in enumerate(logits, 1):
        wide = member_logits if member_logits.dtype == torch.float64 else member_logits.float()
        member = target_log_probs(wide, labels)
        if total is None or log_sum is None:
            total, log_sum = wide.clone(), member
            yield Scores(member, member, member)
            continue
        total += wide
        del wide, member_logits
        log_sum = torch.logaddexp(log_sum, member)
        counted = labels != IGNORE
        yield Scores(
            member=member,
            logits=target_log_probs(total, labels, scale=1.0 / size),
            probabilities=(log_sum - math.log(size)) * counted,
        )


def target_log_probs(logits: Tensor, labels: Tensor, *, scale: float = 1.0) -> Tensor:
    """Return the log-probability ``[B, T]`` of each label under ``softmax(scale * logits)``.

    The normaliser is computed in chunks of rows, without a second tensor of the logits' size.
    """
    rows_NV, labels_N = logits.flatten(0, -2), labels.flatten()
    rows = max(1, _CHUNK // rows_NV.shape[-1])
    losses = [
        F.cross_entropy(
            some if scale == 1.0 else some * scale, targets, ignore_index=IGNORE, reduction="none"
        )
        for some, targets in zip(rows_NV.split(rows), labels_N.split(rows), strict=True)
    ]
    return -torch.cat(losses).view_as(labels)


def combine_log_probs(log_probs: Tensor) -> Tensor:
    """Return the log of the mean probability, from the members' log-probabilities of the labels.

    For members that were scored separately (by ``predict``, each in its own job).

    Args:
        log_probs: nats, ``[K, ...]``.
    """
    return torch.logsumexp(log_probs, dim=0) - math.log(len(log_probs))


def distillation_loss(
    student: Tensor, teachers: Iterable[Tensor], labels: Tensor, *, temperature: float = 1.0
) -> Tensor:
    """Return ``T^2 KL(teacher || student)`` in nats, the mean over the tokens with a label.

    The teacher is ``softmax(mean of the teachers' logits / T)``. This is an addition to the paper,
    which distils through sampled text (Hinton et al. 2015, arXiv 1503.02531, section 2).

    Args:
        student: logits ``[B, T, V]``.
        teachers: one ``[B, T, V]`` per teacher, of which a running sum is kept.
        labels: ``[B, T]``; used only to tell which tokens count.
        temperature: T, above 0.
    """
    total: Tensor | None = None
    size = 0
    for logits in teachers:
        total = logits.detach().float().clone() if total is None else total.add_(logits.detach())
        size += 1
    assert total is not None, "a student without teachers"
    target = F.log_softmax(total / (size * temperature), dim=-1)
    guess = F.log_softmax(student.float() / temperature, dim=-1)
    divergence_BT = F.kl_div(guess, target, reduction="none", log_target=True).sum(dim=-1)
    counted = labels != IGNORE
    return temperature**2 * (divergence_BT * counted).sum() / counted.sum().clamp(min=1)


def retained_share(single: float, student: float, ensemble: float) -> float:
    """Return the share of the ensemble's gain over a single model that its student retains.

    ``(L_single - L_student) / (L_single - L_ensemble)``; the paper's 83% is
    ``retained_share(3.57, 3.3635, 3.32)``.

    Raises:
        ValueError: the ensemble is no better than the single model.
    """
    if not ensemble < single:
        raise ValueError(
            f"the ensemble's loss {ensemble:.6g} is not below the single model's {single:.6g}, "
            "in retained_share: there is no gain to keep a share of"
        )
    return (single - student) / (single - ensemble)
