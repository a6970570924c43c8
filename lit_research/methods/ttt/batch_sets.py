"""Data sets whose items are batches: sequences of several lengths, or whole documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

Batch = dict[str, Tensor]


class Buckets(Dataset[Batch]):
    """The batches of several data sets, one set after another; item ``i`` is a batch.

    Args:
        sets: data sets of sequences, each of one length, with ``__len__`` and ``__getitems__``.
        batch_sizes: sequences per batch, for each set.
    """

    def __init__(self, sets: Sequence[Any], batch_sizes: Sequence[int]) -> None:
        self._batches = [
            (sequences, range(first, min(first + size, len(sequences))))
            for sequences, size in zip(sets, batch_sizes, strict=True)
            for first in range(0, len(sequences), size)
        ]

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return one batch, each value ``[B, ...]``; ``indices`` holds one number."""
        [index] = indices
        sequences, rows = self._batches[index]
        batch: Batch = sequences.__getitems__(list(rows))
        return batch


class WholeDocuments(Dataset[Batch]):
    """Whole documents, one per batch, ``{"input_ids": [1, N], "document_ids": [1]}``.

    Args:
        store: the tokens; the end-of-text token is left out, so that a document can be continued.
        documents: indices of the documents in the store.
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
    """Return batches of about equally many tokens from data sets of several lengths.

    Args:
        sets: a data set for each length, in tokens.
        tokens: tokens per batch; a longer sequence is a batch by itself.
        processes: processes that share the batches; batches are small enough for every process to
            get one, if there are enough sequences.
    """
    sizes = [
        max(1, min(tokens // length, -(-len(sequences) // processes)))
        for length, sequences in sets.items()
    ]
    return Buckets(list(sets.values()), sizes)
