"""Training a player on the samples of a round.

Legend: B samples of a micro-batch, T tokens of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from lit_research.methods.self_play.core import Normaliser
from lit_research.methods.self_play.objectives import MicroBatch, likelihood_loss
from lit_research.methods.self_play.problems import Sample
from lit_research.methods.self_play.worker import Worker
from lit_research.ranges import COUNT, check_range

if TYPE_CHECKING:
    from lit_research.methods.self_play.players import Players, Role

Loss: TypeAlias = Callable[[Tensor, Tensor, MicroBatch], Tensor]
"""Log-probabilities and mask ``[B, T]`` of a micro-batch -> its contribution to the step's loss."""

WINDOW = 16  # number of batches whose samples are sorted by length together


@dataclass
class Update:
    """How a player is trained on the samples of a round.

    Args:
        batch_size: samples of an optimiser step; if the objective keeps groups together, as many
            whole groups as fit.
        micro_batch: samples of one backward pass on a device; None is all of the step's.
        epochs: passes over the samples.
        normaliser: ``tokens`` divides the loss of a step by its number of generated tokens, as the
            official code does; ``sequences`` averages over the tokens of each completion, then
            over completions, as in the paper.
        max_grad_norm: to which gradients are clipped; None does not clip (as, it seems, the
            official launch).
        reset: reset the optimiser's moments after each round, as in the paper.
    """

    batch_size: int = 32
    micro_batch: int | None = None
    epochs: int = 1
    normaliser: Normaliser = "tokens"
    max_grad_norm: float | None = 1.0
    reset: bool = True

    def __post_init__(self) -> None:
        where = "in update of SelfPlay"
        check_range(COUNT, where, batch_size=self.batch_size, epochs=self.epochs)
        check_range(COUNT, where, micro_batch=self.micro_batch)


@dataclass
class UpdateReport:
    """The number of samples of an update, and the losses of its optimiser steps."""

    samples: int = 0
    losses: list[float] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Number of optimiser steps."""
        return len(self.losses)

    @property
    def loss(self) -> float:
        """Mean loss of the steps; nan without steps."""
        return sum(self.losses) / len(self.losses) if self.losses else float("nan")


def make_batches(
    samples: Sequence[Sample], update: Update, seed: int, *, keep_groups: bool = False
) -> list[list[Sample]]:
    """Return the batches of all epochs, shuffled in each epoch.

    Samples of similar length share a batch, which saves padding.

    Args:
        samples: of all processes.
        update: has the batch size and the number of epochs.
        seed: of the shuffling.
        keep_groups: put all samples of a group into the same batch.
    """
    groups: dict[int, list[Sample]] = {}
    for number, sample in enumerate(samples):
        groups.setdefault(sample.group if keep_groups else number, []).append(sample)
    group_list = list(groups.values())
    generator = torch.Generator().manual_seed(seed)
    batches: list[list[Sample]] = []
    for _ in range(update.epochs):
        order = torch.randperm(len(group_list), generator=generator).tolist()
        epoch: list[list[Sample]] = []
        for first in range(0, len(order), window := update.batch_size * WINDOW):
            by_length = sorted(order[first : first + window], key=lambda g: _length(group_list[g]))
            epoch += _pack([group_list[g] for g in by_length], update.batch_size)
        batches += [epoch[i] for i in torch.randperm(len(epoch), generator=generator).tolist()]
    return batches


def _length(group: Sequence[Sample]) -> int:
    return max(len(sample.prompt) + len(sample.written) for sample in group)


def _pack(groups: Sequence[list[Sample]], size: int) -> list[list[Sample]]:
    """Concatenate consecutive groups to batches of at most ``size``, larger groups excepted."""
    batches: list[list[Sample]] = []
    for group in groups:
        if batches and len(batches[-1]) + len(group) <= size:
            batches[-1] = batches[-1] + group
        else:
            batches.append(list(group))
    return batches


def train_player(
    players: Players,
    role: Role,
    samples: Sequence[Sample],
    update: Update,
    optimizer: torch.optim.Optimizer,
    *,
    seed: int,
    loss: Loss = likelihood_loss,
    keep_groups: bool = False,
    worker: Worker = Worker(),  # noqa: B008 - frozen
    after_step: Callable[[int, Tensor], None] | None = None,
) -> UpdateReport:
    """Train a player on samples; does nothing if there are none.

    All processes have all samples; each computes the loss on its share of every batch.

    Args:
        players: of which one is trained.
        role: of the player that is trained.
        samples: of all processes, in the same order on each.
        update: batch sizes, epochs and the like.
        optimizer: of the player.
        seed: of the shuffling.
        loss: to minimise.
        keep_groups: put all samples of a group into the same step.
        worker: this process; computes and clips gradients.
        after_step: called with the number of each step (from 1) and its loss.
    """
    # Dropout would make the updated policy differ from the one that generated the samples.
    # Activation checkpointing acts only in training mode, and is refused with dropout.
    players.train(players.is_checkpointing)
    report, losses = UpdateReport(samples=len(samples)), []
    for batch in make_batches(samples, update, seed, keep_groups=keep_groups):
        optimizer.zero_grad()
        splits = split_batch(batch, update.micro_batch, worker.rank, worker.world)
        contributions: list[Tensor] = []
        for number, split in enumerate(splits):
            with worker.no_sync() if number < len(splits) - 1 else nullcontext():
                micro_batch = MicroBatch(split, batch, update.normaliser)
                contribution = micro_batch_loss(players, role, micro_batch, loss)
                # Strategies average gradients over processes, but the loss is a sum over them.
                worker.backward(contribution * worker.world)
            contributions.append(contribution.detach())
        worker.clip(optimizer, update.max_grad_norm)
        optimizer.step()
        losses.append(worker.add(torch.stack(contributions).sum()))
        if after_step is not None:
            after_step(len(losses), losses[-1])
    players.eval()
    optimizer.zero_grad()
    if update.reset:  # now, not at the next update: the moments are twice as large as the player
        optimizer.state.clear()
    report.losses = torch.stack(losses).tolist() if losses else []
    return report


def split_batch(
    batch: Sequence[Sample], micro_batch_size: int | None, rank: int, world: int
) -> list[list[Sample]]:
    """Return a process's share of a batch as micro-batches: equally many on each, none empty.

    A backward pass synchronises with those of the other processes, so a process that has run out
    of samples computes one of weight 0.
    """
    share, largest_share = batch[rank::world], -(-len(batch) // world)
    size = micro_batch_size or largest_share
    shortest = min(batch, key=lambda sample: len(sample.prompt) + len(sample.written))
    padding = Sample(shortest.prompt, shortest.written, weight=0.0)
    return [
        list(share[first : first + size]) or [padding] for first in range(0, largest_share, size)
    ]


def micro_batch_loss(players: Players, role: Role, micro_batch: MicroBatch, loss: Loss) -> Tensor:
    """Return the contribution of a micro-batch to the loss of its step."""
    rows = players.rows([(s.prompt, s.written) for s in micro_batch.samples])
    return loss(players.log_probs(role, rows), rows["mask"], micro_batch)
