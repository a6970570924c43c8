"""A text-writing job in Lightning's ``predict`` loop: one batch is one shard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch.utils.data import Dataset

from lit_research.text import ShardedSampler, make_loader

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from lit_research.generation.job import TextJob


class _ShardBatches(Dataset[Any]):
    def __init__(self, count: int, batch_of: Callable[[int], dict[str, Any]]) -> None:
        self.count, self.batch_of = count, batch_of

    def __len__(self) -> int:
        return self.count

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        [shard] = indices
        return {"shard": shard, **self.batch_of(shard)}


def shard_loader(
    count: int, trainer: pl.Trainer | None, batch_of: Callable[[int], dict[str, Any]]
) -> Any:
    """Return a loader of this process's shards: every ``world_size``-th, starting at ``rank``.

    A process without a shard of its own gets the first one too, so that all processes take part in
    the loop; it writes the same texts.

    Args:
        count: number of shards of the job.
        trainer: knows rank and world size; None: a single process.
        batch_of: returns what the batch of a shard has in addition to ``shard``, its index.
    """
    data = _ShardBatches(count, batch_of)
    rank, world_size = 0, 1
    if trainer is not None:
        rank, world_size = trainer.global_rank, trainer.world_size
    sampler = ShardedSampler(
        data, batch_size=1, shuffle=False, drop_last=False, rank=rank, world_size=world_size
    )
    return make_loader(data, sampler=sampler)


def finish_together(job: TextJob, count: int, trainer: pl.Trainer) -> None:
    """Write the folder at the end of ``predict``, on rank 0, once all processes have written.

    Args:
        job: the same in every process.
        count: number of its shards.
        trainer: of the loop.
    """
    trainer.strategy.barrier()
    if trainer.is_global_zero:
        job.finish(count)
