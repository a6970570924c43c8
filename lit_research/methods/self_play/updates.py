"""Training a player on what was written: one pass, in the paper's batches.

Legend: B samples of a micro-batch, T tokens of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from lit_research.errors import UserError
from lit_research.methods.self_play.objectives import Normaliser, cispo_loss, weighted_nll

if TYPE_CHECKING:
    from lit_research.methods.self_play.module import SelfPlay
    from lit_research.methods.self_play.players import Role


WINDOW = 16  # batches whose samples are sorted by length together


@dataclass(frozen=True)
class Sample:
    """A text to learn from.

    Attributes:
        prompt: token ids.
        written: token ids after it.
        weight: of its negative log-likelihood, or its advantage (CISPO).
        old_log_probs: of ``written`` when it was written, in nats (CISPO alone reads them).
        group: samples of one problem (CISPO: batches are made of whole groups).
    """

    prompt: Sequence[int]
    written: Sequence[int]
    weight: float = 1.0
    old_log_probs: Sequence[float] = ()
    group: int = 0


@dataclass
class Update:
    """How a player is trained on the samples of a round.

    Args:
        batch_size: samples of an optimiser step (CISPO: the nearest number of whole groups).
        micro_batch: samples whose graph is held at a time, of one device; None is all of a step's.
        epochs: passes over the samples.
        normaliser: ``tokens`` divides a step's loss by its written tokens, as the official code
            does; ``sequences`` means over each text and then over texts, as the paper writes.
        max_grad_norm: of the gradient; None does not clip (the official launch seems not to).
        reset: forget the optimiser's moments before each round, as the paper does.
        cispo_clip: of CISPO's importance weights, upper bound.
    """

    batch_size: int = 32
    micro_batch: int | None = None
    epochs: int = 1
    normaliser: Normaliser = "tokens"
    max_grad_norm: float | None = 1.0
    reset: bool = True
    cispo_clip: float = 4.0

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise UserError(
                    f"{name} is {getattr(self, name)}, in update of SelfPlay: give 1 or more"
                )
        if self.micro_batch is not None and self.micro_batch < 1:
            raise UserError(
                f"micro_batch is {self.micro_batch}, in update of SelfPlay: give 1 or more, or null"
            )


@dataclass
class UpdateReport:
    """What an update did: optimiser ``steps``, ``samples`` read, mean ``loss`` of the steps."""

    steps: int = 0
    samples: int = 0
    losses: list[float] = field(default_factory=list)

    @property
    def loss(self) -> float:
        """Mean loss of the steps; nan without one."""
        return sum(self.losses) / len(self.losses) if self.losses else float("nan")


def make_batches(samples: Sequence[Sample], update: Update, seed: int) -> list[list[Sample]]:
    """Return the batches of all epochs: whole groups, in an order of each epoch.

    Groups of like length share a batch, which saves padding; which of them do is drawn.
    """
    groups: dict[int, list[Sample]] = {}
    for number, sample in enumerate(samples):
        groups.setdefault(sample.group if sample.old_log_probs else -1 - number, []).append(sample)
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
    module: SelfPlay,
    role: Role,
    samples: Sequence[Sample],
    update: Update,
    optimizer: torch.optim.Optimizer,
    *,
    cispo: bool,
    seed: int,
    after_step: Callable[[int, float], None] | None = None,
) -> UpdateReport:
    """Train a player on samples; nothing happens without any.

    All processes have all samples; each reads its part of every batch.

    Args:
        module: whose player; knows how to go backward and to clip.
        role: which one.
        samples: of all processes, in the same order in each.
        update: how.
        optimizer: of the player.
        cispo: weights are advantages of CISPO, else of a negative log-likelihood.
        seed: of the order.
        after_step: called with the number of a step (from 1) and its loss.
    """
    # Dropout would make the policy that is updated another than the one that wrote.
    module.players.eval()
    report = UpdateReport(samples=len(samples))
    if update.reset:
        optimizer.state.clear()
    for batch in make_batches(samples, update, seed):
        optimizer.zero_grad()
        total = 0.0
        for part, loss in _losses(module, role, batch, update, cispo):
            # Strategies average the gradients of the processes; each has a part of one sum.
            module.manual_backward(loss * module.trainer.world_size)
            total += float(loss.detach()) if part else 0.0
        module.configure_gradient_clipping(optimizer, update.max_grad_norm, "norm")
        optimizer.step()
        report.steps += 1
        report.losses.append(total)
        if after_step is not None:
            after_step(report.steps, total)
    optimizer.zero_grad()
    return report


def _losses(module: SelfPlay, role: Role, batch: list[Sample], update: Update, cispo: bool) -> Any:
    """Yield (samples, their part of the batch's loss), micro-batch by micro-batch."""
    rank, world = module.global_rank, module.trainer.world_size
    tokens = sum(len(sample.written) for sample in batch)
    # A process without a part goes backward too, through a sample that counts nothing.
    own = batch[rank::world] or [Sample(batch[0].prompt, batch[0].written, weight=0.0)]
    size = update.micro_batch or len(own)
    of_group: dict[int, int] = {}
    for sample in batch:
        of_group[sample.group] = of_group.get(sample.group, 0) + len(sample.written)
    for first in range(0, len(own), size):
        part = own[first : first + size]
        rows = module.players.rows([(s.prompt, s.written) for s in part])
        log_probs = module.players.log_probs(role, rows)
        weights = torch.tensor([s.weight for s in part], device=log_probs.device)
        if not cispo:
            yield (
                part,
                weighted_nll(
                    log_probs,
                    rows["mask"],
                    weights,
                    update.normaliser,
                    total=tokens if update.normaliser == "tokens" else len(batch),
                ),
            )
            continue
        old = torch.zeros_like(log_probs)
        for row, sample in enumerate(part):
            start = len(sample.prompt) - 1
            old[row, start : start + len(sample.written)] = torch.tensor(
                sample.old_log_probs or [0.0] * len(sample.written), device=old.device
            )
        # One over the tokens of the whole group, and over the groups of the step.
        share = [1 / (of_group[s.group] * len(of_group)) if s.weight else 0.0 for s in part]
        yield (
            part,
            cispo_loss(
                log_probs,
                old,
                weights,
                rows["mask"],
                clip=update.cispo_clip,
                scale=torch.tensor(share, device=old.device),
            ),
        )
