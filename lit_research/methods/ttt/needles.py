"""``Needles``: retrieve the number in one sentence of a long text.

S-NIAH-1 of RULER (Hsieh et al. 2024, arXiv 2404.06654): repeated noise, one needle, a question at
the end; the templates, and so the lengths, are configurable.

Legend: B sequences, T tokens, A tokens of an answer.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.methods.text import Split, TextDataModule
from lit_research.methods.ttt.batch_sets import bucketed
from lit_research.methods.ttt.data import SPLITS
from lit_research.methods.ttt.haystack import HEADER, NEEDLE, NOISE, QUESTION, Haystack
from lit_research.methods.ttt.long_documents import check_contexts
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import resolve_seed
from lit_research.text import IGNORE

WHERE = "in data.init_args of Needles"


class NeedleSequences(torch.utils.data.Dataset[Any]):
    """Sequences with a needle; sequence ``i`` depends on (seed, split, i) and the length alone.

    Args:
        haystack: parts of the sequences.
        size: number of sequences.
        split: ``train``, ``validation`` or ``test``.
        seed: seed of the sequences.
        length: tokens per sequence, T.
        depths: depths of the needles, in turn, for a test; None draws them at random.
    """

    def __init__(
        self,
        haystack: Haystack,
        size: int,
        *,
        split: str,
        seed: int,
        length: int,
        depths: list[float] | None = None,
    ) -> None:
        self.haystack, self.size, self.length = haystack, size, length
        self.key, self.depths = (seed, SPLITS[split]), depths

    def __len__(self) -> int:
        """Return the number of sequences."""
        return self.size

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """Return a batch: ``input_ids`` and ``labels`` (all next tokens), ``[B, T]``.

        For a test also ``answers`` ``[B, A]``, the last A labels, ``IGNORE`` before the answer; and
        ``depth`` ``[B]``, the index of each needle's depth in ``depths``.
        """
        rows, sizes = [], []
        for index in indices:
            rng = np.random.default_rng((*self.key, index))
            drawn = float(rng.random())  # always, so that the rest does not depend on `depths`
            depth = drawn if self.depths is None else self.depths[index % len(self.depths)]
            tokens, size = self.haystack.draw(rng, self.length, depth)
            rows.append(tokens)
            sizes.append(size)
        sequences = torch.from_numpy(np.stack(rows))
        batch = {"input_ids": sequences[:, :-1].clone(), "labels": sequences[:, 1:].clone()}
        if self.depths is not None:
            A = max(sizes)
            before = torch.arange(A) < A - torch.tensor(sizes)[:, None]
            batch["answers"] = batch["labels"][:, -A:].masked_fill(before, IGNORE)
            batch["depth"] = torch.tensor(indices) % len(self.depths)
        return batch


class Needles(TextDataModule):
    """Texts of repeated noise with one needle, and a question about it at the end.

    In training and validation every token is a label; the inner loop learns from every token. A
    test scores the answer alone, at each depth and length, with the same words and numbers at
    every length. The default templates are RULER's.

    Args:
        tokenizer: ``bytes`` or a transformers folder.
        sequence_length: tokens per training sequence, T.
        batch_size: sequences per batch and device; at other lengths, as many tokens.
        contexts: lengths to test, in tokens; None is ``sequence_length``.
        depths: number of tested needle positions, evenly spaced from start to end of the noise.
        eval_sequences: sequences of validation, and of each cell (depth and length) of the test.
        train_sequences: sequences per epoch, all different.
        digits: digits of the number.
        header: text at the start of every sequence.
        noise: sentences that repeat in order.
        needle: template with ``{word}`` and ``{number}``.
        question: template with ``{word}``, which the answer follows after a space.
        seed: seed of the sequences; None takes ``seed_everything``.
    """

    sequence_length: int

    def __init__(
        self,
        tokenizer: str = "bytes",
        sequence_length: int = 1024,
        batch_size: int = 8,
        contexts: list[int] | None = None,
        depths: int = 5,
        eval_sequences: int = 16,
        train_sequences: int = 4800,
        digits: int = 7,
        header: str = HEADER,
        noise: list[str] = NOISE,
        needle: str = NEEDLE,
        question: str = QUESTION,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        sizes = {
            "sequence_length": sequence_length,
            "batch_size": batch_size,
            "depths": depths,
            "eval_sequences": eval_sequences,
            "train_sequences": train_sequences,
            "digits": digits,
        }
        check_range(COUNT, WHERE, **sizes)
        check_contexts(contexts, where=WHERE)
        if tokenizer.startswith("bpe"):
            raise UserError(
                f"tokenizer is {tokenizer!r}, {WHERE}; give bytes or a tokenizer's "
                "folder: there is no corpus to train a BPE on"
            )
        for name, text, fields in (
            ("needle", needle, ("{word}", "{number}")),
            ("question", question, ("{word}",)),
        ):
            if any(field not in text for field in fields):
                raise UserError(f"{name} is {text!r}, {WHERE}; put {' and '.join(fields)} into it")
        if not "".join(noise):
            raise UserError(f"noise is {noise}, {WHERE}; give one or more sentences")
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.sequence_length = sequence_length

    @property
    def contexts(self) -> list[int]:
        """Tested context lengths in tokens, ascending."""
        return sorted(self.hparams["contexts"] or [self.sequence_length])

    @property
    def depths(self) -> list[float]:
        """Tested positions of the needle, from 0 (start) to 1 (end)."""
        count = self.hparams["depths"]
        return np.linspace(0.0, 1.0, count).tolist() if count > 1 else [0.5]

    @cached_property
    def haystack(self) -> Haystack:
        """The parts of the sequences."""
        args = self.hparams
        parts = {name: args[name] for name in ("header", "noise", "needle", "question", "digits")}
        return Haystack.of(self.tokenizer, **parts)

    def setup(self, stage: str) -> None:
        """Check that the lengths that the verb reads have room for all parts."""
        super().setup(stage)
        lengths = {"fit": [self.sequence_length], "test": self.contexts}
        lengths["validate"] = lengths["fit"]
        for length in lengths.get(stage, []):
            self.haystack.check(length)

    def sequences(self, split: str, length: int | None = None) -> NeedleSequences:
        """Return the sequences of a split, of ``length`` tokens (None: ``sequence_length``)."""
        args, depths = self.hparams, self.depths
        sizes = {
            "train": args["train_sequences"],
            "validation": args["eval_sequences"],
            "test": args["eval_sequences"] * len(depths),
        }
        return NeedleSequences(
            self.haystack,
            sizes[split],
            split=split,
            seed=args["seed"],
            length=length or self.sequence_length,
            depths=depths if split == "test" else None,
        )

    def dataset(self, split: Split) -> Any:
        """Return the sequences of a split; for test, batches of one length after another."""
        if split in ("train", "validation"):
            return self.sequences(split)
        sets = {length: self.sequences("test", length) for length in self.contexts}
        tokens = self.hparams["batch_size"] * self.hparams["sequence_length"]
        return bucketed(sets, tokens=tokens, processes=self.world_size)

    def test_dataloader(self) -> Any:
        """Return the test sequences, one length after another."""
        return self.loader(self.dataset("test"), batch_size=1)

    def predict_dataloader(self) -> Any:
        """Return the test sequences."""
        return self.test_dataloader()
