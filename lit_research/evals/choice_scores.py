"""Scores of options, accumulated over batches and ranks, and the accuracy of what they choose.

Legend: S scorers (models, or averages of models), R rows of a batch (one for each option),
T tokens, I items, O maximum number of options of an item, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lit_research.evals.option_scores import choice_accuracy, option_totals
from lit_research.evals.results import Result
from lit_research.lm import IGNORE
from lit_research.metrics import sum_dtype

# What is kept of each row in addition to its scores, in this order.
_FACTS = ("option_bytes", "options", "answer", "truncated")


@dataclass(frozen=True)
class Choices:
    """Scores of the items whose options have all been scored; -inf where there is no such option.

    Attributes:
        total: log-probabilities of the options in nats, ``[S, I, O]``.
        per_byte: ``total`` divided by the options' bytes of UTF-8, ``[S, I, O]``.
        answer: index of the correct option, ``[I]``.
        truncated: whether the beginning of the question was cut off, ``[I]``.
        seen: largest item index in any batch, plus 1; 0 where the data has no items.
    """

    total: Tensor
    per_byte: Tensor
    answer: Tensor
    truncated: Tensor
    seen: int

    def accuracies(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Return shares from 0 to 1 and their standard errors, ``[S]`` each.

        ``acc`` chooses the option of highest log-probability, ``acc_norm`` that of highest
        log-probability per byte of UTF-8 (the harness divides by characters, which is the same in
        ASCII).
        """
        return {
            "acc": choice_accuracy(self.total, self.answer),
            "acc_norm": choice_accuracy(self.per_byte, self.answer),
        }

    def results(self, scorer: int = 0) -> list[Result]:
        """Return the results ``acc`` and ``acc_norm`` of one scorer."""
        n, truncated = len(self.answer), int(self.truncated.sum())
        return [
            Result(name, n, float(share_S[scorer]), float(error_S[scorer]), n, 0, truncated)
            for name, (share_S, error_S) in self.accuracies().items()
        ]


class ChoiceScores(Metric):
    """Scores of options under S scorers; ranks may hold different options, or none.

    Call ``update`` with each batch, then ``choices`` on every rank.

    Args:
        scorers: S.
        device: where the scores are kept until the end, so that no batch waits for the device.
    """

    full_state_update = False
    indices: list[Tensor]
    columns: list[Tensor]

    def __init__(self, scorers: int, device: torch.device) -> None:
        super().__init__()
        self.scorers, self._device_of_scores = scorers, device
        self.add_state("indices", [], dist_reduce_fx="cat")  # of item and option, [R, 2]
        self.add_state("columns", [], dist_reduce_fx="cat")  # S scores, facts, 1: [R, C]
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        # A rank without a batch takes part in the gathering with empty tensors of the same shape.
        empty = torch.zeros(0, dtype=torch.long, device=self._device_of_scores)
        batch = dict.fromkeys((*_FACTS, "item_id", "option_id"), empty)
        labels = empty.view(0, 1)
        self.update({**batch, "labels": labels}, [labels.float()] * self.scorers)

    def update(self, batch: Mapping[str, Tensor], log_probs: Iterable[Tensor]) -> None:
        """Add a batch of ``ChoiceRows``.

        Args:
            batch: ``labels`` ``[R, T]``, and the facts of each row, ``[R]``.
            log_probs: of the labels in nats, ``[R, T]`` for each scorer.
        """
        labels = batch["labels"]
        totals = [option_totals(of_scorer, labels) for of_scorer in log_probs]
        assert len(totals) == self.scorers, f"{len(totals)} scores of {self.scorers} scorers"
        dtype = sum_dtype(labels.device)
        facts = [batch[name].to(dtype) for name in _FACTS]
        # A rank without options reads a row without labels.
        scored_R = (labels != IGNORE).any(dim=1).to(dtype)
        columns_RC = torch.stack([*totals, *facts, torch.ones_like(scored_R)], dim=1)
        self.columns.append(columns_RC * scored_R[:, None])
        self.indices.append(torch.stack([batch["item_id"], batch["option_id"]], dim=1))

    def compute(self) -> Tensor:
        """Return the rows of all ranks, summed by item and option, ``[I, O, C]``."""
        indices_R2, columns_RC = dim_zero_cat(self.indices), dim_zero_cat(self.columns)
        # Without a row the largest index is -1.
        largest_2 = torch.cat([indices_R2, indices_R2.new_full((1, 2), -1)]).amax(dim=0)
        items, options = (largest_2 + 1).tolist()
        table_IOC = columns_RC.new_zeros(items, options, columns_RC.shape[1])
        return table_IOC.index_put_(
            (indices_R2[:, 0], indices_R2[:, 1]), columns_RC, accumulate=True
        )

    def choices(self) -> Choices:
        """Return the scores of all ranks. Call it on every rank.

        An option that several ranks have scored counts once. Items with an option that was not
        scored (``limit_test_batches``) are left out.
        """
        table_IOC = self.compute()
        copies_IO = table_IOC[..., -1]
        table_IOC = table_IOC / copies_IO.clamp(min=1)[..., None]
        scores_SIO = table_IOC[..., : self.scorers].movedim(-1, 0)
        bytes_IO, *facts_IO = table_IOC[..., self.scorers : -1].unbind(-1)
        # The column of -1 gives `amax` a value where there is no item.
        options_I, answer_I, truncated_I = (
            torch.cat([fact_IO, fact_IO.new_full((len(fact_IO), 1), -1)], dim=1).amax(dim=1)
            for fact_IO in facts_IO
        )
        missing_IO = copies_IO == 0
        scored_I = (~missing_IO).sum(dim=1)
        complete_I = (scored_I == options_I) & (scored_I > 0)

        def of_complete(values_SIO: Tensor) -> Tensor:
            return values_SIO.masked_fill(missing_IO, -math.inf)[:, complete_I]

        return Choices(
            total=of_complete(scores_SIO),
            per_byte=of_complete(scores_SIO / bytes_IO.clamp(min=1)),
            answer=answer_I[complete_I].long(),
            truncated=truncated_I[complete_I] > 0,
            seen=len(table_IOC),
        )
