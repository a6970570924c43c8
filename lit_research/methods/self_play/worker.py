"""One process of the game: its part of the work, and how it computes gradients with the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from lightning.pytorch.strategies import ParallelStrategy
from torch import Tensor

from lit_research.methods.base import Method
from lit_research.metrics import gather_objects

T = TypeVar("T")


def _clip(optimizer: torch.optim.Optimizer, max_norm: float | None) -> None:
    if max_norm is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, max_norm)


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Worker:
    """A process; without arguments it is alone.

    Attributes:
        rank: number of the process.
        world: number of processes.
        backward: computes gradients of a loss.
        clip: clips the gradients that an optimiser is about to use to a norm; None does not.
        add: the sum of a number over all processes.
        broadcast: the value that process 0 has.
        no_sync: while it is entered, gradients stay in each process.
    """

    rank: int = 0
    world: int = 1
    backward: Callable[[Tensor], None] = Tensor.backward
    clip: Callable[[torch.optim.Optimizer, float | None], None] = _clip
    add: Callable[[Tensor], Tensor] = _same
    broadcast: Callable[[Any], Any] = _same
    no_sync: Callable[[], AbstractContextManager[None]] = nullcontext

    @classmethod
    def of(cls, module: Method) -> Worker:
        """Return the process of a module that Lightning runs."""
        strategy = module.trainer.strategy
        return cls(
            rank=module.global_rank,
            world=module.trainer.world_size,
            backward=module.manual_backward,
            clip=lambda optimizer, norm: module.configure_gradient_clipping(
                optimizer, norm, "norm"
            ),
            add=lambda value: strategy.reduce(value, reduce_op="sum"),
            broadcast=strategy.broadcast,
            no_sync=strategy.block_backward_sync
            if isinstance(strategy, ParallelStrategy)
            else nullcontext,
        )

    def share(self, items: Sequence[T]) -> list[T]:
        """Return this process's part of ``items``."""
        return list(items[self.rank :: self.world])

    def index(self, own: int) -> int:
        """Return the index among all items of the ``own``-th item of this process's part."""
        return self.rank + own * self.world

    def gather(self, part: list[T]) -> list[T]:
        """Return all items, given the part of each process, as ``share`` gives it."""
        if self.world == 1:
            return part
        parts = gather_objects(part)
        merged: list[Any] = [None] * sum(map(len, parts))
        for rank, of_rank in enumerate(parts):
            merged[rank :: self.world] = of_rank
        return merged
