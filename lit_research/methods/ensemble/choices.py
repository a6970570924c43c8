"""``MultipleChoice``: multiple-choice items for an ensemble, with its members' tokenizer.

Legend: R rows of a batch, one per option; T tokens of the longest of them.
"""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.evals import (
    ChoiceRows,
    Item,
    cloze_items,
    encode_items,
    items_with_room,
    published_items,
)
from lit_research.methods.pretrain import Corpus
from lit_research.methods.text import Split, TextDataModule
from lit_research.ranges import COUNT, check_range
from lit_research.text import load_tokenizer

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerFast

Source = Literal["embedded", "arc_easy", "arc_challenge", "piqa", "sciq"]
# Default number of items of ``embedded``.
CLOZE_ITEMS = 400
_WHERE = "in data.init_args of MultipleChoice"


class MultipleChoice(TextDataModule):
    """Multiple-choice items for ``validate`` and ``test`` of an ``Ensemble``.

    ``lit_research.evals.ChoiceRows`` describes a batch. For items of your own, override ``items``.

    A model that ``Pretrain`` trained is an ensemble of one: give its checkpoint in ``gather``.

    Args:
        source: ``embedded`` (choose which of four continuations follows a prefix of the corpus's
            test split, which no member was trained on), or a published set: ``arc_easy``,
            ``arc_challenge``, ``piqa``, ``sciq``.
        path: local files of a published set: a ``datasets`` folder, JSON lines or Parquet.
        tokenizer: the members' tokenizer, as in ``Corpus``.
        corpus: arguments of the members' training ``Corpus`` that differ from its defaults
            (``{source: ..., max_documents: ...}``): a tokenizer ``bpe:SIZE`` is trained on its
            training split, that of ``words`` is its source's, and the items of ``embedded`` are
            made from its test split.
        max_length: maximum tokens of question and option; longer questions are truncated on the
            left, items of ``embedded`` with a longer option are left out.
        batch_size: options per batch and device, R.
        max_items: maximum number of items, a random sample; None is all (400 of ``embedded``).
        seed: seed of the sample and of the items of ``embedded``; keep it equal in runs to compare.
        kinds: of ``embedded``: make items from the documents of these kinds alone, as the column
            ``kind`` has them; None is all. Wrong options are always of the same kind.
        prefix_characters: of ``embedded``: characters of a prefix, at least.
        option_characters: of ``embedded``: characters of a continuation, at least.
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
        kinds: list[str] | None = None,
        prefix_characters: int | None = None,
        option_characters: int | None = None,
    ) -> None:
        super().__init__()
        if source not in get_args(Source):
            raise UserError(f"source is {source!r}, {_WHERE}; give {', '.join(get_args(Source))}")
        if source == "embedded" and path is not None:
            raise UserError(f"path is {path!r}, {_WHERE}, but source embedded reads none: drop it")
        parts = {"prefix_characters": prefix_characters, "option_characters": option_characters}
        for name, value in {"kinds": kinds, **parts}.items():
            if source != "embedded" and value is not None:
                raise UserError(
                    f"{name} is {value}, {_WHERE}, with source {source}; leave it out, since it is "
                    "for the items of source embedded"
                )
        sizes = {"max_length": max_length, "batch_size": batch_size, "max_items": max_items}
        check_range(COUNT, _WHERE, **sizes, **parts)
        known = set(inspect.signature(Corpus).parameters)
        unknown = sorted(set(corpus or {}) - known)
        if unknown:
            raise UserError(
                f"corpus has {unknown[0]!r}, {_WHERE}; give arguments of Corpus, "
                f"{', '.join(sorted(known))}"
            )
        if (corpus or {}).get("tokenizer", tokenizer) != tokenizer:
            raise UserError(
                f"tokenizer is {tokenizer!r} and that of corpus {(corpus or {})['tokenizer']!r}, "
                f"{_WHERE}; give the one that the members were trained with"
            )
        self.keep_hyperparameters()
        self.sequence_length = max_length

    @cached_property
    def corpus(self) -> Corpus:
        """The members' training corpus."""
        return Corpus(**{**(self.hparams["corpus"] or {}), "tokenizer": self.hparams["tokenizer"]})

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """The members' tokenizer."""
        spec = self.hparams["tokenizer"]
        # Others need no corpus, whose documents take seconds to load.
        of_corpus = spec == "words" or spec.startswith("bpe:")
        return self.corpus.tokenizer if of_corpus else load_tokenizer(spec)

    @cached_property
    def items(self) -> list[Item]:
        """The items; ``item_id`` of a batch is an index of this list."""
        args = self.hparams
        if args["source"] == "embedded":
            return self._built_in_items()
        items = published_items(args["source"], args["path"], where=_WHERE)
        order = np.random.default_rng(args["seed"]).permutation(len(items))[: args["max_items"]]
        return [items[number] for number in sorted(order)]

    def _built_in_items(self) -> list[Item]:
        """Make the items of ``embedded``, without those whose options exceed ``max_length``.

        A published set must be scored completely; of the built-in items, any subset will do.
        """
        args, train = self.hparams, self.corpus.split("train")
        sizes = {n: args[n] for n in ("prefix_characters", "option_characters") if args[n]}
        count = args["max_items"] or CLOZE_ITEMS
        made = cloze_items(
            self._held_out(), train, count=count, seed=args["seed"], where=_WHERE, **sizes
        )
        kept = items_with_room(made, self.tokenizer, args["max_length"])
        if not kept:
            raise UserError(
                f"max_length is {args['max_length']}, {_WHERE}, and "
                f"each of {len(made)} built-in items has a longer option; give a larger one, or "
                "another source where the model has no more positions"
            )
        if len(kept) < len(made):
            rank_zero_info(
                f"{len(made) - len(kept)} of {len(made)} built-in items are left out: an option "
                f"has more than max_length ({args['max_length']}) tokens."
            )
        return kept

    def _held_out(self) -> Dataset:
        """Return the documents that items are made from.

        Raises:
            UserError: none is of a kind that was asked for.
        """
        documents, kinds = self.corpus.split("test"), self.hparams["kinds"]
        if kinds is None:
            return documents
        there = documents["kind"]
        if not kinds or not {*kinds} <= {*there}:
            raise UserError(
                f"kinds is {kinds}, {_WHERE}; must be of the kinds of the test split's documents, "
                f"{', '.join(sorted({*there}))}"
            )
        return documents.select([n for n, kind in enumerate(there) if kind in kinds])

    @cached_property
    def rows(self) -> ChoiceRows:
        """The tokenised options of all items."""
        tokenizer = self.tokenizer
        rows = encode_items(self.items, tokenizer, self.hparams["max_length"], where=_WHERE)
        return ChoiceRows(rows, tokenizer.eos_token_id)

    def prepare_data(self) -> None:
        """Train a BPE once, before other processes look for it."""
        _ = self.tokenizer

    def setup(self, stage: str) -> None:
        """Encode the items; refuse verbs other than ``validate`` and ``test``."""
        if stage not in ("validate", "test"):
            raise UserError(
                f"MultipleChoice has no data for {TrainerFn(stage).value}, in data of the run; "
                "use the verb test or validate, or another data.class_path"
            )
        _ = self.rows

    def dataset(self, split: Split) -> ChoiceRows:
        """Return the options of all items, the longest items first."""
        return self.rows
