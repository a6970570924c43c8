"""``RelatedPairs``: pairs of related documents of a corpus, as rows of tokens.

Legend: P pairs, N documents.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.methods.pretrain import Corpus
from lit_research.methods.sbp.core import pair_row, separator_id, shuffled
from lit_research.methods.sbp.pair_rows import PairRows
from lit_research.methods.text import Split
from lit_research.ranges import COUNT, Range, check_range
from lit_research.seeds import derive_seed
from lit_research.sft import PackedRows, Row
from lit_research.text import (
    MinHash,
    PairFinder,
    Pairs,
    TokenStore,
    find_duplicates,
    split_pairs,
    tokenize,
)

if TYPE_CHECKING:
    from datasets import Dataset

PairKind = Literal["related", "random", "self", "near_duplicates"]
Columns: TypeAlias = tuple[np.ndarray, np.ndarray]
"""d1 (-1: empty) and d2 of pairs, as numbers of documents, ``[P]`` each."""

NOTHING = -1
_WHERE = "in data.init_args of RelatedPairs"


class RelatedPairs(Corpus):
    """Rows ``[d1; separator; d2; end of text]`` of related documents; labels are d2 and the end.

    The documents are the training split of a ``Corpus``: give the arguments of the base's training
    for ``source``, ``tokenizer`` and the fractions, so that no held-out document is in a pair.
    Training rows are packed without attention across rows. Validation and test pairs are held out
    by document and scored twice, with their own d1 and with that of another pair. Takes the
    arguments of ``Corpus`` (``sequence_length`` is the longest row, in positions), and:

    Args:
        pairs: ``related``: neighbours in an embedding space; ``random``: the same documents, with
            the d1 of all pairs of a split shuffled, so that nothing but the relation is lost;
            ``self``: every document as d2, with an empty d1 (self-distillation);
            ``near_duplicates``: nearly equal documents, which the others leave out.
        finder: arguments of ``lit_research.text.PairFinder``; None takes its defaults. Of
            ``near_duplicates`` only ``near_duplicate`` and ``shingle``; not with ``self``.
        separator: the token between d1 and d2; None takes the end of text. (The paper does not
            say; the end of text is what the base has always read between two documents.)
        max_document_tokens: longer documents are in no pair; None: all must fit.
        pair_validation_fraction: share of the documents whose pairs are for validation.
        pair_test_fraction: share of the documents whose pairs are for the test.
    """

    def __init__(
        self,
        pairs: PairKind = "related",
        finder: dict[str, Any] | None = None,
        separator: str | None = None,
        max_document_tokens: int | None = None,
        pair_validation_fraction: float = 0.05,
        pair_test_fraction: float = 0.05,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if pairs not in get_args(PairKind):
            raise UserError(f"pairs is {pairs!r}, {_WHERE}; must be one of {get_args(PairKind)}")
        if pairs == "self" and finder is not None:
            raise UserError(f"finder is given with pairs 'self', {_WHERE}; leave it out")
        for name in ("max_train_tokens", "mask_across_documents"):
            if self.hparams[name]:
                raise UserError(
                    f"{name} is {self.hparams[name]}, {_WHERE}; leave it out: rows are documents, "
                    "which never attend to each other's rows"
                )
        share = Range(at_least=0, below=1)
        check_range(share, _WHERE, pair_validation_fraction=pair_validation_fraction)
        check_range(share, _WHERE, pair_test_fraction=pair_test_fraction)
        check_range(COUNT, _WHERE, max_document_tokens=max_document_tokens)
        self._datasets: dict[str, Any] = {}

    @cached_property
    def finder(self) -> PairFinder:
        """What finds the pairs."""
        arguments = self.hparams["finder"] or {}
        path = f"{PairFinder.__module__}.{PairFinder.__qualname__}"
        return make_object(PairFinder, {"class_path": path, "init_args": arguments})

    @cached_property
    def separator_id(self) -> int:
        """The token between d1 and d2.

        Raises:
            UserError: the tokenizer has no such token.
        """
        return separator_id(self.tokenizer, self.hparams["separator"], _WHERE)

    @property
    def end_id(self) -> int:
        """The end-of-text token."""
        end: int = self.tokenizer.eos_token_id
        return end

    @cached_property
    def pairable(self) -> Dataset:
        """The documents that can be in a pair: those of the training split that are short enough.

        Raises:
            UserError: there are fewer than two.
        """
        documents, limit = self.split("train"), self.hparams["max_document_tokens"]
        if limit is None:
            return documents
        short = np.flatnonzero(self.store("train").lengths - 1 <= limit)
        rank_zero_info(f"{len(short)} of {len(documents)} documents have at most {limit} tokens.")
        if len(short) < 2:
            raise UserError(
                f"{len(short)} documents have at most {limit} tokens, max_document_tokens "
                f"{_WHERE}; raise it"
            )
        return documents.select(short)

    @cached_property
    def _tokens(self) -> TokenStore:
        cache_dir = self.hparams["cache_dir"]
        return tokenize(self.pairable, self.tokenizer, cache_dir=cache_dir, name="pairable")

    def find(self) -> Pairs:
        """Return all pairs, each in both directions; those of ``self`` are a document and itself.

        Raises:
            UserError: there are none.
        """
        documents, kind, seed = self.pairable, self.hparams["pairs"], self.hparams["seed"]
        if kind == "self":
            each = np.arange(len(documents))
            return Pairs(each, each, np.ones(len(each), np.float32), {"pairs": len(each)})
        if kind != "near_duplicates":
            cache_dir = self.hparams["cache_dir"]
            return self.finder(documents, seed=seed, cache_dir=cache_dir, groups="kind")
        threshold, settings = self.finder.near_duplicate, MinHash(self.finder.shingle)
        found = find_duplicates(documents, settings, threshold=threshold)
        if not found.found:
            raise UserError(
                f"no two of {len(documents)} documents are near-duplicates with a shared share of "
                f"shingles of {threshold}, {_WHERE}; lower finder.near_duplicate"
            )
        one = np.array([(pair.row, pair.of_row) for pair in found.found])
        both = np.concatenate([one, one[:, ::-1]])
        scores = np.tile(np.array([pair.similarity for pair in found.found], np.float32), 2)
        return Pairs(both[:, 0], both[:, 1], scores, found.card())

    @cached_property
    def found(self) -> dict[str, Pairs]:
        """The pairs by split, held out by document."""
        pairs, documents, seed = self.find(), self.pairable, self.hparams["seed"]
        split = {"train": pairs}
        for name in ("test", "validation"):
            fraction = self.hparams[f"pair_{name}_fraction"]
            if fraction:
                split_seed = derive_seed(seed, "pairs", name)
                split["train"], split[name] = split_pairs(
                    split["train"], documents, fraction, split_seed
                )
        counts = ", ".join(f"{len(part.first)} {name}" for name, part in split.items())
        rank_zero_info(f"Pairs ({self.hparams['pairs']}) of {len(documents)} documents: {counts}.")
        return split

    @property
    def card(self) -> dict[str, Any]:
        """What is known about the pairs, as plain data; those of each split are counted."""
        counts = {f"{name}_pairs": len(part.first) for name, part in self.found.items()}
        return {"kind": self.hparams["pairs"], **counts, **self.found["train"].card}

    def columns(self, split: str) -> Columns:
        """Return d1 and d2 of the pairs of a split, numbers of documents of ``pairable``."""
        if split not in self.found:
            raise UserError(
                f"there are no {split} pairs (pair_{split}_fraction is 0), {_WHERE}; give a share "
                "of the documents"
            )
        pairs, kind = self.found[split], self.hparams["pairs"]
        if len(pairs.first) == 0:
            raise UserError(
                f"there are no {split} pairs, {_WHERE}; give more documents, a larger share of "
                "them, or a finder that finds more pairs"
            )
        if kind == "self":
            return np.full(len(pairs.first), NOTHING), pairs.second
        if kind == "random":
            return self.shuffled(split, pairs.first, pairs.second), pairs.second
        return pairs.first, pairs.second

    def shuffled(self, what: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return d1 of pairs in another order, ``[P]``, which depends on the seed and ``what``."""
        seed = derive_seed(self.hparams["seed"], "shuffled", what)
        return shuffled(first, second, np.random.default_rng(seed))

    def rows(self, first: np.ndarray, second: np.ndarray) -> list[Row]:
        """Return the rows of pairs, d1 cut where they are too long; see ``core.pair_row``."""
        store, names = self._tokens, list(self.pairable["id"])

        def tokens(document: int) -> list[int]:
            return [] if document == NOTHING else store[document][:-1].tolist()

        return [
            self.row(tokens(i), tokens(j), names[j])
            for i, j in zip(first.tolist(), second.tolist(), strict=True)
        ]

    def row(self, first: list[int], second: list[int], name: str = "") -> Row:
        """Return the row of the token ids of d1 and d2."""
        return pair_row(
            first,
            second,
            separator=self.separator_id,
            end=self.end_id,
            sequence_length=self.sequence_length,
            name=name,
        )

    def dataset(self, split: Split) -> Any:
        """Return the packed rows of ``train``, else the pairs to score, with d1 and without it."""
        name = "test" if split == "predict" else split
        if name not in self._datasets:
            self._datasets[name] = self.packed() if name == "train" else self.scored(name)
        return self._datasets[name]

    def packed(self) -> PackedRows:
        """Return the training rows, packed into windows."""
        rows = self.rows(*self.columns("train"))
        return PackedRows(rows, self.sequence_length, pad_token_id=self.end_id)

    def scored(self, split: str) -> PairRows:
        """Return the pairs of a split, and the same with other d1 (none if d1 are empty)."""
        first, second = self.columns(split)
        others: list[Row] = []
        if self.hparams["pairs"] != "self":
            others = self.rows(self.shuffled(f"scored {split}", first, second), second)
        groups = self.groups_of(second)
        return PairRows(self.rows(first, second), others, groups, pad_token_id=self.end_id)

    def groups_of(self, second: np.ndarray) -> list[np.ndarray] | None:
        """Return the loss groups of the tokens of each d2 and its end; a subclass has some."""
        return None

    @property
    def has_validation(self) -> bool:
        """Whether pairs are held out for validation."""
        return "validation" in self.found

    def prepare_data(self) -> None:
        """Train the tokenizer, if it is one that is trained, once, before other processes do."""
        _ = self.tokenizer

    def splits_of(self, verb: TrainerFn) -> tuple[str, ...]:
        """Return the split that every verb reads."""
        return ("train",)

    def setup(self, stage: str) -> None:
        """Refuse a separator that is no token; pairs are found when they are first read."""
        _ = self.separator_id

    def train_dataloader(self) -> Any:
        """Return the training batches.

        Raises:
            UserError: there is less than one batch.
        """
        if self.batches_per_epoch == 0:
            raise UserError(
                f"the training pairs are {len(self.dataset('train'))} windows of "
                f"{self.sequence_length} positions, too few for one batch of "
                f"{self.hparams['batch_size']} on each of {self.world_size} devices, {_WHERE}; "
                "lower batch_size, or give more documents"
            )
        return super().train_dataloader()
