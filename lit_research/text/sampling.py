"""Sampling of windows, as a pure function of (seed, epoch, rank, world size, index)."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import numpy as np
import torch
from torch.utils.data import DistributedSampler

from lit_research.errors import UserError

# Indices that become Python integers at a time; an epoch of them need not fit in memory.
_CHUNK_BATCHES = 1024


def permutation(length: int, *, seed: int, epoch: int) -> np.ndarray:
    """Return the order of ``length`` items in this epoch, ``[length]`` int64."""
    return np.random.default_rng((seed, epoch)).permutation(length)


def rank_and_world_size(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Return both as given, or those of ``torch.distributed`` (0 and 1 without it)."""
    if rank is not None and world_size is not None:
        return rank, world_size
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


class ShardedSampler(DistributedSampler[int]):
    """Gives every rank its part of each global batch.

    Global batch ``b`` is ``order[b*G : (b+1)*G]`` with ``G = batch_size * world_size``, of which
    rank ``r`` takes the ``r``-th ``batch_size`` windows. So an equal global batch size gives equal
    steps at any world size. Nothing is padded: with ``drop_last`` an incomplete global batch is
    dropped; without it the rest is divided as evenly as possible.

    It derives from ``DistributedSampler`` so that Lightning does not replace it.

    Args:
        dataset: the data set to sample; only its length is used.
        batch_size: windows per rank and batch.
        seed: seed of the order.
        shuffle: use a new order in each epoch; else the order of the dataset.
        drop_last: drop the rest (for training); else divide it (for evaluation).
        rank: rank of this process; default from ``torch.distributed``, or 0.
        world_size: number of processes; default from ``torch.distributed``, or 1.

    Raises:
        UserError: with ``drop_last`` there is no complete global batch.
    """

    def __init__(
        self,
        dataset: Sized,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = True,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        rank, world_size = rank_and_world_size(rank, world_size)
        super().__init__(
            dataset,  # type: ignore[arg-type]
            num_replicas=world_size,
            rank=rank,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
        )
        self.batch_size = batch_size
        self.start_batch = 0
        self.global_batch_size = batch_size * world_size
        self.whole_batches, self.rest = divmod(len(dataset), self.global_batch_size)
        if drop_last and self.whole_batches == 0:
            raise UserError(
                f"the global batch of {self.global_batch_size} (batch_size={batch_size} on "
                f"{world_size} processes) is larger than the data, in a data set of {len(dataset)} "
                "windows; give a smaller batch, shorter sequences or more text"
            )

    def __len__(self) -> int:
        """Return the number of windows of this rank per epoch."""
        rest = 0 if self.drop_last else len(self._share(np.empty(self.rest)))
        return self.whole_batches * self.batch_size + rest

    def __iter__(self) -> Iterator[int]:
        """Iterate over this rank's windows of the epoch.

        The batches before ``start_batch`` are skipped, once: it is reset to 0.
        """
        start, self.start_batch = self.start_batch, 0
        length = self.whole_batches * self.global_batch_size + self.rest
        if self.shuffle:
            order = permutation(length, seed=self.seed, epoch=self.epoch)
        else:
            order = np.arange(length)
        return self._indices(order, start)

    def _indices(self, order: np.ndarray, start_batch: int) -> Iterator[int]:
        whole = order[: self.whole_batches * self.global_batch_size]
        mine = whole.reshape(self.whole_batches, self.num_replicas, self.batch_size)[:, self.rank]
        for batch in range(start_batch, self.whole_batches, _CHUNK_BATCHES):
            yield from mine[batch : batch + _CHUNK_BATCHES].ravel().tolist()
        if not self.drop_last:
            yield from self._share(order[len(whole) :]).tolist()

    def _share(self, rest: np.ndarray) -> np.ndarray:
        return np.array_split(rest, self.num_replicas)[self.rank]
