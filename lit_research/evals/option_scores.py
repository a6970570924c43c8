"""From log-probabilities of tokens to scores of options, and to the accuracy of the choice.

Legend: R rows of a batch (one for each option), T tokens, I items, O maximum number of options of
an item.
"""

from __future__ import annotations

import math

from torch import Tensor

from lit_research.evals.results import share_stderr
from lit_research.lm import IGNORE
from lit_research.metrics import sum_dtype


def option_totals(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Return the log-probability of each row's option in nats, ``[R]``.

    Args:
        log_probs: of the labels, in nats, ``[R, T]``.
        labels: ``IGNORE`` except on the option's tokens, ``[R, T]``.
    """
    return (log_probs * (labels != IGNORE)).sum(dim=1, dtype=sum_dtype(log_probs.device))


def choice_accuracy(scores: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of items whose correct option scores highest, and its standard error.

    Of equal scores the first is chosen. The standard error is that of ``share_stderr``. If a score
    is nan, both are.

    Args:
        scores: -inf where an item has no such option, ``[..., I, O]``.
        answer: index of the correct option, ``[I]``.

    Returns:
        Both ``[...]``.
    """
    correct = (scores.argmax(dim=-1) == answer).to(scores.dtype)
    share = correct.mean(dim=-1).masked_fill(scores.isnan().flatten(-2).any(dim=-1), math.nan)
    return share, share_stderr(share, scores.shape[-2])
