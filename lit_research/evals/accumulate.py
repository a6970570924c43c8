"""Perplexity, and accuracy by group, over the batches of all ranks.

Both are built on the sums of ``lit_research.metrics``, as every mean that a method logs with
``add_mean``: each rank adds what it has seen, however little, and the result, asked for on every
rank, is the same on all of them.

Legend: B questions of a batch, G groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.evals.results import Result, share_stderr
from lit_research.metrics import Mean, Sums


class Perplexity(Mean):
    """The exponential of the mean loss, for an evaluation that reports it in place of the loss.

    ``update`` takes the sum of a batch's token losses in nats and their number, ``[2]``.

    Args:
        device: where the sums are kept until the end.
    """

    def compute(self) -> Tensor:
        """Return the perplexity over all ranks, a scalar; nan where nothing was counted."""
        return super().compute().exp()


class GroupAccuracy:
    """Share of correct answers, of all questions and of each group, as ``Result`` records.

    For questions that the ranks answer each in batches of their own, and that belong to subjects or
    to levels of difficulty. Where all answers are on one process, see ``exact_match``.

    Args:
        groups: names of the groups, the same on every rank; duplicates are refused.
        device: where the sums are kept until the end, so that no batch waits for the device.

    Raises:
        UserError: there is no group, or a name is given twice.
    """

    def __init__(self, groups: Sequence[str], device: torch.device) -> None:
        if not groups or len(set(groups)) < len(groups):
            raise UserError(
                f"groups is {list(groups)}, in GroupAccuracy; must be at least one name, each once"
            )
        self.groups = list(groups)
        # Of each group: questions, correct answers, parse failures, truncated answers.
        self._sums = Sums((len(groups), 4), device)

    def update(
        self,
        correct: Tensor,
        group: Tensor,
        parse_failures: Tensor | None = None,
        truncated: Tensor | None = None,
    ) -> None:
        """Add the answers of a batch.

        Args:
            correct: 1 where the answer is correct, else 0, ``[B]``.
            group: index of the question's group in ``groups``, ``[B]``.
            parse_failures: 1 where the answer could not be parsed, ``[B]``; None: nowhere.
            truncated: 1 where the answer was cut at the maximum length, ``[B]``; None: nowhere.
        """
        columns = [torch.ones_like(correct), correct, parse_failures, truncated]
        rows_B4 = torch.stack(
            [torch.zeros_like(correct) if column is None else column for column in columns], dim=1
        )
        sums_G4 = torch.zeros_like(self._sums.total)
        self._sums.update(sums_G4.index_add_(0, group, rows_B4.to(sums_G4.dtype)))

    def results(self, name: str = "accuracy") -> list[Result]:
        """Return the accuracy of all questions, then of each group. Call it on every rank."""
        by_group = self._sums.compute().cpu()
        sums = torch.cat([by_group.sum(dim=0, keepdim=True), by_group])
        share = sums[:, 1] / sums[:, 0]
        stderr = share_stderr(share, sums[:, 0])
        names = [name, *(f"{name} {group}" for group in self.groups)]
        counts = sums[:, [0, 2, 3]].long().tolist()
        return [
            Result(full_name, n, value, error, n, parse_failures, truncated)
            for full_name, (n, parse_failures, truncated), value, error in zip(
                names, counts, share.tolist(), stderr.tolist(), strict=True
            )
        ]
