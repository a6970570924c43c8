"""``Permutations``: an endless task that needs more memory than a sliding window has."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from lit_research.methods.text import Split, TextDataModule
from lit_research.methods.ttt.core import permutation_batch
from lit_research.ranges import COUNT, SHARE, check_range
from lit_research.seeds import resolve_seed

# Second part of the seed of each split.
SPLITS = {"train": 0, "validation": 1, "test": 2}


class PermutationSequences(torch.utils.data.Dataset[Any]):
    """Sequences of the task; sequence ``i`` depends on (seed, split, i) alone."""

    def __init__(
        self, size: int, *, split: str, seed: int, length: int, vocabulary: int, noise: float
    ) -> None:
        self.size, self.key = size, (seed, SPLITS[split])
        self.draw = partial(
            permutation_batch, batch=1, length=length, vocabulary=vocabulary, noise=noise
        )

    def __len__(self) -> int:
        """Return the number of sequences."""
        return self.size

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """Return a batch: ``input_ids`` and ``labels``, ``[B, T]``."""
        rows = [self.draw(np.random.default_rng((*self.key, index))) for index in indices]
        inputs, labels = zip(*rows, strict=True)
        return {"input_ids": torch.cat(inputs), "labels": torch.cat(labels)}


class Permutations(TextDataModule):
    """Sequences that each follow their own permutation (see ``core.permutation_batch``).

    Args:
        vocabulary: number of tokens, V; larger than the model's window, or the window solves it.
        sequence_length: tokens per training sequence, T.
        batch_size: sequences per batch and device.
        noise: probability of a token that does not follow the permutation.
        train_sequences: sequences per epoch, all different.
        eval_sequences: sequences of validation and of test.
        eval_length: tokens per validation or test sequence; None is ``sequence_length``.
        seed: seed of the sequences; None takes ``seed_everything``.
    """

    tokenizer = None  # type: ignore[assignment]  # numbers, not text

    def __init__(
        self,
        vocabulary: int = 32,
        sequence_length: int = 256,
        batch_size: int = 16,
        noise: float = 0.1,
        train_sequences: int = 4800,
        eval_sequences: int = 64,
        eval_length: int | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        where = "in data.init_args of Permutations"
        check_range(
            COUNT,
            where,
            vocabulary=vocabulary,
            sequence_length=sequence_length,
            batch_size=batch_size,
            train_sequences=train_sequences,
            eval_sequences=eval_sequences,
        )
        check_range(SHARE, where, noise=noise)
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.sequence_length = max(sequence_length, eval_length or 0)
        if self.sequence_length > sequence_length:
            self.length_argument = "eval_length"

    @property
    def vocab_size(self) -> int:
        """Number of tokens, V."""
        return int(self.hparams["vocabulary"])

    def dataset(self, split: Split) -> PermutationSequences:
        """Return the sequences of a split; those of a training epoch are all different."""
        args, train = self.hparams, split == "train"
        return PermutationSequences(
            args["train_sequences"] if train else args["eval_sequences"],
            split="test" if split == "predict" else split,
            seed=args["seed"],
            length=args["sequence_length"] if train else self.eval_length,
            vocabulary=args["vocabulary"],
            noise=args["noise"],
        )

    @property
    def eval_length(self) -> int:
        """Tokens per sequence of validation or test."""
        return int(self.hparams["eval_length"] or self.hparams["sequence_length"])
