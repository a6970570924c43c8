"""``LongDocuments``: windows within one long document each, and tests at many context lengths.

Legend: B sequences, T tokens, D documents, W windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerFn

from lit_research.errors import UserError
from lit_research.methods.pretrain import Corpus
from lit_research.methods.ttt.batch_sets import WholeDocuments, bucketed
from lit_research.ranges import COUNT, check_range
from lit_research.text import IGNORE, Windows, load_documents, tokenize

if TYPE_CHECKING:
    from lit_research.text import TokenStore

WHERE = "in data.init_args of LongDocuments"


class LongWindows(Windows):
    """Windows of the documents that have more than T tokens; shorter documents are skipped.

    A document of N tokens gives ``(N - 1) // T`` adjacent windows from its start, each with the
    label of its last token, which is in the same document; the rest is dropped. So nothing that is
    learned from one document is used in another. The store puts the end-of-text token at the end
    of a document and none at its start: there is no first token to exclude from the labels, as the
    paper's code does with BOS, and the end of a document is a label like any other.

    With ``straddle`` the same documents form one stream of tokens, cut every T tokens, as in the
    paper's loader: windows start anywhere and may hold several documents, between which nothing is
    reset. The end-of-text token between them plays the role of BOS: it is read, but is no label.

    ``input_ids``, ``labels`` and ``document_ids`` (index into the store) are ``[B, T]``.

    Args:
        store: the tokens.
        sequence_length: T, tokens per window.
        straddle: cut one stream, as above.
        max_tokens: use the first windows only, up to this many tokens; None is all.
        documents: use only this many of the documents that are long enough, from the first on;
            None is all.
        cut: use the first ``cut`` tokens of each document that has more, and no other document; a
            multiple of T. So windows of any length hold the same tokens.

    Raises:
        UserError: no document is long enough, or there are fewer than ``max_tokens``.
    """

    def __init__(
        self,
        store: TokenStore,
        sequence_length: int,
        *,
        straddle: bool = False,
        max_tokens: int | None = None,
        documents: int | None = None,
        cut: int | None = None,
    ) -> None:
        T, lengths_D = sequence_length, store.lengths
        needed = (cut or T) + 1
        self.documents = np.flatnonzero(lengths_D >= needed)[:documents]
        if len(self.documents) == 0:
            raise UserError(
                f"no document of the split {store.card['name']!r} has the {needed} tokens of a "
                f"window and its last label (the longest of {len(store)} has {lengths_D.max()}), "
                f"{WHERE}; lower sequence_length or contexts, hold out a larger share of the "
                "documents, or give longer ones"
            )
        self.store, self.sequence_length, self.straddle = store, T, straddle
        self.mask_across_documents = False
        # The documents concatenated: the end of each, and its offset to the position in the store.
        self._ends_D = np.cumsum(lengths_D[self.documents])
        begins_D = self._ends_D - lengths_D[self.documents]
        self._shift_D = store.offsets[self.documents] - begins_D
        if straddle:
            first_W = np.arange((self._ends_D[-1] - 1) // T) * T
        else:
            used_D = np.full(len(begins_D), cut) if cut else lengths_D[self.documents] - 1
            count_D = used_D // T
            before_D = np.cumsum(count_D) - count_D
            rank_W = np.arange(count_D.sum()) - np.repeat(before_D, count_D)
            first_W = np.repeat(begins_D, count_D) + rank_W * T
        if max_tokens is not None and not T <= max_tokens <= len(first_W) * T:
            raise UserError(
                f"max_train_tokens is {max_tokens}, {WHERE}, and the windows hold "
                f"{len(first_W) * T} tokens; give from {T} to that, or null for all"
            )
        self._first_W = first_W if max_tokens is None else first_W[: max_tokens // T]
        self._length = len(self._first_W)

    def __getitems__(self, indices: list[int] | np.ndarray) -> dict[str, torch.Tensor]:
        """Return a batch of windows, each value ``[B, T]``."""
        index_B = np.asarray(indices, dtype=np.int64)
        if (index_B < 0).any():
            raise IndexError(f"windows are counted from 0, got {index_B.min()}")
        T = self.sequence_length
        row_BT1 = self._first_W[index_B][:, None] + np.arange(T + 1)
        # In one document, the first token's document is that of all.
        searched_BX = row_BT1 if self.straddle else row_BT1[:, :1]
        document_BX = np.searchsorted(self._ends_D, searched_BX, side="right")
        # A plain array: indexing a memmap costs more than the copy itself.
        tokens_BT1 = self.store.tokens.view(np.ndarray)[row_BT1 + self._shift_D[document_BX]]
        documents_BT = np.broadcast_to(self.documents[document_BX[:, :T]], (len(index_B), T))
        sequences = torch.from_numpy(tokens_BT1.astype(np.int64))
        batch = {
            "input_ids": sequences[:, :-1].clone(),
            "labels": sequences[:, 1:].clone(),
            "document_ids": torch.from_numpy(documents_BT.astype(np.int64)),
        }
        if self.straddle:
            end_of_text = self.store.card["eos_token_id"]
            batch["labels"].masked_fill_(batch["labels"] == end_of_text, IGNORE)
        return batch


class LongDocuments(Corpus):
    """Batches of windows of long documents, for a model that learns while it reads.

    Documents shorter than a window are skipped, since what is learned from one document should
    not be used in the next. Takes the arguments of ``Corpus`` except ``mask_across_documents``
    (``max_train_tokens`` counts tokens of windows), and:

    Args:
        straddle: cut one stream of tokens across document boundaries, as the official code does;
            for training and validation, and for test without ``contexts``.
        contexts: context lengths to test, in tokens. The first ``max(contexts)`` tokens of each
            test document that has them are cut into windows of each length, so every length scores
            the same tokens of the same documents and the losses differ by the context alone.
            (Scoring the first tokens of each document would tell nothing: the loss of a causal
            model does not depend on what follows.) None tests all windows of ``sequence_length``.
        test_documents: maximum number of test documents; None is all that are long enough.
        predict_source: documents of any length, as ``source``, that ``predict`` reads one by one;
            None takes the long ones of the test split. Texts end without the end-of-text token.
    """

    def __init__(
        self,
        straddle: bool = False,
        contexts: list[int] | None = None,
        test_documents: int | None = None,
        predict_source: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("mask_across_documents"):
            raise UserError(
                f"mask_across_documents is true, {WHERE}; leave it out: a window holds one "
                "document already"
            )
        check_contexts(contexts, where=WHERE)
        super().__init__(**kwargs)
        for context in contexts or []:
            if max(contexts or []) % context:
                raise UserError(
                    f"contexts has {context} and {max(contexts or [])}, {WHERE}; give lengths that "
                    "divide the longest, so that all score the same tokens"
                )
        check_range(COUNT, WHERE, test_documents=test_documents)

    @property
    def contexts(self) -> list[int]:
        """Tested context lengths in tokens, ascending; ``sequence_length`` by default."""
        return sorted(self.hparams["contexts"] or [self.sequence_length])

    def splits_of(self, verb: TrainerFn) -> tuple[str, ...]:
        """Return the splits that a verb reads; none if ``predict`` has its own source."""
        reads_source = verb == TrainerFn.PREDICTING and self.hparams["predict_source"] is not None
        return () if reads_source else super().splits_of(verb)

    def windows(self, split: str) -> Windows:
        """Return the windows of a split."""
        if split not in self._windows:
            args = self.hparams
            self._windows[split] = LongWindows(
                self.store(split),
                self.sequence_length,
                straddle=args["straddle"],
                max_tokens=args["max_train_tokens"] if split == "train" else None,
                documents=args["test_documents"] if split == "test" else None,
            )
        return self._windows[split]

    def test_dataloader(self) -> Any:
        """Return the test windows, one context length after another."""
        if self.hparams["contexts"] is None:
            return super().test_dataloader()
        store, limit = self.store("test"), self.hparams["test_documents"]
        longest = max(self.contexts)
        sets = {T: LongWindows(store, T, cut=longest, documents=limit) for T in self.contexts}
        tokens = self.hparams["batch_size"] * self.sequence_length
        batches = bucketed(sets, tokens=tokens, processes=self.world_size)
        return self.loader(batches, batch_size=1)

    def predict_dataloader(self) -> Any:
        """Return whole documents one by one: ``{"input_ids": [1, N], "document_ids": [1]}``."""
        return self.loader(self.predict_documents(), batch_size=1)

    def predict_documents(self) -> WholeDocuments:
        """Return the documents that ``predict`` reads."""
        args = self.hparams
        if args["predict_source"] is None:
            windows = self.windows("test")
            assert isinstance(windows, LongWindows)
            return WholeDocuments(windows.store, windows.documents.tolist())
        documents = load_documents(
            args["predict_source"], text_column=args["text_column"], cache_dir=args["cache_dir"]
        )
        store = tokenize(documents, self.tokenizer, cache_dir=args["cache_dir"], name="predict")
        # A single token is the end-of-text token.
        return WholeDocuments(store, np.flatnonzero(store.lengths > 1).tolist())


def check_contexts(contexts: list[int] | None, *, where: str) -> None:
    """Raise a ``UserError`` unless ``contexts`` is None or distinct positive lengths."""
    if contexts is not None and (
        not contexts or min(contexts) < 1 or len(set(contexts)) < len(contexts)
    ):
        raise UserError(
            f"contexts is {contexts}, {where}; give one or more different lengths in tokens"
        )
