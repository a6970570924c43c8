"""Data sets whose items are batches: of sequences of several lengths, or of whole documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

Batch = dict[str, Tensor]


class Buckets(Dataset[Batch]):
    """Batches of several data sets, one set after the other; item ``i`` is a whole batch.

    Args:
        sets: data sets of sequences, each of one length, with ``__len__`` and ``__getitems__``.
        batch_sizes: sequences of a batch of each set.
    """

    def __init__(self, sets: Sequence[Any], batch_sizes: Sequence[int]) -> None:
        self._batches = [
            (part, range(first, min(first + size, len(part))))
            for part, size in zip(sets, batch_sizes, strict=True)
            for first in range(0, len(part), size)
        ]

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return one batch, each value ``[B, ...]``; ``indices`` holds one number."""
        [index] = indices
        part, rows = self._batches[index]
        batch: Batch = part.__getitems__(list(rows))
        return batch


class Documents(Dataset[Batch]):
    """Whole documents, each a batch of its own, ``{"input_ids": [1, N], "document_ids": [1]}``.

    Args:
        store: the tokens; the end-of-text token is left out, so that a document can be continued.
        documents: which of them, by their index in the store.
    """

    def __init__(self, store: Any, documents: Sequence[int]) -> None:
        self.store, self.documents = store, documents

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.documents)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return one document; ``indices`` holds one number."""
        [index] = indices
        document = int(self.documents[index])
        tokens = torch.from_numpy(self.store[document][:-1].astype("int64"))
        return {"input_ids": tokens[None], "document_ids": torch.tensor([document])}


def bucketed(sets: dict[int, Any], *, tokens: int, processes: int) -> Buckets:
    """Return the batches of data sets of several lengths, which are about equal.

    Args:
        sets: a data set for each length, in tokens.
        tokens: of a batch; a sequence that is longer is a batch alone.
        processes: that share them; batches are small enough for each to get some, where there are
            as many sequences.
    """
    sizes = [
        max(1, min(tokens // length, -(-len(part) // processes))) for length, part in sets.items()
    ]
    return Buckets(list(sets.values()), sizes)
