"""``SyntheticCorpus``: text that a synthesizer writes from the documents of a corpus.

``lit-research predict`` with a ``Synthesizer`` and this data module writes a ``datasets`` folder;
``MixedCorpus`` reads it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.files import write_json
from lit_research.generation import Prompt, TextJob, row_seed, shard_loader
from lit_research.lm.engines import Engine, Sampling
from lit_research.methods.pretrain import Corpus
from lit_research.methods.sbp.core import SHORTEST_FIRST, separator_id
from lit_research.methods.sbp.filters import Filters
from lit_research.methods.sbp.selection import Selection
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range
from lit_research.seeds import derive_seed, resolve_seed
from lit_research.text import MinHash, TokenStore, find_overlap, fingerprint

if TYPE_CHECKING:
    import lightning.pytorch as pl

WHERE = "in data.init_args of SyntheticCorpus"
BASE = "base"  # source of texts without a d1
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
            mean = store.num_tokens / len(store)
            texts = max(_SPARE * args["synthetic_tokens"] / mean, _SPARE)
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


class CorpusWriter:
    """Writes the shards of a synthetic corpus, and puts the corpus together from them.

    What is in a shard follows from (weights, sampling, R, shard number) and the corpus from its
    shards in order, so one that was interrupted at any point becomes the same corpus.

    Args:
        data: what to write and where.
        engine: of the synthesizer.
        context: tokens that the model can read.
        rank: of this process, whose seconds are its own.
        costs: what came before the sampling, for the card.

    Raises:
        UserError: the shards of another corpus are in the folder, or no room is left for d1.
    """

    def __init__(
        self,
        data: SyntheticCorpus,
        engine: Engine,
        context: int,
        *,
        rank: int = 0,
        costs: dict[str, Any] | None = None,
    ) -> None:
        args = data.hparams
        self.data, self.engine, self.costs = data, engine, costs or {}
        self.room = _room(data, context)
        keys = ("synthetic_tokens", "conditional", "temperature", "top_p", "max_new_tokens")
        more = ("sampling_seed", "batch_size", "tokenizer", "separator")
        card = {
            **engine.card(),
            **{key: args[key] for key in (*keys, *more)},
            "filters": asdict(data.filters),
            "most_shards": data.most_shards,
            "corpus": fingerprint(data.documents["train"]),
            "seed_tokens": self.room,
        }
        where = "data.init_args.folder"
        self.job = TextJob(
            args["folder"], card, kind="synthetic", what="Synthetic corpus", where=where
        )
        self._seconds_file = Path(f"{args['folder']}.shards") / f"seconds.{rank}.json"
        self.selection = Selection(
            data.filters,
            data.tokenizer,
            data.documents["train"],
            self._seed_of,
            target=args["synthetic_tokens"],
            most=data.most_shards,
            job=self.job,
        )

    def _seed_of(self, source: str) -> Sequence[int]:
        if not self.data.hparams["conditional"]:
            return ()
        return self.data.seed_tokens(self.data.row_of[source], self.room)

    def write(self, shard: int) -> int:
        """Write a shard, unless it is there or those that are there suffice; return its tokens."""
        if self.job.has(shard) or self.selection.needed() is not None:
            return 0
        args, start = self.data.hparams, time.perf_counter()
        size = args["batch_size"]
        numbers = range(shard * size, (shard + 1) * size)
        sampling = Sampling(
            args["max_new_tokens"],
            args["temperature"],
            args["top_p"],
            seed=[row_seed(args["sampling_seed"], number) for number in numbers],
        )
        rows = self.job.write(shard, self.engine, [self._prompt(n) for n in numbers], sampling)
        self._add_seconds(shard, time.perf_counter() - start)
        return sum(row["tokens"] or 0 for row in rows)

    def _prompt(self, number: int) -> Prompt:
        separator, name = self.data.separator_id, f"{number:08d}"
        if not self.data.hparams["conditional"]:
            return Prompt([separator], id=name, source_id=BASE)
        row = self.data.seed_row(number)
        source = self.data.seed_ids[row]
        tokens = [*self.data.seed_tokens(row, self.room), separator]
        return Prompt(tokens, id=name, source_id=source)

    def _add_seconds(self, shard: int, seconds: float) -> None:
        known = self._read(self._seconds_file)
        write_json(self._seconds_file, {**known, str(shard): round(seconds, 3)})

    @staticmethod
    def _read(file: Path) -> dict[str, float]:
        return json.loads(file.read_text()) if file.is_file() else {}

    def finish(self, trainer: pl.Trainer) -> None:
        """Write the ``datasets`` folder, on rank 0, once all processes have written.

        Raises:
            UserError: the texts that are left have fewer tokens than were asked for.
        """
        trainer.strategy.barrier()
        if not trainer.is_global_zero:
            return
        if self.job.is_finished():
            self.job.finish(0)
            return
        count = self.selection.needed()
        assert count is not None, "every process has written its shards"
        tokens = self.selection.check(count)
        measured = {"corpus_tokens": tokens, "costs": {**self.costs, "sampling": self._cost(count)}}
        self.job.finish(count, review=self.selection.review, measured=measured)
        rank_zero_info(f"Synthetic corpus: {tokens} tokens, in {self.data.hparams['folder']}.")

    def _cost(self, count: int) -> dict[str, float]:
        """Return the tokens that were read and written for the corpus, and the seconds."""
        rows = self.job.rows(range(count))
        prompts = sum(len(self._seed_of(source)) + 1 for source in rows["source_id"])
        files = self._seconds_file.parent.glob("seconds.*.json")
        seconds = [value for file in files for value in self._read(file).values()]
        return {
            "texts": len(rows),
            "read_tokens": prompts,
            "written_tokens": sum(tokens or 0 for tokens in rows["tokens"]),
            "seconds": round(sum(seconds), 1),
        }


def _room(data: SyntheticCorpus, context: int) -> int:
    """Return the tokens that d1 can have next to the separator and a text of full length."""
    if not data.hparams["conditional"]:
        return 0
    new = data.hparams["max_new_tokens"]
    room, longest = context - new - 1, int(data.seeds.lengths.max()) - 1
    if room < min(SHORTEST_FIRST, longest):
        raise UserError(
            f"max_new_tokens is {new} and the model has {context} positions, {WHERE}, which leaves "
            f"{room} for d1; must leave {min(SHORTEST_FIRST, longest)} or more"
        )
    return min(room, longest)
