"""``SyntheticCorpus``: which texts a synthesizer is to write from the documents of a corpus.

``lit-research predict`` with a ``Synthesizer`` and this data module writes a ``datasets`` folder;
``MixedCorpus`` reads it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from lightning.pytorch.trainer.states import TrainerFn

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.generation import shard_loader
from lit_research.methods.pretrain import Corpus
from lit_research.methods.sbp.core import separator_id
from lit_research.methods.sbp.filters import Filters
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range
from lit_research.seeds import derive_seed, resolve_seed
from lit_research.text import MinHash, TokenStore, find_overlap

WHERE = "in data.init_args of SyntheticCorpus"
_SPARE = 10  # texts written at most, as a multiple of those that suffice where none is refused


class SyntheticCorpus(Corpus):
    """Orders for the texts of a synthetic corpus, each from a document drawn uniformly from R.

    R is the training split. Takes the arguments of ``Corpus`` (give those of the synthesizer's
    training, for the tokenizer and the split), and:

    Args:
        folder: where the corpus goes, a ``datasets`` folder; its shards lie in ``FOLDER.shards``.
        synthetic_tokens: tokens to keep after filtering, counted with the training tokenizer; the
            last text may go beyond.
        conditional: whether each text continues ``[d1; SEP]``; false samples documents from the end
            of text alone (self-distillation of a base model).
        temperature: of the sampling; 1 is the synthesizer's own distribution.
        top_p: share of the probability that the likeliest tokens kept in sampling have.
        max_new_tokens: longest text, in tokens; d1 is cut to what is left of the model's positions.
        sampling_seed: of the draws of d1 and of the sampling; None takes ``seed_everything``.
        max_texts: texts written at most; None is 10 times what suffices where none is refused.
        filters: arguments of ``Filters``; None is its defaults.
        overlap: Jaccard similarity of word shingles (MinHash) at or above which a document of the
            validation or test split is refused as a copy of one of R; None compares ids alone.
        quality_texts: texts that ``test`` measures, and as many documents of R.
        encoder: of the relevance that ``test`` measures, by class path; None is ``Tfidf``.
        judge: of the facts that ``test`` measures, the class path of a ``Judge``; None takes the
            source where that knows the truth (has a method ``faults``).
        separator: the token between d1 and the text; None takes the end of text.
    """

    def __init__(
        self,
        folder: str,
        synthetic_tokens: int,
        conditional: bool = True,
        temperature: float = 1.0,
        top_p: float = 1.0,
        max_new_tokens: int = 256,
        sampling_seed: int | None = None,
        max_texts: int | None = None,
        filters: dict[str, Any] | None = None,
        overlap: float | None = 0.8,
        quality_texts: int = 1000,
        encoder: dict[str, Any] | None = None,
        judge: dict[str, Any] | None = None,
        separator: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes = {"synthetic_tokens": synthetic_tokens, "max_new_tokens": max_new_tokens}
        sizes["quality_texts"] = quality_texts
        check_range(COUNT, WHERE, **sizes, max_texts=max_texts)
        check_range(NOT_NEGATIVE, WHERE, temperature=temperature)
        share = Range(above=0, at_most=1)
        check_range(share, WHERE, top_p=top_p, overlap=overlap)
        self.hparams["sampling_seed"] = resolve_seed(sampling_seed)
        path = f"{Filters.__module__}.{Filters.__qualname__}"
        self.filters = make_object(Filters, {"class_path": path, "init_args": filters or {}})

    def splits_of(self, verb: TrainerFn) -> tuple[str, ...]:
        """Return the splits that a verb reads; ``predict`` and ``test`` read R."""
        of_r = verb in (TrainerFn.PREDICTING, TrainerFn.TESTING)
        return ("train",) if of_r else super().splits_of(verb)

    def setup(self, stage: str) -> None:
        """Refuse to write from a corpus that has held-out documents in it.

        Raises:
            UserError: a document is in R and held out, by its id or nearly by its text.
        """
        if stage != "predict":
            super().setup(stage)
            return
        corpus, overlap = self.documents["train"], self.hparams["overlap"]
        for split in ("validation", "test"):
            if split in self.documents:
                check_apart(self.documents[split], corpus, split, overlap)

    def predict_dataloader(self) -> Any:
        """Return the numbers of this process's shards, one a batch: ``{"shard": number}``."""
        return shard_loader(self.most_shards, self.trainer, lambda shard: {})

    def test_dataloader(self) -> Any:
        """Return one batch with nothing in it: what ``test`` measures are the texts."""
        return shard_loader(1, None, lambda shard: {})

    @cached_property
    def most_shards(self) -> int:
        """The number of shards that can be written, each a batch of texts."""
        args, store = self.hparams, self.seeds
        texts = args["max_texts"]
        if texts is None:
            # A text has about the tokens of a document, but where documents are long, fewer.
            length = min(store.num_tokens / len(store), args["max_new_tokens"] + 1)
            texts = max(_SPARE * args["synthetic_tokens"] / length, _SPARE)
        return max(1, round(texts / args["batch_size"]))

    def seed_row(self, number: int) -> int:
        """Return which document of R is the d1 of a text: a function of the text's number alone."""
        draw = derive_seed(self.hparams["sampling_seed"], "d1", number)
        return draw % len(self.seed_ids)

    def seed_tokens(self, row: int, room: int) -> list[int]:
        """Return the token ids of a document of R without its end, cut to ``room`` at the end."""
        ids: list[int] = self.seeds[row][:-1].tolist()
        return ids[:room]

    @cached_property
    def seeds(self) -> TokenStore:
        """The tokens of R."""
        return self.store("train")

    @cached_property
    def separator_id(self) -> int:
        """The token between d1 and the text.

        Raises:
            UserError: the tokenizer has no such token.
        """
        return separator_id(self.tokenizer, self.hparams["separator"], WHERE)

    @cached_property
    def seed_ids(self) -> list[str]:
        """The id of each document of R."""
        return list(self.documents["train"]["id"])

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each document of R, by its id."""
        return {name: row for row, name in enumerate(self.seed_ids)}


def check_apart(held_out: Any, corpus: Any, split: str, overlap: float | None) -> None:
    """Refuse held-out documents that are in the corpus.

    Args:
        held_out: documents of a split.
        corpus: the documents that are trained on, R.
        split: name of the split.
        overlap: see ``SyntheticCorpus``.

    Raises:
        UserError: a document is in both, by its id or nearly by its text.
    """
    both = sorted({*held_out["id"]} & {*corpus["id"]})
    pairs = [(name, name) for name in both]
    if not pairs and overlap is not None:
        found = find_overlap(held_out, corpus, MinHash(), threshold=overlap).found
        pairs = [(duplicate.id, duplicate.of_id) for duplicate in found]
    if pairs:
        (name, of), how = pairs[0], "the same id" if both else f"a similarity of {overlap} or more"
        raise UserError(
            f"{len(pairs)} documents of the {split} split are also in the training split, by {how} "
            f"({name!r} is {of!r}), {WHERE}; remove them from one of the two"
            + ("" if both else ", or give overlap null to compare ids alone")
        )
