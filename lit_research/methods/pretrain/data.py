"""``Corpus``: any text, split by document, tokenised once, packed into windows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from lit_research.errors import UserError
from lit_research.methods.text import Split, TextDataModule
from lit_research.ranges import COUNT, Range, check_range
from lit_research.seeds import resolve_seed
from lit_research.text import (
    AnySource,
    TokenStore,
    Windows,
    load_splits,
    load_tokenizer,
    split_documents,
    tokenize,
    vocabulary_of,
)

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerFast


WHERE = "in data.init_args of Corpus"
HELD_OUT = 0.05  # default share of the documents, for a split that the source does not have
SPLITS_OF = {
    TrainerFn.FITTING: ("train", "validation"),
    TrainerFn.VALIDATING: ("validation",),
    TrainerFn.TESTING: ("test",),
    TrainerFn.PREDICTING: ("test",),
}


def _read(
    source: AnySource, text_column: str, max_documents: int | None, cache_dir: str | None
) -> dict[str, Any]:
    """Load the splits of a source, or only the first documents of each, as a stream."""
    if max_documents is None:
        return load_splits(source, text_column=text_column, cache_dir=cache_dir)
    from datasets import Dataset

    streams = load_splits(source, text_column=text_column, streaming=True, cache_dir=cache_dir)
    return {
        name: Dataset.from_list(list(stream.take(max_documents)))
        for name, stream in streams.items()
    }


class Corpus(TextDataModule):
    """Batches of windows of a text corpus; an epoch is one pass over the training tokens.

    Args:
        source: ``embedded`` (text that comes with every Python: documentation topics, docstrings,
            library source; ``embedded:topics,docstrings`` selects parts), a ``datasets`` folder or
            hub name, JSON, JSONL, CSV, Parquet, or plain text: a file, or a folder of files; or a
            ``text.DocumentSource`` of your own, ``{class_path: my_file.MySource, init_args: ...}``.
        tokenizer: ``bytes``, ``bpe:SIZE`` (trained on the training split) or a transformers folder.
        sequence_length: tokens per window, T.
        batch_size: windows per batch and device.
        max_documents: read each split of the source as a stream and stop after this many
            documents; None is all.
        max_train_tokens: unique training tokens to use, for laws in the data; None is all.
        validation_fraction: share of the training documents held out for validation; 0 disables
            validation; None uses the source's validation split if it has one, else 0.05.
        test_fraction: the same for the test split, which ``test`` and ``predict`` need.
        tuning_fraction: share of the remaining training documents held out to choose
            hyper-parameters by: neither trained on, nor part of validation or test.
        mask_across_documents: restart attention and positions at each document.
        seed: seed of the order; None takes ``seed_everything``.
        num_workers: processes that prepare batches; 0 uses the training process.
        text_column: column of the source that holds the text.
        cache_dir: folder of tokenised corpora; None is the user's cache folder.
    """

    sequence_length: int

    def __init__(
        self,
        source: str | dict[str, Any] = "embedded",
        tokenizer: str = "bpe:4096",
        sequence_length: int = 256,
        batch_size: int = 16,
        max_documents: int | None = None,
        max_train_tokens: int | None = None,
        validation_fraction: float | None = None,
        test_fraction: float | None = None,
        tuning_fraction: float = 0.0,
        mask_across_documents: bool = False,
        seed: int | None = None,
        num_workers: int = 0,
        text_column: str = "text",
        cache_dir: str | None = None,
    ) -> None:
        super().__init__()
        sizes = {"sequence_length": sequence_length, "batch_size": batch_size}
        check_range(COUNT, WHERE, **sizes)
        check_range(Range(at_least=0, below=1), WHERE, tuning_fraction=tuning_fraction)
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.sequence_length = sequence_length
        self._own_splits: set[str] = set()
        self._windows: dict[str, Windows] = {}

    @cached_property
    def documents(self) -> dict[str, Dataset]:
        """The documents of ``train`` and those held out: ``validation``, ``test`` and ``tuning``.

        The source's own splits are used, unless their share is 0 (see ``store``).
        """
        args = self.hparams
        splits = _read(*(args[k] for k in ("source", "text_column", "max_documents", "cache_dir")))
        self._own_splits, shares = {*splits} - {"train"}, {}
        for name in ("validation", "test"):
            share = args[f"{name}_fraction"]
            held_out = HELD_OUT if share is None else share
            shares[f"{name}_fraction"] = 0.0 if name in splits else held_out
        own = {n: splits[n] for n in self._own_splits if args[f"{n}_fraction"] != 0}
        found = {**split_documents(splits["train"], **shares, seed=0), **own}
        if args["tuning_fraction"]:
            # Of those that are left, so that it moves no document of validation and test.
            of_train = split_documents(
                found["train"], validation_fraction=args["tuning_fraction"], seed=1
            )
            found |= {"train": of_train["train"], "tuning": of_train["validation"]}
        return found

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer; a BPE is trained on the training split alone."""
        spec, cache_dir = self.hparams["tokenizer"], self.hparams["cache_dir"]
        if spec == "words":
            return load_tokenizer(spec, vocabulary=vocabulary_of(self.hparams["source"]))
        # Only a BPE needs the corpus: `predict` may read other documents.
        documents = self.documents["train"] if spec.startswith("bpe:") else None
        return load_tokenizer(spec, documents=documents, cache_dir=cache_dir)

    def store(self, split: str) -> TokenStore:
        """Return the tokens of ``train``, ``validation``, ``test`` or ``tuning``, cached.

        Raises:
            UserError: see ``split``.
        """
        documents, cache_dir = self.split(split), self.hparams["cache_dir"]
        return tokenize(documents, self.tokenizer, cache_dir=cache_dir, name=split)

    def split(self, name: str) -> Dataset:
        """Return the documents of ``train``, ``validation``, ``test`` or ``tuning``.

        Raises:
            UserError: nothing is held out for that split, or a share is given although the source
                has its own split.
        """
        if name not in self.documents:
            raise UserError(
                f"there is no {name} split ({name}_fraction is 0), {WHERE}; give a share of the "
                "documents, or null"
            )
        if name in self._own_splits and self.hparams[f"{name}_fraction"]:
            raise UserError(
                f"{name}_fraction is {self.hparams[f'{name}_fraction']}, {WHERE}, but "
                f"{self.hparams['source']!r} has its own {name} split; give null to use that, "
                "or the train split alone as source"
            )
        return self.documents[name]

    def dataset(self, split: Split) -> Windows:
        """Return the windows of a split; ``predict`` scores the test split."""
        return self.windows("test" if split == "predict" else split)

    def windows(self, split: str) -> Windows:
        """Return the windows of a split."""
        if split not in self._windows:
            self._windows[split] = Windows(
                self.store(split),
                self.sequence_length,
                mask_across_documents=self.hparams["mask_across_documents"],
                max_tokens=self.hparams["max_train_tokens"] if split == "train" else None,
            )
        return self._windows[split]

    @property
    def unique_tokens(self) -> int:
        """Training tokens per pass, D."""
        return len(self.windows("train")) * self.sequence_length

    @cached_property
    def document_lengths(self) -> Tensor:
        """Tokens of each test document, ``[D]``; ``document_ids`` of a test batch index it."""
        return torch.from_numpy(self.store("test").lengths)

    def splits_of(self, verb: TrainerFn) -> tuple[str, ...]:
        """Return the splits that a verb reads, if they exist."""
        return SPLITS_OF[verb]

    @property
    def has_validation(self) -> bool:
        """Whether documents are held out for validation."""
        return "validation" in self.documents

    def prepare_data(self) -> None:
        """Build the caches that the verb reads, once, before other processes look for them."""
        _ = self.tokenizer
        trainer = self.trainer
        verb = trainer.state.fn if trainer is not None else None
        if trainer and verb == TrainerFn.PREDICTING and trainer.limit_predict_batches == 0:
            return  # export and generate read no documents
        for split in self.splits_of(verb) if verb is not None else [*self.documents]:
            if split in self.documents:
                self.store(split)

    def setup(self, stage: str) -> None:
        """Refuse a training split that is too small for one batch."""
        if stage == "fit" and self.batches_per_epoch == 0:
            raise UserError(
                f"the training split of {self.hparams['source']!r} has "
                f"{len(self.windows('train'))} "
                f"windows of {self.sequence_length} tokens, too few for one batch of "
                f"{self.hparams['batch_size']} on each of {self.world_size} devices; lower "
                "data.init_args.batch_size or sequence_length, or give more text"
            )
