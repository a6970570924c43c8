"""Sampling of rows of like length, as a pure function of what sampling of windows depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized

import numpy as np

from lit_research.text.sampling import ShardedSampler, permutation

# Batches whose rows are sorted together, at most, as in transformers' grouping by length.
_POOL_BATCHES = 50


class LengthGroupedSampler(ShardedSampler):
    """Gives rows of like length to each global batch, so that little of it is padding.

    Each epoch a random order is cut into pools of up to 50 global batches; the rows of a pool are
    sorted by length and cut into global batches, which come in random order. So a batch still holds
    other rows in each epoch. (transformers' ``group_by_length`` leaves the batches of a pool in the
    order of their length.) All else is as in ``ShardedSampler``.

    Args:
        dataset: the data set to sample; only its length is used.
        lengths: of each of its rows, in tokens.
        batch_size: rows per rank and batch.
        seed: of the order.
        rank: rank of this process.
        world_size: number of processes.

    Raises:
        UserError: there is no complete global batch.
    """

    def __init__(
        self,
        dataset: Sized,
        lengths: Sequence[int],
        *,
        batch_size: int,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        # The loader's state identifies the order by the seed: the same seed without groups is
        # another order, which a grouped run must not resume with.
        own = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
        super().__init__(dataset, batch_size=batch_size, seed=own, rank=rank, world_size=world_size)
        self.lengths = np.asarray(lengths)
        if len(self.lengths) != len(dataset):
            raise ValueError(f"{len(self.lengths)} lengths for {len(dataset)} rows; must be equal")

    def __iter__(self) -> Iterator[int]:
        """Iterate over this rank's rows of the epoch; see ``ShardedSampler``."""
        start, self.start_batch = self.start_batch, 0
        return self._indices(self._grouped(self.epoch), start)

    def _grouped(self, epoch: int) -> np.ndarray:
        """Return the order of an epoch, of complete global batches."""
        count, size = self.whole_batches, self.global_batch_size
        order = permutation(count * size + self.rest, seed=self.seed, epoch=epoch)[: count * size]
        pool = size * min(_POOL_BATCHES, max(1, count // 4))
        for first in range(0, len(order), pool):
            part = order[first : first + pool]
            order[first : first + pool] = part[np.argsort(self.lengths[part], kind="stable")]
        batches = np.random.default_rng((self.seed, epoch, 1)).permutation(count)
        return order.reshape(count, size)[batches].ravel()
