"""Training a player on what was written: one pass, in the paper's batches.

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
from lit_research.methods.self_play.objectives import Part, likelihood_loss
from lit_research.methods.self_play.problems import Sample
from lit_research.methods.self_play.worker import Worker
from lit_research.ranges import COUNT, check_range

if TYPE_CHECKING:
    from lit_research.methods.self_play.players import Players, Role

Loss: TypeAlias = Callable[[Tensor, Tensor, Part], Tensor]
"""Log-probabilities and mask ``[B, T]`` of the samples of a part -> its part of the loss."""

WINDOW = 16  # batches whose samples are sorted by length together


@dataclass
class Update:
    """How a player is trained on the samples of a round.

    Args:
        batch_size: samples of an optimiser step; where an objective keeps groups together, as many
            whole groups as fit.
        micro_batch: samples whose graph is held at a time, of one device; None is all of a step's.
        epochs: passes over the samples.
        normaliser: ``tokens`` divides a step's loss by its written tokens, as the official code
            does; ``sequences`` means over each text and then over texts, as the paper writes.
        max_grad_norm: of the gradient; None does not clip (the official launch seems not to).
        reset: forget the optimiser's moments after each round, as the paper does.
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
    """What an update did: ``samples`` read, the ``losses`` of its optimiser steps."""

    samples: int = 0
    losses: list[float] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return len(self.losses)

    @property
    def loss(self) -> float:
        """Mean loss of the steps; nan without one."""
        return sum(self.losses) / len(self.losses) if self.losses else float("nan")


def make_batches(
    samples: Sequence[Sample], update: Update, seed: int, *, keep_groups: bool = False
) -> list[list[Sample]]:
    """Return the batches of all epochs, in an order of each epoch.

    Samples of like length share a batch, which saves padding; which of them do is drawn.

    Args:
        samples: of all processes.
        update: says how many share a batch.
        seed: of the orders.
        keep_groups: samples of one group are never torn apart.
    """
    groups: dict[int, list[Sample]] = {}
    for number, sample in enumerate(samples):
        groups.setdefault(sample.group if keep_groups else number, []).append(sample)
    whole = list(groups.values())
    draw = torch.Generator().manual_seed(seed)
    batches: list[list[Sample]] = []
    for _ in range(update.epochs):
        order = torch.randperm(len(whole), generator=draw).tolist()
        made: list[list[Sample]] = []
        for first in range(0, len(order), window := update.batch_size * WINDOW):
            near = sorted(order[first : first + window], key=lambda g: _length(whole[g]))
            made += _cut([whole[g] for g in near], update.batch_size)
        batches += [made[place] for place in torch.randperm(len(made), generator=draw).tolist()]
    return batches


def _length(group: Sequence[Sample]) -> int:
    return max(len(sample.prompt) + len(sample.written) for sample in group)


def _cut(groups: Sequence[list[Sample]], size: int) -> list[list[Sample]]:
    """Put groups together, in their order, while a batch has room."""
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
    """Train a player on samples; nothing happens without any.

    All processes have all samples; each reads its part of every batch.

    Args:
        players: one of them learns.
        role: which one.
        samples: of all processes, in the same order in each.
        update: how.
        optimizer: of the player.
        seed: of the order.
        loss: that is minimised.
        keep_groups: samples of one group are learned from in one step.
        worker: this process; computes gradients, and clips them.
        after_step: called with the number of a step (from 1) and its loss.
    """
    # Dropout would make the policy that is updated another than the one that wrote. Checkpointing
    # acts in training mode alone, and is refused where there is dropout.
    players.train(players.is_checkpointing)
    report, losses = UpdateReport(samples=len(samples)), []
    for batch in make_batches(samples, update, seed, keep_groups=keep_groups):
        optimizer.zero_grad()
        parts = split_batch(batch, update.micro_batch, worker.rank, worker.world)
        own: list[Tensor] = []
        for number, some in enumerate(parts):
            with worker.no_sync() if number < len(parts) - 1 else nullcontext():
                part = Part(some, batch, update.normaliser)
                value = part_loss(players, role, part, loss)
                # Strategies average the gradients of the processes; each has a part of one sum.
                worker.backward(value * worker.world)
            own.append(value.detach())
        worker.clip(optimizer, update.max_grad_norm)
        optimizer.step()
        losses.append(worker.add(torch.stack(own).sum()))
        if after_step is not None:
            after_step(len(losses), losses[-1])
    players.eval()
    optimizer.zero_grad()
    if update.reset:  # now, not at the next update: they are twice as large as the player
        optimizer.state.clear()
    report.losses = torch.stack(losses).tolist() if losses else []
    return report


def split_batch(
    batch: Sequence[Sample], micro_batch: int | None, rank: int, world: int
) -> list[list[Sample]]:
    """Return a process's part of a batch in micro-batches: as many in each process, none empty.

    Each backward pass waits for the other processes', so a process with less to read goes backward
    through a sample that counts nothing.
    """
    own, most = batch[rank::world], -(-len(batch) // world)
    size = micro_batch or most
    shortest = min(batch, key=lambda sample: len(sample.prompt) + len(sample.written))
    blank = Sample(shortest.prompt, shortest.written, weight=0.0)
    return [list(own[first : first + size]) or [blank] for first in range(0, most, size)]


def part_loss(players: Players, role: Role, part: Part, loss: Loss) -> Tensor:
    """Return the part of the batch's loss that is of these samples; the parts add up to it."""
    rows = players.rows([(s.prompt, s.written) for s in part.samples])
    return loss(players.log_probs(role, rows), rows["mask"], part)
