"""Scores of options, gathered batch by batch and rank by rank, and what they choose.

Legend: S scorers (models, or averages of models), R rows of a batch (one for each option),
T tokens, I items, O most options of an item, C columns.
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

# What is kept of each row besides its scores, in this order.
_FACTS = ("option_bytes", "options", "answer", "truncated")


@dataclass(frozen=True)
class Choices:
    """Scores of the items whose options have all been scored; -inf where there is no such option.

    Attributes:
        total: log-probabilities of the options in nats, ``[S, I, O]``.
        per_byte: these, divided by the options' bytes of UTF-8, ``[S, I, O]``.
        answer: index of the right option, ``[I]``.
        truncated: whether the question lost its beginning, ``[I]``.
        seen: largest number of an item in any batch, plus 1; 0 where the data has no items.
    """

    total: Tensor
    per_byte: Tensor
    answer: Tensor
    truncated: Tensor
    seen: int

    def accuracies(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Return shares from 0 to 1 and their standard errors, ``[S]`` each.

        ``acc`` takes the option of highest log-probability, ``acc_norm`` that of highest
        log-probability per byte of UTF-8 (the harness divides by characters, which in ASCII is the
        same).
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

    Call ``update`` for each batch, then ``choices`` on every rank.

    Args:
        scorers: S.
        device: where the scores are kept until the end, so that no batch waits for a number.
    """

    full_state_update = False
    indices: list[Tensor]
    columns: list[Tensor]

    def __init__(self, scorers: int, device: torch.device) -> None:
        super().__init__()
        self.scorers, self._at = scorers, device
        self.add_state("indices", [], dist_reduce_fx="cat")  # of item and option, [R, 2]
        self.add_state("columns", [], dist_reduce_fx="cat")  # S scores, facts, 1: [R, C]
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        # A rank without a batch takes part in the gathering with tensors of the right shape.
        nothing = torch.zeros(0, dtype=torch.long, device=self._at)
        batch = dict.fromkeys((*_FACTS, "item_id", "option_id"), nothing)
        labels = nothing.view(0, 1)
        self.update({**batch, "labels": labels}, [labels.float()] * self.scorers)

    def update(self, batch: Mapping[str, Tensor], log_probs: Iterable[Tensor]) -> None:
        """Add a batch of ``ChoiceRows``.

        Args:
            batch: with ``labels`` ``[R, T]``, and the numbers of each row, ``[R]``.
            log_probs: of the labels in nats, ``[R, T]`` for each scorer.
        """
        labels = batch["labels"]
        totals = [option_totals(of_scorer, labels) for of_scorer in log_probs]
        assert len(totals) == self.scorers, f"{len(totals)} scores of {self.scorers} scorers"
        kind = sum_dtype(labels.device)
        facts = [batch[name].to(kind) for name in _FACTS]
        # A rank without options reads one without labels.
        scored_R = (labels != IGNORE).any(dim=1).to(kind)
        columns_RC = torch.stack([*totals, *facts, torch.ones_like(scored_R)], dim=1)
        self.columns.append(columns_RC * scored_R[:, None])
        self.indices.append(torch.stack([batch["item_id"], batch["option_id"]], dim=1))

    def compute(self) -> Tensor:
        """Return the sums of the rows of all ranks by item and option, ``[I, O, C]``."""
        indices_R2, columns_RC = dim_zero_cat(self.indices), dim_zero_cat(self.columns)
        # There may be no row; -1 is the largest index then.
        largest_2 = torch.cat([indices_R2, indices_R2.new_full((1, 2), -1)]).amax(dim=0)
        items, options = (largest_2 + 1).tolist()
        table_IOC = columns_RC.new_zeros(items, options, columns_RC.shape[1])
        return table_IOC.index_put_(
            (indices_R2[:, 0], indices_R2[:, 1]), columns_RC, accumulate=True
        )

    def choices(self) -> Choices:
        """Return the scores of all ranks. Call it on every rank.

        An option that several ranks have scored counts once. Items of which an option was not
        scored (``limit_test_batches``) are left out.
        """
        table_IOC = self.compute()
        times_IO = table_IOC[..., -1]
        table_IOC = table_IOC / times_IO.clamp(min=1)[..., None]
        scores_SIO = table_IOC[..., : self.scorers].movedim(-1, 0)
        bytes_IO, *facts_IO = table_IOC[..., self.scorers : -1].unbind(-1)
        # -1: where there is no item there is no option to take the largest of.
        options_I, answer_I, truncated_I = (
            torch.cat([fact_IO, fact_IO.new_full((len(fact_IO), 1), -1)], dim=1).amax(dim=1)
            for fact_IO in facts_IO
        )
        missing_IO = times_IO == 0
        scored_I = (~missing_IO).sum(dim=1)
        whole_I = (scored_I == options_I) & (scored_I > 0)

        def whole(values_SIO: Tensor) -> Tensor:
            return values_SIO.masked_fill(missing_IO, -math.inf)[:, whole_I]

        return Choices(
            total=whole(scores_SIO),
            per_byte=whole(scores_SIO / bytes_IO.clamp(min=1)),
            answer=answer_I[whole_I].long(),
            truncated=truncated_I[whole_I] > 0,
            seen=len(table_IOC),
        )
