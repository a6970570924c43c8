"""One process of the game: its share of the work, and its part in distributed training."""

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


def _identity(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Worker:
    """A process; the defaults are those of a single process.

    Attributes:
        rank: of the process.
        world: number of processes.
        backward: computes the gradients of a loss.
        clip: clips the gradients of an optimiser's parameters to a norm; None does not clip.
        add: returns the sum of a value over all processes.
        broadcast: returns the value of rank 0.
        no_sync: a context in which gradients are not synchronised.
    """

    rank: int = 0
    world: int = 1
    backward: Callable[[Tensor], None] = Tensor.backward
    clip: Callable[[torch.optim.Optimizer, float | None], None] = _clip
    add: Callable[[Tensor], Tensor] = _identity
    broadcast: Callable[[Any], Any] = _identity
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
        """Return the share of ``items`` that this process works on."""
        return list(items[self.rank :: self.world])

    def index(self, local_index: int) -> int:
        """Return the index among all items of an item of this process's share."""
        return self.rank + local_index * self.world

    def gather(self, local_items: list[T]) -> list[T]:
        """Return all items on every process, given each process's share of them."""
        if self.world == 1:
            return local_items
        shares = gather_objects(local_items)
        merged: list[Any] = [None] * sum(map(len, shares))
        for rank, share in enumerate(shares):
            merged[rank :: self.world] = share
        return merged
