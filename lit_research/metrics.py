"""Sums and means over the batches of an evaluation, the same on every rank.

A mean of the ranks' means is wrong where they have seen different numbers of tokens, and a rank
that has seen none has no mean. So sums and counts are accumulated with torchmetrics, reduced over
the ranks once, at the end, and divided then.

torchmetrics' own ``SumMetric`` and ``MeanMetric`` sum in fp32, look for nan in every batch (which
waits for the device), and warn on a rank that had no batch.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torchmetrics import Metric


def sum_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype of sums over many tokens: float64, where the device has it."""
    return torch.float64 if device.type != "mps" else torch.float32


class Sums(Metric):
    """Sums of tensors of one shape over the batches of all ranks; ``compute`` on every rank.

    Args:
        shape: of the sums.
        device: where they are kept until the end, so that no batch waits for the device.
    """

    full_state_update = False
    total: Tensor

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        super().__init__()
        zeros = torch.zeros(shape, dtype=sum_dtype(device), device=device)
        self.add_state("total", zeros, dist_reduce_fx="sum")
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        super().reset()
        self.update(torch.zeros_like(self.total))  # torchmetrics warns of a rank without a batch

    def update(self, values: Tensor) -> None:
        """Add ``values``, of the shape of the sums."""
        self.total += values

    def compute(self) -> Tensor:
        """Return the sums of all ranks."""
        return self.total


class Mean(Sums):
    """Mean over the batches of all ranks; every value has the same weight.

    ``update`` takes the sum of a batch's values and their number, ``[2]``.

    Args:
        device: where the sums are kept until the end.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__((2,), device)

    def compute(self) -> Tensor:
        """Return the mean over all ranks, a scalar; nan where nothing was counted."""
        return self.total[0] / self.total[1]


Key = TypeVar("Key", bound=Hashable)
AnyMetric = TypeVar("AnyMetric", bound=Metric)


class MetricsByKey(Generic[Key, AnyMetric]):
    """A metric for each key, created when the key is first used; ranks may use different keys.

    Args:
        create: returns the metric of a key; the same on every rank.
    """

    def __init__(self, create: Callable[[Key], AnyMetric]) -> None:
        self._create = create
        self._metrics: dict[Key, AnyMetric] = {}

    def __getitem__(self, key: Key) -> AnyMetric:
        """Return the metric of ``key``."""
        if key not in self._metrics:
            self._metrics[key] = self._create(key)
        return self._metrics[key]

    def compute(self) -> dict[Key, Tensor]:
        """Return each metric over all ranks, in the order of the keys. Call it on every rank."""
        keys = {key for of_rank in gather_objects(list(self._metrics)) for key in of_rank}
        return {key: self[key].compute() for key in sorted(keys)}  # type: ignore[type-var]


T = TypeVar("T")


def gather_objects(item: T) -> list[T]:
    """Return the ``item`` of each rank, in the order of the ranks. Call it on every rank."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return [item]
    items: list[T | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(items, item)
    return items  # type: ignore[return-value]
