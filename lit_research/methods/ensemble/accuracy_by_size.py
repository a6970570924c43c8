"""``AccuracyBySize``: multiple-choice accuracy of 1, 2, ..., K members.

Legend: K members, R rows of a batch (one per option), T tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.evals import Choices, ChoiceScores
from lit_research.figures import add_text, code_block
from lit_research.methods.base import Method
from lit_research.methods.ensemble.core import Average, Scores


class AccuracyBySize:
    """Accuracies under nested ensembles, and under each member alone, accumulated by batch.

    The first result gathers the scores of all processes: ask for it on every rank, after all
    batches.

    Args:
        members: number of members, K.
        average: what the ensembles average.
        device: device of the scores, which stay there so that no batch waits for a transfer.
    """

    def __init__(self, members: int, average: Average, device: torch.device) -> None:
        self.members, self.average = members, average
        self._scores = ChoiceScores(2 * members, device)  # K ensembles, then K members

    def add(self, batch: dict[str, Tensor], scores: Iterable[Scores]) -> Tensor:
        """Add a batch of ``MultipleChoice``.

        Args:
            batch: see ``lit_research.evals.ChoiceRows``.
            scores: scores of the ensembles of the first 1, 2, ..., K members.

        Returns:
            Log-probabilities of the labels under the largest ensemble, in nats, ``[R, T]``.
        """
        ensembles: list[Tensor] = []
        singles: list[Tensor] = []
        for of_size in scores:
            ensembles.append(getattr(of_size, self.average))
            singles.append(of_size.member)
        self._scores.update(batch, [*ensembles, *singles])
        return ensembles[-1]

    @cached_property
    def choices(self) -> Choices:
        """The scores of all processes."""
        return self._scores.choices()

    @property
    def items(self) -> int:
        """Number of items whose options have all been scored, over all processes."""
        return len(self.choices.answer)

    def results(self) -> dict[str, list[float]]:
        """Return shares from 0 to 1 and their standard errors, each ``[K]``.

        ``acc`` and ``acc_norm`` (see ``Choices.accuracies``) are for the ensembles of 1, ..., K
        members, ``*_stderr`` their standard errors over items, ``*_member`` for each member alone.

        Raises:
            UserError: no item has all its options scored.
        """
        if self.items == 0:
            raise UserError(
                "no item has all its options scored, in the evaluation of MultipleChoice; "
                "raise trainer.limit_test_batches, limit_val_batches or data.init_args.batch_size"
            )
        results: dict[str, list[float]] = {}
        for name, (share_S, error_S) in self.choices.accuracies().items():
            results[name] = share_S[: self.members].tolist()
            results[f"{name}_stderr"] = error_S[: self.members].tolist()
            results[f"{name}_member"] = share_S[self.members :].tolist()
        return results

    def metrics(self, stage: str) -> dict[str, float]:
        """Return the metrics of all members together, of the mean member, and of each size."""
        results = self.results()
        values = {
            f"{stage}/items": float(self.items),
            f"{stage}/items_truncated": float(self.choices.truncated.sum()),
        }
        for name in ("acc", "acc_norm"):
            values[f"{stage}/{name}"] = results[name][-1]
            values[f"{stage}/{name}_stderr"] = results[f"{name}_stderr"][-1]
            values[f"{stage}/{name}_member"] = sum(results[f"{name}_member"]) / self.members
            if self.members > 1:
                values |= {f"{stage}/{name}_k{k}": v for k, v in enumerate(results[name], 1)}
        return values

    def log(self, module: Method, stage: str) -> bool:
        """Log ``metrics``, and after a test show and print ``report``.

        Call it on every rank at the end of an evaluation.

        Returns:
            Whether there was anything to log: False if the data has no items.
        """
        if self.choices.seen == 0:
            return False
        for name, value in self.metrics(stage).items():  # the same on every rank
            module.log_result(name, value, prog_bar=name == f"{stage}/acc")
        if stage == "test":
            add_text(module.trainer, "test/choices", code_block(self.report()))
            rank_zero_info(f"\n{self.report()}")
        return True

    def report(self) -> str:
        """Return a table of accuracies by number of members, in percent."""
        results = self.results()
        lines = [f"{self.items} items, accuracy in %, mean of {self.average}", ""]
        lines.append("K  member   acc            acc_norm")
        names = ("acc_member", "acc", "acc_stderr", "acc_norm", "acc_norm_stderr")
        for size, values in enumerate(zip(*(results[name] for name in names), strict=True), 1):
            member, acc, acc_e, norm, norm_e = (100 * value for value in values)
            lines.append(
                f"{size:<2} {member:<8.2f} {acc:5.2f} +- {acc_e:<5.2f} {norm:5.2f} +- {norm_e:.2f}"
            )
        return "\n".join(lines)
