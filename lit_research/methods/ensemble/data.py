"""``MemberCorpus``: a corpus whose training batches hold one batch per member.

Legend: K members, B sequences of a batch, T tokens of a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from lit_research.errors import UserError
from lit_research.methods.pretrain import Corpus
from lit_research.text import ShardedSampler, Windows, make_loader


class MemberWindows(torch.utils.data.Dataset[Any]):
    """Windows for K members at once, each value ``[K, B, T]``."""

    def __init__(self, windows: Windows, members: int) -> None:
        self.windows, self.members = windows, members

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.windows)

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """Return the windows of the K consecutive batches in ``indices``."""
        batch = self.windows.__getitems__(indices)
        return {name: value.unflatten(0, (self.members, -1)) for name, value in batch.items()}


class MemberSampler(ShardedSampler):
    """Samples a separate order for every member: the batches of a step, member after member.

    The order of a member depends on (its seed, epoch) alone, not on the other members.

    Args:
        windows: the windows to sample.
        seeds: one per member.
        batch_size: windows per member, rank and step.
        rank: rank of this process.
        world_size: number of processes.
    """

    def __init__(
        self, windows: Windows, seeds: Sequence[int], *, batch_size: int, rank: int, world_size: int
    ) -> None:
        self.member_samplers = [
            ShardedSampler(windows, batch_size=batch_size, seed=s, rank=rank, world_size=world_size)
            for s in seeds
        ]
        super().__init__(windows, batch_size=batch_size, rank=rank, world_size=world_size)
        self.batch_size = batch_size * len(seeds)
        # The loader's state identifies the data by these: other members have other data.
        self.seed = int(np.random.SeedSequence(list(seeds)).generate_state(1)[0])
        self.global_batch_size = self.batch_size * world_size

    def __len__(self) -> int:
        """Return the number of windows of this rank per epoch, over all members."""
        return sum(len(sampler) for sampler in self.member_samplers)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the windows: B for the first member, B for the second, and so on."""
        start, self.start_batch = self.start_batch, 0
        orders = []
        for sampler in self.member_samplers:
            sampler.set_epoch(self.epoch)
            sampler.start_batch = start
            orders.append(iter(sampler))
        size = self.member_samplers[0].batch_size
        for _ in range(start, self.whole_batches):
            for order in orders:
                for _ in range(size):
                    yield next(order)


class MemberCorpus(Corpus):
    """A corpus for ``Ensemble``: a training batch is ``[K, B, T]``, each member in its own order.

    Takes the arguments of ``Corpus``; ``batch_size`` is per member. The members' orders depend on
    the model's ``seeds``, not on ``seed``. Validation and test are those of ``Corpus``.
    """

    def train_dataloader(self) -> Any:
        """Return the members' batches; each order depends on the member's seed and the epoch."""
        model = self.trainer.lightning_module if self.trainer is not None else None
        seeds = getattr(model, "seeds", None)
        if seeds is None:
            raise UserError(
                f"MemberCorpus feeds the members of an Ensemble, in data of {type(model).__name__};"
                " give data.class_path Corpus, or model.class_path Ensemble"
            )
        windows, args = self.windows("train"), self.hparams
        sampler = MemberSampler(
            windows,
            seeds,
            batch_size=args["batch_size"],
            rank=self.rank,
            world_size=self.world_size,
        )
        return make_loader(
            MemberWindows(windows, len(seeds)), sampler=sampler, num_workers=args["num_workers"]
        )
