"""From log-probabilities of options to the accuracy of 1, 2, ..., K members.

Legend: K members, R rows of a batch (one for each option), T tokens, I items, O most options of an
item.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.figures import add_text, code_block
from lit_research.lm import IGNORE
from lit_research.methods.base import Method
from lit_research.methods.ensemble.core import Average, Scores

# What goes with the scores of a row, in this order.
_FACTS = ("option_bytes", "options", "answer")


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
    """Sum the log-probabilities of each option's tokens and put them in the place of the option.

    Args:
        log_probs: of the labels, in nats, ``[R, T]``.
        labels: ``IGNORE`` but on the option's tokens, ``[R, T]``.
        row_item: number of the item, ``[R]``.
        row_option: place of the option in the item, ``[R]``.
        row_bytes: length of the option in bytes, ``[R]``.
    """
    total_R = _totals(log_probs, labels)
    shape = int(row_item.max()) + 1, int(row_option.max()) + 1

    def place(values_R: Tensor) -> Tensor:
        table_IO = values_R.new_full(shape, -math.inf)
        table_IO[row_item, row_option] = values_R
        return table_IO

    return OptionScores(
        total=place(total_R),
        per_token=place(total_R / (labels != IGNORE).sum(dim=1)),
        per_byte=None if row_bytes is None else place(total_R / row_bytes),
    )


def accuracy(scores: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of items whose right option scores highest, and its standard error.

    Of equal scores the first is taken. The standard error is that of a mean of I independent
    items, ``sqrt(p (1 - p) / (I - 1))``, as in the lm-evaluation-harness; nan for one item. Where
    a score is not a number, neither are these.

    Args:
        scores: -inf where an item has no such option, ``[..., I, O]``.
        answer: place of the right option, ``[I]``.

    Returns:
        Both ``[...]``.
    """
    right = (scores.argmax(dim=-1) == answer).to(scores.dtype)
    share = right.mean(dim=-1).masked_fill(scores.isnan().flatten(-2).any(dim=-1), math.nan)
    return share, (share * (1 - share) / (scores.shape[-2] - 1)).sqrt()


def _totals(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Return the log-probability of each row's option, ``[R]``."""
    return (log_probs * (labels != IGNORE)).sum(dim=1, dtype=_kind(log_probs.device))


def _kind(device: torch.device) -> torch.dtype:
    return torch.float64 if device.type != "mps" else torch.float32


class ChoiceScores:
    """Scores of options under nested ensembles, gathered batch by batch and rank by rank.

    Call ``add`` for each batch, ``reduce`` once, on every rank, then ``results``.

    Args:
        members: K.
        average: what the ensembles are the mean of.
        device: where the scores are kept until the end, so that no batch waits for a number.
    """

    def __init__(self, members: int, average: Average, device: torch.device) -> None:
        self.members, self.average = members, average
        kind = _kind(device)
        # For each row its place (item, option); the scores of K ensembles, of K members, facts, 1.
        self._places = [torch.zeros(0, 2, dtype=torch.long, device=device)]
        self._values = [torch.zeros(0, 2 * members + len(_FACTS) + 1, dtype=kind, device=device)]
        # Items of which an option was seen, by all ranks together; 0 where the data has no items.
        self.seen = 0
        self._answer_I = torch.zeros(0, dtype=torch.long)

    def add(self, batch: dict[str, Tensor], scores: Iterable[Scores]) -> Tensor:
        """Add a batch of ``MultipleChoice``.

        Args:
            batch: with ``labels`` ``[R, T]``, and ``item_id``, ``option_id``, ``options``,
                ``answer``, ``option_bytes``, ``[R]`` each.
            scores: of the ensembles of the first 1, 2, ..., K members.

        Returns:
            Log-probabilities of the labels under the largest ensemble, in nats, ``[R, T]``.
        """
        kind = self._values[0].dtype
        ensembles, singles = [], []
        for given in scores:
            last: Tensor = getattr(given, self.average)
            ensembles.append(_totals(last, batch["labels"]))
            singles.append(_totals(given.member, batch["labels"]))
        assert len(ensembles) == self.members, f"{len(ensembles)} scores of {self.members} members"
        facts = [batch[name].to(kind) for name in _FACTS]
        # A rank without options reads one without labels.
        scored_R = (batch["labels"] != IGNORE).any(dim=1).to(kind)
        columns = [*ensembles, *singles, *facts, torch.ones_like(ensembles[0])]
        self._values.append(torch.stack(columns, dim=1) * scored_R[:, None])
        self._places.append(torch.stack([batch["item_id"], batch["option_id"]], dim=1))
        return last

    def reduce(self, strategy: Any = None) -> None:
        """Put the rows of all processes together, on each of them; after it, no more batches.

        Ranks hold different options, of one item perhaps. An option that several ranks have seen
        counts once. Items of which an option was not seen (``limit_test_batches``) are left out.

        Args:
            strategy: of the trainer; None is this process alone.
        """

        def over_ranks(tensor: Tensor, how: str) -> Tensor:
            if strategy is None:
                return tensor
            reduced: Tensor = strategy.reduce(tensor, reduce_op=how)
            return reduced

        places_R2, values_RC = torch.cat(self._places), torch.cat(self._values)
        # A rank may have seen nothing; -1 is its largest number then.
        largest_2 = torch.cat([places_R2, places_R2.new_full((1, 2), -1)]).amax(dim=0)
        self.seen, options = (over_ranks(largest_2, "max") + 1).tolist()
        if self.seen == 0:
            return
        table_IOC = values_RC.new_zeros(self.seen, options, values_RC.shape[1])
        table_IOC.index_put_((places_R2[:, 0], places_R2[:, 1]), values_RC, accumulate=True)
        table_IOC = over_ranks(table_IOC, "sum")
        times_IO = table_IOC[..., -1]
        table_IOC = table_IOC / times_IO.clamp(min=1)[..., None]
        bytes_IO, options_IO, answer_IO = table_IOC[..., 2 * self.members : -1].unbind(-1)
        missing_IO = times_IO == 0
        seen_I = (~missing_IO).sum(dim=1)
        whole_I = (seen_I == options_IO.amax(dim=1)) & (seen_I > 0)
        scores_SIO = table_IOC[..., : 2 * self.members].movedim(-1, 0)
        self._answer_I = answer_IO.amax(dim=1)[whole_I].long()
        self._scores = {
            name: scores.masked_fill(missing_IO, -math.inf)[:, whole_I]
            for name, scores in (
                ("acc", scores_SIO),
                ("acc_norm", scores_SIO / bytes_IO.clamp(min=1)),
            )
        }

    @property
    def items(self) -> int:
        """Number of items whose options have all been scored, by all ranks together."""
        return len(self._answer_I)

    def results(self) -> dict[str, list[float]]:
        """Return shares from 0 to 1 and their standard errors, each ``[K]``.

        ``acc`` takes the option of highest log-probability, ``acc_norm`` that of highest
        log-probability per byte of UTF-8 (the harness divides by characters, which in ASCII is the
        same); of the ensembles of 1, ..., K members. ``*_stderr`` are standard errors over items,
        ``*_member`` what each member reaches alone.

        Raises:
            UserError: no item has been scored whole.
        """
        if self.items == 0:
            raise UserError(
                "no item has all its options scored, in the evaluation of MultipleChoice: "
                "raise trainer.limit_test_batches, limit_val_batches or data.init_args.batch_size"
            )
        found: dict[str, list[float]] = {}
        for name, scores_SIO in self._scores.items():
            share_S, error_S = accuracy(scores_SIO, self._answer_I)
            found[name] = share_S[: self.members].tolist()
            found[f"{name}_stderr"] = error_S[: self.members].tolist()
            found[f"{name}_member"] = share_S[self.members :].tolist()
        return found

    def metrics(self, stage: str) -> dict[str, float]:
        """Return what to log: of all members together, of a member on average, of each size."""
        found = self.results()
        values = {f"{stage}/items": float(self.items)}
        for name in ("acc", "acc_norm"):
            values[f"{stage}/{name}"] = found[name][-1]
            values[f"{stage}/{name}_stderr"] = found[f"{name}_stderr"][-1]
            values[f"{stage}/{name}_member"] = sum(found[f"{name}_member"]) / self.members
            if self.members > 1:
                values |= {f"{stage}/{name}_k{k}": v for k, v in enumerate(found[name], 1)}
        return values

    def log(self, module: Method, stage: str) -> bool:
        """Put the ranks together, log ``metrics``, and after a test show and print ``report``.

        To be called on every rank at the end of an evaluation.

        Returns:
            Whether there was anything to log: False where the data has no items.
        """
        self.reduce(module.trainer.strategy)
        if self.seen == 0:
            return False
        for name, value in self.metrics(stage).items():  # the same on every rank
            module.log_result(name, value, prog_bar=name == f"{stage}/acc")
        if stage == "test":
            add_text(module.trainer, "test/choices", code_block(self.report()))
            rank_zero_info(f"\n{self.report()}")
        return True

    def report(self) -> str:
        """Return the accuracies by number of members as plain text, in percent."""
        found = self.results()
        lines = [f"{self.items} items, accuracy in %, mean of {self.average}", ""]
        lines.append("K  member   acc            acc_norm")
        names = ("acc_member", "acc", "acc_stderr", "acc_norm", "acc_norm_stderr")
        for size, values in enumerate(zip(*(found[name] for name in names), strict=True), 1):
            member, acc, acc_e, norm, norm_e = (100 * value for value in values)
            lines.append(
                f"{size:<2} {member:<8.2f} {acc:5.2f} +- {acc_e:<5.2f} {norm:5.2f} +- {norm_e:.2f}"
            )
        return "\n".join(lines)
