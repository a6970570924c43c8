"""torchmetrics that add up an evaluation batch by batch: mean, perplexity, accuracy by group.

Each rank adds what it has seen, however little; ``compute``, called on every rank, gives the same
number on all of them. torchmetrics' own ``MeanMetric`` and ``Perplexity`` sum in fp32, look for
nan in every batch (which waits for the device), and warn on a rank that had no batch.

Legend: B questions of a batch, G groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from lit_research.errors import UserError
from lit_research.evals.results import Result, share_stderr
from lit_research.metrics import sum_dtype


class Mean(Metric):
    """Mean of all values; each counts the same, whatever batch or rank it was in.

    Args:
        device: where the sums are kept until the end, so that no batch waits for a number.
    """

    full_state_update = False
    sums: Tensor

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        # Sum of the values, and their number.
        zeros = torch.zeros(2, dtype=sum_dtype(device), device=device)
        self.add_state("sums", zeros, dist_reduce_fx="sum")
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        self.update(self.sums[:0])  # torchmetrics would warn of a rank without a batch

    def update(self, values: Tensor, counted: Tensor | None = None) -> None:
        """Add the values of a batch.

        Args:
            values: of any shape.
            counted: whether each of them counts, of the same shape; None: all of them do.
        """
        if counted is None:
            counted = torch.ones_like(values, dtype=torch.bool)
        total = values.masked_fill(~counted, 0).sum(dtype=self.sums.dtype)
        self.sums += torch.stack([total, counted.sum().to(self.sums.dtype)])

    def compute(self) -> Tensor:
        """Return the mean over all ranks, a scalar; nan where nothing was counted."""
        return self.sums[0] / self.sums[1]


class Perplexity(Mean):
    """The exponential of the mean loss; ``update`` takes losses of tokens in nats."""

    def compute(self) -> Tensor:
        """Return the perplexity over all ranks, a scalar; nan where nothing was counted."""
        return super().compute().exp()


class GroupAccuracy(Metric):
    """Share of right answers, of all questions and of each group, as ``Result`` records.

    Args:
        groups: names of the groups, the same on every rank; two of one name are refused.
        device: where the sums are kept until the end, so that no batch waits for a number.

    Raises:
        UserError: there is no group, or a name is given twice.
    """

    full_state_update = False
    sums: Tensor

    def __init__(self, groups: Sequence[str], device: torch.device) -> None:
        super().__init__()
        if not groups or len(set(groups)) < len(groups):
            raise UserError(
                f"groups is {list(groups)}, in GroupAccuracy; must be one name or more, each once"
            )
        self.groups = list(groups)
        # Of each group: questions, right answers, parse failures, truncated answers.
        zeros = torch.zeros(len(groups), 4, dtype=sum_dtype(device), device=device)
        self.add_state("sums", zeros, dist_reduce_fx="sum")
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        nothing = torch.zeros(0, dtype=torch.long, device=self.sums.device)
        self.update(nothing, nothing)  # torchmetrics would warn of a rank without a batch

    def update(
        self,
        right: Tensor,
        group: Tensor,
        parse_failures: Tensor | None = None,
        truncated: Tensor | None = None,
    ) -> None:
        """Add the answers of a batch.

        Args:
            right: 1 where the answer is right, else 0, ``[B]``.
            group: index of the question's group in ``groups``, ``[B]``.
            parse_failures: 1 where nothing could be read in the answer, ``[B]``; None: nowhere.
            truncated: 1 where the answer was cut at the longest length, ``[B]``; None: nowhere.
        """
        columns = [torch.ones_like(right), right, parse_failures, truncated]
        rows_B4 = torch.stack(
            [torch.zeros_like(right) if column is None else column for column in columns], dim=1
        )
        self.sums.index_add_(0, group, rows_B4.to(self.sums.dtype))

    def compute(self) -> Tensor:
        """Return the accuracy of each group over all ranks, ``[G]``; nan where it has no answer."""
        return self.sums[:, 1] / self.sums[:, 0]

    def results(self, name: str = "accuracy") -> list[Result]:
        """Return the accuracy of all questions, then of each group. Call it on every rank."""
        with self.sync_context():
            of_groups = self.sums.cpu()
        sums = torch.cat([of_groups.sum(dim=0, keepdim=True), of_groups])
        share = sums[:, 1] / sums[:, 0]
        error = share_stderr(share, sums[:, 0])
        names = [name, *(f"{name} {group}" for group in self.groups)]
        counts = sums[:, [0, 2, 3]].long().tolist()
        return [
            Result(of_group, n, value, stderr, n, unread, truncated)
            for of_group, (n, unread, truncated), value, stderr in zip(
                names, counts, share.tolist(), error.tolist(), strict=True
            )
        ]
