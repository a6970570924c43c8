"""Loaders that can be resumed after any batch, in this process or another.

For windows the state is (epoch, batch): everything else follows from the sampler, which is a pure
function. For a stream torchdata keeps the state of every worker's documents.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from lit_research.errors import UserError
from lit_research.labels import IGNORE
from lit_research.text.packing import Batch
from lit_research.text.sampling import ShardedSampler
from lit_research.text.streaming import StreamingWindows


def make_loader(
    dataset: Any,
    *,
    sampler: ShardedSampler | None = None,
    num_workers: int = 0,
    pin_memory: bool | None = None,
) -> WindowLoader | StreamLoader:
    """Return a loader with an exact ``state_dict``.

    It does not use the global random state.

    Args:
        dataset: ``Windows``, ``Mixture`` or another data set whose ``__getitems__`` returns a
            batch, with a ``sampler``; or ``StreamingWindows``, without one.
        sampler: the sampler, which also sets the batch size.
        num_workers: processes that prepare batches; 0 uses this process.
        pin_memory: the default is True if there is a GPU.

    Raises:
        UserError: a stream has fewer shards than there are workers.
    """
    options: dict[str, Any] = {
        "num_workers": num_workers,
        "pin_memory": torch.cuda.is_available() if pin_memory is None else pin_memory,
        "generator": torch.Generator(),
    }
    if isinstance(dataset, StreamingWindows):
        shards = dataset.documents.num_shards
        if shards < num_workers:
            raise UserError(
                f"num_workers={num_workers} is more than the {shards} shards (files) of the "
                f"stream, in make_loader; give at most {shards} workers or more files"
            )
        with warnings.catch_warnings():  # torchdata 0.11 uses an API that torch 2.13 deprecates
            warnings.filterwarnings("ignore", "'set_vital' is deprecated")
            return StreamLoader(dataset, batch_size=None, **options)
    assert sampler is not None, "windows need a sampler"
    if num_workers == 0:
        # A batch is one gather from memory: a worker process would cost more than it saves.
        # Lightning says the contrary of every loader, on machines with more than two cores.
        warnings.filterwarnings("ignore", ".*does not have many workers")
    return WindowLoader(
        dataset,
        sampler=sampler,
        batch_size=sampler.batch_size,
        collate_fn=_as_it_is,
        persistent_workers=num_workers > 0,
        **options,
    )


def _as_it_is(batch: Any) -> Any:
    return batch


def _without_labels(batch: Batch) -> Batch:
    blank = {name: batch[name] for name in ("labels", "answers") if name in batch}
    return {**batch, **{name: torch.full_like(value, IGNORE) for name, value in blank.items()}}


class WindowLoader(DataLoader[Batch]):
    """A loader over a map-style data set and a ``ShardedSampler``; use ``make_loader``.

    It does not use torchdata's state, which does not contain the epoch, while Lightning calls
    ``iter`` on a resumed loader before it sets the sampler's epoch; which after the last batch of
    an epoch means that nothing is left, so that Lightning skips the next epoch; and which depends
    on the number of workers and processes, unlike (epoch, batch).
    """

    dataset: Any
    sampler: Any
    _epoch = 0
    _batch = 0
    _resume_at: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        """Iterate over the sampler's epoch at the time of the first batch."""
        if not isinstance(self.sampler, ShardedSampler):
            return super().__iter__()  # rebuilt by Lightning's predict around another sampler
        return self._batches()

    def __len__(self) -> int:
        """Return the number of batches of this rank; 1 where ``_is_blank``."""
        return super().__len__() or int(self._is_blank)

    @property
    def _is_blank(self) -> bool:
        """Whether this rank of an evaluation has no data, while others have some.

        It then reads a window without labels: if it skipped the evaluation, as Lightning does, the
        other ranks would wait for it at the end.
        """
        sampler = self.sampler
        empty = isinstance(sampler, ShardedSampler) and not sampler.drop_last and len(sampler) == 0
        return empty and len(self.dataset) > 0

    def _batches(self) -> Iterator[Batch]:
        if self._is_blank:
            yield _without_labels(self.dataset.__getitems__([0]))
            return
        # A generator: this runs when the first batch is requested, after the sampler's epoch has
        # been set.
        epoch, start = self.sampler.epoch, 0
        if self._resume_at is not None and self._resume_at[0] == epoch:
            start = self._resume_at[1]
        self._resume_at = None
        self._epoch, self._batch = epoch, start
        self.sampler.start_batch = start
        for batch in super().__iter__():
            self._batch += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return the position, and the settings that must be equal when it is loaded."""
        if self._batch == 0:
            position = {"epoch": self.sampler.epoch, "batch": 0}
        elif self._batch == len(self):
            position = {"epoch": self._epoch + 1, "batch": 0}
        else:
            position = {"epoch": self._epoch, "batch": self._batch}
        return {**position, **self._data()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make the next iteration start after the last batch before ``state_dict`` was taken.

        Raises:
            UserError: the state belongs to other data, another seed or another global batch size.
        """
        for key, value in self._data().items():
            if state_dict.get(key) != value:
                raise UserError(
                    f"the checkpoint's loader has {key}={state_dict.get(key)}, this one {value}, "
                    "in the loader's state; resume with the data and batch size of the checkpoint"
                )
        self._epoch, self._batch = state_dict["epoch"], state_dict["batch"]
        self._resume_at = (self._epoch, self._batch)
        self.sampler.set_epoch(self._epoch)

    def _data(self) -> dict[str, int]:
        return {
            "seed": self.sampler.seed,
            "windows": len(self.dataset),
            "global_batch_size": self.sampler.global_batch_size,
        }


class StreamLoader(StatefulDataLoader):
    """A loader over ``StreamingWindows``; use ``make_loader``.

    With ``batches_per_epoch`` it has a length, and the stream continues from one epoch to the next;
    a length also keeps Lightning from prefetching a batch, which the state would count as used. A
    data module over a stream must itself save and load this loader's state: Lightning does not
    read it from a checkpoint at the end of an epoch.
    """

    _batch = 0
    _resume_at = 0
    _running: Iterator[Batch] | None = None

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        if self.dataset.batches_per_epoch is None:
            raise TypeError("a stream that is read once has no length")
        return self.dataset.batches_per_epoch

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the rest of a resumed epoch, or over the next one."""
        return self._batches() if self.dataset.batches_per_epoch else super().__iter__()

    def _batches(self) -> Iterator[Batch]:
        self._batch, self._resume_at = self._resume_at, 0
        if self._running is None:
            self._running = super().__iter__()
        while self._batch < len(self):
            batch = next(self._running)
            self._batch += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the stream and in the epoch."""
        return {
            "batch": self._batch % len(self) if self.dataset.batches_per_epoch else 0,
            "num_workers": self.num_workers,
            "stream": super().state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make the next iteration start after the last batch before ``state_dict`` was taken.

        Raises:
            UserError: the number of workers differs, which would change the order of documents.
        """
        if state_dict.get("num_workers") != self.num_workers:
            raise UserError(
                f"num_workers={self.num_workers} is not the checkpoint's "
                f"{state_dict.get('num_workers')}, in the state of a streaming loader; resume "
                "with the same number, on which the order of a stream depends"
            )
        self._batch = self._resume_at = state_dict["batch"]
        self._running = None
        super().load_state_dict(state_dict["stream"])
