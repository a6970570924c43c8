"""From log-probabilities of tokens to scores of options, and to the share of right choices.

Legend: R rows of a batch (one for each option), T tokens, I items, O most options of an item.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from lit_research.evals.results import share_stderr
from lit_research.lm import IGNORE
from lit_research.metrics import sum_dtype


@dataclass(frozen=True)
class OptionScores:
    """Log-probabilities of options in nats, ``[I, O]``; -inf where an item has no such option.

    Attributes:
        total: of the whole option.
        per_token: divided by the option's tokens.
        per_byte: divided by its bytes; None where these are not known.
    """

    total: Tensor
    per_token: Tensor
    per_byte: Tensor | None


def option_scores(
    log_probs: Tensor,
    labels: Tensor,
    row_item: Tensor,
    row_option: Tensor,
    row_bytes: Tensor | None = None,
) -> OptionScores:
    """Sum the log-probabilities of each option's tokens, and arrange them by item and option.

    Args:
        log_probs: of the labels, in nats, ``[R, T]``.
        labels: ``IGNORE`` but on the option's tokens, ``[R, T]``.
        row_item: number of the item, ``[R]``.
        row_option: index of the option in the item, ``[R]``.
        row_bytes: length of the option in bytes, ``[R]``.
    """
    total_R = option_totals(log_probs, labels)
    shape = int(row_item.max()) + 1, int(row_option.max()) + 1

    def arrange(values_R: Tensor) -> Tensor:
        table_IO = values_R.new_full(shape, -math.inf)
        table_IO[row_item, row_option] = values_R
        return table_IO

    return OptionScores(
        total=arrange(total_R),
        per_token=arrange(total_R / (labels != IGNORE).sum(dim=1)),
        per_byte=None if row_bytes is None else arrange(total_R / row_bytes),
    )


def option_totals(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Return the log-probability of each row's option in nats, ``[R]``.

    Args:
        log_probs: of the labels, in nats, ``[R, T]``.
        labels: ``IGNORE`` but on the option's tokens, ``[R, T]``.
    """
    return (log_probs * (labels != IGNORE)).sum(dim=1, dtype=sum_dtype(log_probs.device))


def choice_accuracy(scores: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of items whose right option scores highest, and its standard error.

    Of equal scores the first is taken. The standard error is ``share_stderr``'s. Where a score is
    not a number, neither are these.

    Args:
        scores: -inf where an item has no such option, ``[..., I, O]``.
        answer: index of the right option, ``[I]``.

    Returns:
        Both ``[...]``.
    """
    right = (scores.argmax(dim=-1) == answer).to(scores.dtype)
    share = right.mean(dim=-1).masked_fill(scores.isnan().flatten(-2).any(dim=-1), math.nan)
    return share, share_stderr(share, scores.shape[-2])
