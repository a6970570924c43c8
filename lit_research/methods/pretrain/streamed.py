"""``StreamedCorpus``: text larger than memory, tokenised as it is read."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.methods.text import Split, TextDataModule
from lit_research.text import (
    StreamingWindows,
    load_documents,
    make_loader,
)

if TYPE_CHECKING:
    from datasets import IterableDataset

WHERE = "in data.init_args of StreamedCorpus"


class StreamedCorpus(TextDataModule):
    """Batches of windows over a stream of documents, in the order of the stream.

    Args:
        source: a ``datasets`` hub name, JSONL, Parquet, or a folder of files (see ``Corpus``).
        tokenizer: ``bytes`` or a transformers folder; a BPE would need the whole corpus.
        sequence_length: tokens per window, T.
        batch_size: windows per batch and device.
        batches_per_epoch: batches per device that count as an epoch; the stream continues.
        held_out_documents: number of documents held out from the start of the stream, half for
            validation and half for test; 0 disables validation.
        mask_across_documents: restart attention and positions at each document.
        num_workers: processes that read and tokenise; at most the number of files.
        text_column: column of the source that holds the text.
    """

    def __init__(
        self,
        source: str | dict[str, Any],
        tokenizer: str = "bytes",
        sequence_length: int = 256,
        batch_size: int = 16,
        batches_per_epoch: int = 1000,
        held_out_documents: int = 200,
        mask_across_documents: bool = False,
        num_workers: int = 0,
        text_column: str = "text",
    ) -> None:
        super().__init__()
        if tokenizer.startswith("bpe"):
            raise UserError(
                f"tokenizer is {tokenizer!r}, {WHERE}; give bytes or a tokenizer's folder: a BPE "
                "is trained on the whole corpus"
            )
        if held_out_documents < 2 and held_out_documents != 0:
            raise UserError(
                f"held_out_documents is {held_out_documents}, {WHERE}; must be at least "
                "2, one for validation and one for test, or 0 for none"
            )
        self.keep_hyperparameters()
        self.sequence_length = sequence_length

    @property
    def batches_per_epoch(self) -> int:
        """Batches per epoch, for one rank."""
        return int(self.hparams["batches_per_epoch"])

    @property
    def has_validation(self) -> bool:
        """Whether documents are held out."""
        return bool(self.hparams["held_out_documents"])

    def documents(self, split: str) -> IterableDataset:
        """Return the stream of ``train``, ``validation`` or ``test``.

        Raises:
            UserError: nothing is held out for that split.
        """
        if split != "train" and not self.has_validation:
            raise UserError(
                f"there is no {split} split (held_out_documents is 0), {WHERE}; must be at least 2"
            )
        stream = load_documents(
            self.hparams["source"], text_column=self.hparams["text_column"], streaming=True
        )
        held_out = self.hparams["held_out_documents"]
        if split == "train":
            return stream.skip(held_out)
        half = held_out // 2
        return stream.take(half) if split == "validation" else stream.skip(half).take(half)

    def setup(self, stage: str) -> None:
        """Silence Lightning's warning about streams with a length: this one is exact."""
        super().setup(stage)
        warnings.filterwarnings("ignore", ".*`IterableDataset` has `__len__` defined")

    def dataset(self, split: Split) -> StreamingWindows:
        """Return the windows of a stream; that of ``train`` starts over at its end."""
        args = self.hparams
        return StreamingWindows(
            self.documents("test" if split == "predict" else split),
            self.tokenizer,
            self.hparams["sequence_length"],
            batch_size=args["batch_size"],
            mask_across_documents=args["mask_across_documents"],
            batches_per_epoch=self.batches_per_epoch if split == "train" else None,
            rank=self.rank,
            world_size=self.world_size,
        )

    def loader(self, dataset: Any, *, train: bool = False, batch_size: int | None = None) -> Any:
        """Return a loader in the order of the stream; evaluations use no worker processes."""
        return make_loader(dataset, num_workers=self.hparams["num_workers"] if train else 0)
