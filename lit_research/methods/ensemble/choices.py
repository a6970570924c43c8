"""``MultipleChoice``: items whose options a language model scores, as rows of tokens.

Legend: R rows of a batch, one for each option; T tokens of the longest of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.methods.base import DataModule
from lit_research.methods.ensemble.choice_items import (
    CLOZE_ITEMS,
    Item,
    cloze_items,
    published_items,
)
from lit_research.methods.pretrain import Corpus
from lit_research.text import ShardedSampler, load_tokenizer, make_loader, vocabulary_size
from lit_research.text.cache import plain_copy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Source = Literal["embedded", "arc_easy", "arc_challenge", "piqa", "sciq"]


@dataclass(frozen=True)
class Row:
    """One option of an item.

    Attributes:
        tokens: of the question and the option, ``T + 1`` of them.
        start: place of the option's first token.
        item: number of the item.
        option: place of the option in the item.
        options: number of options of the item.
        answer: place of the right one.
        option_bytes: length of the option in bytes of UTF-8, without the space before it.
    """

    tokens: list[int]
    start: int
    item: int
    option: int
    options: int
    answer: int
    option_bytes: int


def encode_items(
    items: Sequence[Item], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> list[Row]:
    """Encode every option of every item, the longest items first, an item's options together.

    As in the lm-evaluation-harness: question and option are tokenised as one text, the space (and
    whatever space ends the question) belongs to the option, and the option's tokens are those
    beyond the number that the question has alone. A question that is too long loses its
    beginning. The name of a special token is text like any other, as in training.

    Args:
        items: their places are the rows' item numbers.
        tokenizer: the model's.
        max_length: most tokens of a row, T.

    Raises:
        UserError: an option has no room beside one token of its question.
    """
    rows = []
    for number, place, whole, start in _encode_options(items, tokenizer):
        item, length = items[number], len(whole) - start
        if not 0 < length <= max_length:
            raise UserError(
                f"option {place} has {length} tokens, in item {item.id!r}, and max_length is "
                f"{max_length}, in data.init_args of MultipleChoice: give {length} or more, as far "
                "as the model has positions, or leave the item out"
            )
        cut = max(0, len(whole) - 1 - max_length)
        rows.append(
            Row(
                tokens=whole[cut:],
                start=start - cut,
                item=number,
                option=place,
                options=len(item.options),
                answer=item.answer,
                option_bytes=len(item.options[place].encode()),
            )
        )
    longest: dict[int, int] = {}
    for row in rows:
        longest[row.item] = max(len(row.tokens), longest.get(row.item, 0))
    # Rows of like length share a batch, so that little is padded. An item stays whole where
    # `limit_test_batches` stops; what does not fit into memory fails at the first batch.
    return sorted(rows, key=lambda row: (-longest[row.item], row.item, row.option))


def _encode_options(
    items: Sequence[Item], tokenizer: PreTrainedTokenizerFast
) -> Iterator[tuple[int, int, list[int], int]]:
    """Yield (item, option, tokens of question and option, place of the option's first token)."""
    backend = plain_copy(tokenizer)

    def encode(texts: list[str]) -> list[list[int]]:
        return [e.ids for e in backend.encode_batch_fast(texts, add_special_tokens=False)]

    questions = encode([item.question.rstrip() for item in items])
    pairs = [
        (number, place) for number, item in enumerate(items) for place in range(len(item.options))
    ]
    wholes = encode([f"{items[n].question} {items[n].options[place]}" for n, place in pairs])
    for (number, place), whole in zip(pairs, wholes, strict=True):
        start = len(questions[number])
        if start == 0:  # nothing to be read before the option: then it begins a document
            whole, start = [tokenizer.eos_token_id, *whole], 1
        yield number, place, whole, start


def items_with_room(
    items: Sequence[Item], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> list[Item]:
    """Return the items all of whose options have at most ``max_length`` tokens."""
    longest = [0] * len(items)
    for number, _, whole, start in _encode_options(items, tokenizer):
        longest[number] = max(longest[number], len(whole) - start)
    return [item for item, length in zip(items, longest, strict=True) if length <= max_length]


class ChoiceRows(torch.utils.data.Dataset[Any]):
    """Rows that are fetched as a batch; see ``MultipleChoice`` for what is in it."""

    def __init__(self, rows: Sequence[Row], pad_token_id: int) -> None:
        self.rows, self.pad_token_id = rows, pad_token_id

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """Return the batch of these rows."""
        rows = [self.rows[index] for index in indices]
        width = max(len(row.tokens) for row in rows) - 1
        # Padded on the right: in a causal model no token sees what comes after it, so the padding
        # changes nothing and there is no need for a mask.
        inputs = np.full((len(rows), width), self.pad_token_id)
        labels = np.full((len(rows), width), IGNORE)
        for line, row in enumerate(rows):
            inputs[line, : len(row.tokens) - 1] = row.tokens[:-1]
            labels[line, row.start - 1 : len(row.tokens) - 1] = row.tokens[row.start :]
        numbers = {
            "item_id": [row.item for row in rows],
            "option_id": [row.option for row in rows],
            "options": [row.options for row in rows],
            "answer": [row.answer for row in rows],
            "option_bytes": [row.option_bytes for row in rows],
        }
        return {
            "input_ids": torch.from_numpy(inputs),
            "labels": torch.from_numpy(labels),
            **{name: torch.tensor(values) for name, values in numbers.items()},
        }


class MultipleChoice(DataModule):
    """Multiple-choice items for ``validate`` and ``test`` of an ``Ensemble``.

    A batch holds ``input_ids`` and ``labels`` ``[R, T]`` (next tokens, -100 but on the option's),
    and ``[R]`` each: ``item_id``, ``option_id``, ``options`` (how many the item has), ``answer``
    (the right one's place), ``option_bytes`` (UTF-8). For items of your own, override ``items``.

    One model that ``Pretrain`` trained is an ensemble of one: give its checkpoint in ``gather``.

    Args:
        source: ``embedded`` (which of four continuations follows 200 characters of the corpus's
            test split, which no member was trained on), or a published set: ``arc_easy``,
            ``arc_challenge``, ``piqa``, ``sciq``.
        path: local files of a published set: a ``datasets`` folder, JSON lines or Parquet.
        tokenizer: that of the members' training, as in ``Corpus``.
        corpus: arguments of the members' training ``Corpus`` that are not its defaults
            (``{source: ..., max_documents: ...}``): its training split makes the tokenizer
            ``bpe:SIZE``, its test split the items of ``embedded``.
        max_length: most tokens of question and option; longer questions lose their beginning,
            items of ``embedded`` with a longer option are left out.
        batch_size: options in a batch of one device, R.
        max_items: use a random sample of so many items at most; None is all (400 of ``embedded``).
        seed: of the sample and of the making of ``embedded``; the same in all runs to compare.
    """

    length_argument = "max_length"

    def __init__(
        self,
        source: Source = "embedded",
        path: str | None = None,
        tokenizer: str = "bpe:4096",
        corpus: dict[str, Any] | None = None,
        max_length: int = 256,
        batch_size: int = 64,
        max_items: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        where = "in data.init_args of MultipleChoice"
        if source not in get_args(Source):
            raise UserError(f"source is {source!r}, {where}: give {', '.join(get_args(Source))}")
        if source == "embedded" and path is not None:
            raise UserError(f"path is {path!r}, {where}, but source embedded reads none: drop it")
        numbers = {"max_length": max_length, "batch_size": batch_size, "max_items": max_items}
        for name, value in numbers.items():
            if value is not None and value < 1:
                raise UserError(f"{name} is {value}, {where}: give 1 or more")
        known = set(inspect.signature(Corpus).parameters)
        unknown = sorted(set(corpus or {}) - known)
        if unknown:
            raise UserError(
                f"corpus has {unknown[0]!r}, {where}: give arguments of Corpus, "
                f"{', '.join(sorted(known))}"
            )
        if (corpus or {}).get("tokenizer", tokenizer) != tokenizer:
            raise UserError(
                f"tokenizer is {tokenizer!r} and that of corpus {(corpus or {})['tokenizer']!r}, "
                f"{where}: give the one that the members were trained with"
            )
        self.keep_hyperparameters()
        self.sequence_length = max_length

    @cached_property
    def corpus(self) -> Corpus:
        """The corpus of the members' training."""
        return Corpus(**{**(self.hparams["corpus"] or {}), "tokenizer": self.hparams["tokenizer"]})

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The tokenizer of the members' training."""
        spec = self.hparams["tokenizer"]
        # Only a BPE asks for the corpus, whose documents take seconds to load.
        return self.corpus.tokenizer if spec.startswith("bpe:") else load_tokenizer(spec)

    @property
    def vocab_size(self) -> int:
        """Number of tokens, V."""
        return vocabulary_size(self.tokenizer)

    @cached_property
    def items(self) -> list[Item]:
        """The items; ``item_id`` of a batch is a place in this list."""
        args = self.hparams
        if args["source"] == "embedded":
            return self._built_in_items()
        items = published_items(args["source"], args["path"])
        order = np.random.default_rng(args["seed"]).permutation(len(items))[: args["max_items"]]
        return [items[number] for number in sorted(order)]

    def _built_in_items(self) -> list[Item]:
        """Make the items of ``embedded``, and leave out those with options beyond ``max_length``.

        A published set is scored whole or not at all; of one that is made here, what fits is a set.
        """
        args, split = self.hparams, self.corpus.split
        count = args["max_items"] or CLOZE_ITEMS
        made = cloze_items(split("test"), split("train"), count=count, seed=args["seed"])
        kept = items_with_room(made, self.tokenizer, args["max_length"])
        if not kept:
            raise UserError(
                f"max_length is {args['max_length']}, in data.init_args of MultipleChoice, and "
                f"each of {len(made)} built-in items has a longer option: give a larger one, or "
                "another source where the model has no more positions"
            )
        if len(kept) < len(made):
            rank_zero_info(
                f"{len(made) - len(kept)} of {len(made)} built-in items are left out: an option "
                f"has more than max_length ({args['max_length']}) tokens."
            )
        return kept

    @cached_property
    def rows(self) -> ChoiceRows:
        """The options of all items, as tokens."""
        tokenizer = self.tokenizer
        rows = encode_items(self.items, tokenizer, self.hparams["max_length"])
        return ChoiceRows(rows, tokenizer.eos_token_id)

    def prepare_data(self) -> None:
        """Have a BPE trained once, before other processes look for it."""
        _ = self.tokenizer

    def setup(self, stage: str) -> None:
        """Encode the items; refuse verbs that are not for items."""
        if stage not in ("validate", "test"):
            raise UserError(
                f"MultipleChoice has no data for {TrainerFn(stage).value}, in data of the run: "
                "use the verb test or validate, or another data.class_path"
            )
        _ = self.rows

    def _loader(self) -> Any:
        sampler = ShardedSampler(
            self.rows,
            batch_size=self.hparams["batch_size"],
            shuffle=False,
            drop_last=False,
            rank=self.trainer.global_rank if self.trainer is not None else 0,
            world_size=self.trainer.world_size if self.trainer is not None else 1,
        )
        return make_loader(self.rows, sampler=sampler)

    def val_dataloader(self) -> Any:
        """Return all options, the longest items first."""
        return self._loader()

    def test_dataloader(self) -> Any:
        """Return all options, the longest items first."""
        return self._loader()
