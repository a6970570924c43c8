"""``LossBySize``: the loss of 1, 2, ..., K members, accumulated by batch, and its law."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.methods.ensemble.core import AVERAGES, Average, Scores
from lit_research.metrics import Sums

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lit_research.laws import Fit

# Fewest sizes that leave a residual: the law has three parameters.
MIN_SIZES = 4


class LossBySize:
    """Sums of the losses of nested ensembles over an evaluation.

    The first result reduces the sums over all processes: ask for it on every rank; after that,
    results may be asked for on any rank.

    Args:
        members: number of members, K.
        device: device of the sums, which stay there so that no batch waits for a transfer.
    """

    def __init__(self, members: int, device: torch.device) -> None:
        # Rows: log-probabilities for member, logits, probabilities. Then the label count.
        self._sums, self._tokens = Sums((3, members), device), Sums((), device)

    def add(self, size: int, scores: Scores) -> None:
        """Add a batch's scores for the ensemble of the first ``size`` members."""
        sums = torch.zeros_like(self._sums.total)
        for row, score in enumerate((scores.member, scores.logits, scores.probabilities)):
            sums[row, size - 1] = score.sum(dtype=sums.dtype)
        self._sums.update(sums)

    def count(self, labels: Tensor) -> None:
        """Count the labels of a batch, once."""
        self._tokens.update((labels != IGNORE).sum())

    @cached_property
    def _losses(self) -> list[list[float]]:
        mean: list[list[float]] = (-self._sums.compute() / self._tokens.compute()).tolist()
        return mean

    @property
    def member_losses(self) -> list[float]:
        """Loss of each member alone, in nats, ``[K]``."""
        return self._losses[0]

    @property
    def member_mean(self) -> float:
        """Mean loss of a member, in nats."""
        return sum(self.member_losses) / len(self.member_losses)

    def losses(self, average: Average) -> list[float]:
        """Return the losses of the ensembles of the first 1, ..., K members, in nats, ``[K]``."""
        return self._losses[1 + AVERAGES.index(average)]

    def points(self, average: Average) -> tuple[list[int], list[float]]:
        """Return sizes and losses for the law; the loss of size 1 is the mean over all members.

        The first member's own loss would bias the exponent: its deviation is in every other point
        too, but averaged (exponents of 1.25 to 1.37 instead of 0.91 to 0.99 in a small check).
        """
        losses = [self.member_mean, *self.losses(average)[1:]]
        return list(range(1, len(losses) + 1)), losses

    def law(self, average: Average) -> Fit | None:
        """Fit ``E + A / K^alpha``; None if there are too few sizes or the fit is refused."""
        from lit_research.laws import fit

        sizes, losses = self.points(average)
        if len(sizes) < MIN_SIZES:
            return None
        try:
            return fit("ensemble", sizes, losses, method="ls")
        except UserError:
            return None

    def report(self, average: Average) -> str:
        """Return a table of members and K-curve, and the law."""
        rows = ["K  member    logits    probabilities"]
        columns = zip(self.member_losses, *map(self.losses, AVERAGES), strict=True)
        for size, (member, logits, probabilities) in enumerate(columns, 1):
            rows.append(f"{size:<2} {member:<9.5f} {logits:<9.5f} {probabilities:.5f}")
        rows += ["", f"mean member {self.member_mean:.5f}"]
        law = self.law(average)
        if law is not None:
            rows += ["", f"mean of {average}", law.report()]
        elif len(self.member_losses) > 1:
            rows += ["", f"no law: it needs {MIN_SIZES} sizes of ensemble whose loss falls"]
        return "\n".join(rows)

    def figure(self, average: Average) -> Figure:
        """Draw the law and the curve; only if ``law`` returns one."""
        law = self.law(average)
        assert law is not None
        figure = law.figure()
        figure.axes[0].set_ylabel("loss (nats per token)")
        figure.axes[-1].set_xlabel("members (count)")
        return figure
