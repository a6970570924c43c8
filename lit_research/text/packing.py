"""Packing: from a flat array of tokens to batches of windows.

Legend: B batch, T sequence length, N tokens, D documents.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lit_research.errors import UserError
from lit_research.labels import IGNORE
from lit_research.text.cache import TokenStore

Batch: TypeAlias = dict[str, Tensor]


class Windows(Dataset[Batch]):
    """Adjacent windows of ``T`` tokens over a store; one batch is one vectorised gather.

    The inputs of window ``i`` are the tokens ``i*T .. i*T + T - 1``, its labels the tokens after
    them, so that each token is a label exactly once per pass, except the store's first one and an
    incomplete window at the end (fewer than ``T`` tokens). Documents share windows; a document that
    is cut continues in the next window.

    ``input_ids``, ``labels`` (already shifted; ``IGNORE`` where nothing is learned) and
    ``document_ids`` (index into the store) are ``[B, T]`` int64. With ``mask_across_documents``
    there are also ``position_ids``, which restart at 0 with each document in the window, and the
    first token of a document is not a label: its context would be another document.

    Args:
        store: the tokens.
        sequence_length: ``T``, tokens per window.
        mask_across_documents: keep documents apart, as above.
        max_tokens: budget of unique tokens, for data laws: the store's first complete windows. The
            splits of ``split_documents`` are in hash order, so this is a random sample of
            documents, and a smaller budget is a subset of every larger one.

    Raises:
        UserError: no window fits the store or the budget.
    """

    def __init__(
        self,
        store: TokenStore,
        sequence_length: int,
        *,
        mask_across_documents: bool = False,
        max_tokens: int | None = None,
    ) -> None:
        budget = store.num_tokens - 1 if max_tokens is None else max_tokens
        if not 0 < sequence_length <= min(budget, store.num_tokens - 1):
            raise UserError(
                f"sequence_length={sequence_length} leaves no window in {store.num_tokens} tokens"
                f" (max_tokens={max_tokens}), in the token store of {len(store)} documents "
                f"{store.card['name']!r}; give a sequence length of 1 to "
                f"{max(1, min(budget, store.num_tokens - 1))} or more text"
            )
        if max_tokens is not None and max_tokens > store.num_tokens:
            raise UserError(
                f"max_tokens={max_tokens} is more than there are, in the token store "
                f"{store.card['name']!r}; give at most {store.num_tokens} or more text"
            )
        self.store = store
        self.sequence_length = sequence_length
        self.mask_across_documents = mask_across_documents
        self._length = min(budget, store.num_tokens - 1) // sequence_length

    def __len__(self) -> int:
        """Return the number of windows."""
        return self._length

    def __getitem__(self, index: int) -> Batch:
        """Return one window, each value ``[T]``."""
        return {key: value[0] for key, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int] | np.ndarray) -> Batch:
        """Return a batch of windows, each value ``[B, T]``."""
        index_B = np.asarray(indices, dtype=np.int64)
        if (index_B < 0).any():
            raise IndexError(f"windows are counted from 0, got {index_B.min()}")
        # Views as plain arrays of rows: indexing a memmap costs more than the copy itself.
        tokens, covered = self.store.tokens.view(np.ndarray), self._length * self.sequence_length
        inputs_BT = tokens[:covered].reshape(self._length, -1)[index_B]
        labels_BT = tokens[1 : covered + 1].reshape(self._length, -1)[index_B]
        first_B, begins_BT1 = self._documents(index_B * self.sequence_length)
        return make_batch(
            inputs_BT, labels_BT, begins_BT1, first_B, mask=self.mask_across_documents
        )

    def _documents(self, start_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each window's first document, and where documents begin in it, ``[B, T + 1]``."""
        offsets = self.store.offsets
        first_B = np.searchsorted(offsets, start_B, side="right") - 1
        last_B = np.searchsorted(offsets, start_B + self.sequence_length, side="right") - 1
        count_B = last_B - first_B
        rows = np.repeat(np.arange(len(start_B)), count_B)
        rank = np.arange(len(rows)) - np.repeat(np.cumsum(count_B) - count_B, count_B)
        begins_BT1 = np.zeros((len(start_B), self.sequence_length + 1), dtype=bool)
        begins_BT1[rows, offsets[first_B[rows] + 1 + rank] - start_B[rows]] = True
        return first_B, begins_BT1


def make_batch(
    inputs_BT: np.ndarray,
    labels_BT: np.ndarray,
    begins_BT1: np.ndarray,
    first_B: np.ndarray,
    *,
    mask: bool,
) -> Batch:
    """Make a batch from windows (see ``Windows``).

    Args:
        inputs_BT: token ids, ``[B, T]``.
        labels_BT: the token after each of them, ``[B, T]``.
        begins_BT1: true where a document begins, for inputs and the last label, ``[B, T + 1]``;
            column 0 is not used.
        first_B: index of each window's first document, ``[B]``.
        mask: whether to keep documents apart.
    """
    begins_BT1[:, 0] = False
    begins_BT = begins_BT1[:, :-1]
    batch = {
        "input_ids": torch.from_numpy(inputs_BT.astype(np.int64)),
        "labels": torch.from_numpy(labels_BT.astype(np.int64)),
        "document_ids": torch.from_numpy(first_B[:, None] + np.cumsum(begins_BT, axis=1)),
    }
    if mask:
        batch["labels"].masked_fill_(torch.from_numpy(begins_BT1[:, 1:]), IGNORE)
        column = np.arange(inputs_BT.shape[1])
        begun_at = np.maximum.accumulate(np.where(begins_BT, column, 0), axis=1)
        batch["position_ids"] = torch.from_numpy(column - begun_at)
    return batch
