"""Sums over the batches of an evaluation, correct under DDP with ragged batches; binned means.

A mean of the ranks' means is wrong if they have seen different numbers of tokens, and a rank that
has seen none has no mean. So sums and counts are accumulated with torchmetrics, reduced over the
ranks once, at the end, and divided then.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torchmetrics import Metric

Key = TypeVar("Key", bound=Hashable)


def sum_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype for sums over many tokens: float64, if the device supports it."""
    return torch.float64 if device.type != "mps" else torch.float32


class Sums(Metric):
    """Sums of tensors of one shape over the batches of all ranks; ``compute`` on every rank.

    Args:
        shape: of the sums.
        device: where they are accumulated, so that no batch waits for a transfer.
    """

    full_state_update = False
    total: Tensor

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        super().__init__()
        zeros = torch.zeros(shape, dtype=sum_dtype(device), device=device)
        self.add_state("total", zeros, dist_reduce_fx="sum")
        self.update(zeros)  # torchmetrics would warn about a rank without a batch

    def update(self, values: Tensor) -> None:
        """Add ``values``, of the shape of the sums."""
        self.total += values

    def compute(self) -> Tensor:
        """Return the sums of all ranks."""
        return self.total


class SumsByKey(Generic[Key]):
    """``Sums`` for each key; ranks may have different keys, but one shape for each key.

    Args:
        device: where they are accumulated.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._sums: dict[Key, Sums] = {}

    def add(self, key: Key, values: Tensor) -> None:
        """Add ``values`` to the sums of ``key``."""
        self._of(key, tuple(values.shape)).update(values)

    def _of(self, key: Key, shape: tuple[int, ...]) -> Sums:
        if key not in self._sums:
            self._sums[key] = Sums(shape, self.device)
        return self._sums[key]

    def compute(self) -> dict[Key, Tensor]:
        """Return the sums of all ranks, by key, in the order of the keys. Call it on every rank."""
        shapes = {key: tuple(sums.total.shape) for key, sums in self._sums.items()}
        for rank_shapes in gather_objects(shapes):
            for key, shape in rank_shapes.items():
                self._of(key, shape)
        return {key: self._sums[key].compute() for key in sorted(self._sums)}  # type: ignore[type-var]


T = TypeVar("T")


def gather_objects(item: T) -> list[T]:
    """Return the ``item`` of each rank, in the order of the ranks. Call it on every rank."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return [item]
    items: list[T | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(items, item)
    return items  # type: ignore[return-value]


def binned_means(sums: Tensor, num_bins: int) -> tuple[Tensor, Tensor]:
    """Average positions in bins of nearly equal size.

    Args:
        sums: summed losses and their counts, ``[2, T]``.
        num_bins: at most this many bins.

    Returns:
        The mean position (1 is the first) and the mean loss of each bin that counts anything.
    """
    length = sums.shape[1]
    bins = torch.arange(length) * min(num_bins, length) // length
    totals = torch.zeros(3, min(num_bins, length), dtype=sums.dtype)
    position = torch.arange(1, length + 1, dtype=sums.dtype)
    totals.index_add_(1, bins, torch.stack([sums[0], sums[1], sums[1] * position]))
    losses, counts, positions = totals[:, totals[1] > 0]
    return positions / counts, losses / counts
