"""``CorpusWriter``: writes the shards of a ``SyntheticCorpus``, and the corpus from them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.files import write_json
from lit_research.generation import Prompt, TextJob, row_seed
from lit_research.lm.engines import Engine, Sampling
from lit_research.methods.sbp.core import SHORTEST_FIRST
from lit_research.methods.sbp.selection import Selection
from lit_research.methods.sbp.synthetic_corpus import WHERE, SyntheticCorpus
from lit_research.text import fingerprint

if TYPE_CHECKING:
    import lightning.pytorch as pl

BASE = "base"  # source of texts without a d1


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
