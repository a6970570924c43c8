"""``StreamingWindows``: windows from a stream of documents, tokenised as it is read.

Legend: B batch, T sequence length, W ranks, G = B * W.
"""

from __future__ import annotations

import copy
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from lit_research.errors import UserError
from lit_research.text.cache import encode, plain_copy
from lit_research.text.packing import Batch, make_batch
from lit_research.text.sampling import rank_and_world_size

if TYPE_CHECKING:
    import datasets
    from transformers import PreTrainedTokenizerFast

_GROUP_DOCUMENTS = 64


@dataclass(frozen=True)
class _Group:
    """Documents that were tokenised together, and where to read them again.

    ``turn`` counts the passes; ``before`` is the state of the document stream before the group,
    ``None`` at the start of the stream.
    """

    turn: int
    before: dict[str, Any] | None
    tokens: np.ndarray
    begins: np.ndarray


class StreamingWindows(IterableDataset[Batch]):
    """Batches of windows over a stream of documents, tokenised as it is read.

    Yields batches with the keys of ``Windows``; ``document_ids`` count the documents in a window
    from 0. ``make_loader`` does not collate them further.

    Every rank reads the whole stream and takes its part of each global batch of ``G`` windows. So
    an equal global batch size gives equal steps at any world size, and the state is equal on every
    rank (Lightning saves that of rank 0 alone). The price is that each rank tokenises everything:
    with many ranks, write the tokens once with ``tokenize``. Loader workers divide the stream by
    its shards (files), of which there must be at least as many as workers.

    The state is a position in the documents and an offset in tokens, a few numbers: tokens that
    were read but not used are read again on resume.

    Args:
        documents: a ``datasets.IterableDataset`` with the column ``text``, such as
            ``load_documents(..., streaming=True)`` gives.
        tokenizer: any fast tokenizer with an end-of-text token.
        sequence_length: ``T``, tokens per window.
        batch_size: ``B``, windows per rank and batch.
        mask_across_documents: as in ``Windows``.
        batches_per_epoch: for training: the stream starts over at its end, without limit, and this
            many batches count as an epoch. Without it the stream is read once, for evaluation, and
            an incomplete global batch at its end is dropped.
        rank: rank of this process; default from ``torch.distributed``, or 0.
        world_size: number of processes; default from ``torch.distributed``, or 1.

    Raises:
        UserError: the documents are no stream or, when iterated, hold no text.
    """

    def __init__(
        self,
        documents: datasets.IterableDataset,
        tokenizer: PreTrainedTokenizerFast,
        sequence_length: int,
        *,
        batch_size: int,
        mask_across_documents: bool = False,
        batches_per_epoch: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        if not hasattr(documents, "num_shards") or not hasattr(documents, "load_state_dict"):
            raise UserError(
                f"{type(documents).__name__} is no stream of documents, in StreamingWindows; "
                "give load_documents(..., streaming=True) or dataset.to_iterable_dataset()"
            )
        self.documents = documents
        self.sequence_length = sequence_length
        self.batch_size = batch_size
        self.mask_across_documents = mask_across_documents
        self.batches_per_epoch = batches_per_epoch
        self.rank, self.world_size = rank_and_world_size(rank, world_size)
        self._eos_token_id = tokenizer.eos_token_id
        self._backend = plain_copy(tokenizer)
        self._state = self._start = _BEGINNING

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the next batch, as plain numbers, strings and dicts."""
        return self._state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Make the next iteration start at ``state``."""
        self._state = self._start = state

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the batches of this rank and loader worker."""
        if get_worker_info() is not None:
            # The tokenizer's threads do not survive a fork.
            os.environ["TOKENIZERS_PARALLELISM"] = "false"
        self._state, self._start = self._start, _BEGINNING
        at = self._state["tokens_used"]
        advance = self.batch_size * self.world_size * self.sequence_length
        groups: deque[_Group] = deque()
        tokens, begins = np.empty(0, np.int64), np.empty(0, bool)  # of all groups
        for group in self._groups(self._state):
            groups.append(group)
            tokens = np.concatenate([tokens, group.tokens])
            begins = np.concatenate([begins, group.begins])
            while at + advance < len(tokens):
                batch = self._cut(tokens[at:], begins[at:])
                at += advance
                while at >= len(groups[0].tokens):
                    used = len(groups.popleft().tokens)
                    tokens, begins, at = tokens[used:], begins[used:], at - used
                first = groups[0]
                self._state = _state(first.turn, first.before, at)
                yield batch

    def _groups(self, start: dict[str, Any]) -> Iterator[_Group]:
        """Yield tokenised groups of documents from ``start`` on, pass after pass."""
        turn, before = start["turn"], start["documents"]
        while True:
            documents = copy.deepcopy(self.documents)  # loading a state changes it
            if before is not None:
                documents.load_state_dict(before)
            rows = iter(documents)
            empty = before is None
            while texts := [row["text"] for row in islice(rows, _GROUP_DOCUMENTS)]:
                encoded = encode(self._backend, texts, self._eos_token_id)
                begins = np.zeros(sum(map(len, encoded)), dtype=bool)
                begins[np.cumsum([0, *map(len, encoded[:-1])])] = True
                yield _Group(turn, before, np.concatenate(encoded), begins)
                before, empty = documents.state_dict(), False
            if empty:
                raise UserError(
                    "the stream holds no document, in StreamingWindows; give some text, in at "
                    "least as many shards (files) as there are loader workers"
                )
            if self.batches_per_epoch is None:
                return
            turn, before = turn + 1, None

    def _cut(self, tokens: np.ndarray, begins: np.ndarray) -> Batch:
        """Cut this rank's windows from the global batch at the start of ``tokens``."""
        windows = self.rank * self.batch_size + np.arange(self.batch_size)
        index_BT1 = (windows * self.sequence_length)[:, None] + np.arange(self.sequence_length + 1)
        return make_batch(
            tokens[index_BT1[:, :-1]],
            tokens[index_BT1[:, 1:]],
            begins[index_BT1],
            np.zeros(self.batch_size, dtype=np.int64),
            mask=self.mask_across_documents,
        )


def _state(turn: int, documents: dict[str, Any] | None, tokens_used: int) -> dict[str, Any]:
    return {"turn": turn, "documents": documents, "tokens_used": tokens_used}


_BEGINNING = _state(0, None, 0)
