"""``MegadocCorpus``: the documents that a generator reads, and where its texts go."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from lightning.pytorch.trainer.states import TrainerFn

from lit_research.errors import UserError
from lit_research.generation import shard_loader
from lit_research.methods.megadocs.splitting import TextSplitter
from lit_research.methods.pretrain import Corpus
from lit_research.ranges import Range, check_range
from lit_research.text import find_overlap

if TYPE_CHECKING:
    from datasets import Dataset

HELD_OUT = ("validation", "test", "tuning")


class MegadocCorpus(Corpus):
    """The training documents of a corpus, for ``MegadocWriter``.

    Takes the arguments of ``Corpus`` (give those of the training that will follow, for the split
    and the tokenizer; ``batch_size`` is the documents of a shard), and:

    Args:
        texts: the ``datasets`` folder of the generated texts; its shards are in ``TEXTS.shards``.
        folder: the ``datasets`` folder of the synthetic documents.
        near_duplicate: refuse a training document whose similarity to a held-out one is at least
            this, estimated by MinHash; None compares ids alone.
    """

    def __init__(
        self,
        texts: str,
        folder: str,
        near_duplicate: float | None = 0.8,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        where = "in data.init_args of MegadocCorpus"
        check_range(Range(above=0, at_most=1), where, near_duplicate=near_duplicate)
        if texts == folder:
            raise UserError(f"texts and folder are both {folder!r}, {where}; must be two folders")

    def splits_of(self, verb: TrainerFn) -> tuple[str, ...]:
        """Return the splits that a verb reads; ``predict`` reads the training documents."""
        return ("train",) if verb == TrainerFn.PREDICTING else super().splits_of(verb)

    @cached_property
    def splitter(self) -> TextSplitter:
        """Splits texts by the tokens of the training tokenizer."""
        return TextSplitter(self.tokenizer)

    @property
    def shards(self) -> range:
        """The numbers of all shards, each a batch of documents."""
        return range(-(-len(self.documents["train"]) // self.hparams["batch_size"]))

    def documents_of(self, shard: int) -> Dataset:
        """Return the documents of a shard."""
        size, documents = self.hparams["batch_size"], self.documents["train"]
        return documents.select(range(shard * size, min((shard + 1) * size, len(documents))))

    def predict_dataloader(self) -> Any:
        """Return the numbers of this process's shards, one a batch: ``{"shard": number}``."""
        return shard_loader(len(self.shards), self.trainer, lambda shard: {})

    def setup(self, stage: str) -> None:
        """Refuse held-out documents among those that the generator reads.

        Raises:
            UserError: a training document is a held-out one, or nearly so.
        """
        super().setup(stage)
        if stage != "predict":
            return
        train, limit = self.documents["train"], self.hparams["near_duplicate"]
        for name in HELD_OUT:
            held_out = self.documents.get(name)
            if held_out is None or not len(held_out):
                continue
            self.refuse_held_out(train["id"], "the training split")
            if (
                limit is not None
                and (found := find_overlap(held_out, train, threshold=limit)).found
            ):
                first = found.found[0]
                raise UserError(
                    f"{len(found.found)} documents of the {name} split have a near-duplicate among "
                    f"the training documents ({first.id!r} that of {first.of_id!r}, for one), in "
                    "data.init_args of MegadocCorpus; take them out of one of the two, or give "
                    "near_duplicate null to compare ids alone"
                )

    def refuse_held_out(self, ids: Any, what: str) -> None:
        """Refuse ids of held-out documents.

        Raises:
            UserError: an id is that of a held-out document.
        """
        for name in HELD_OUT:
            held_out = self.documents[name]["id"] if name in self.documents else ()
            if both := sorted({*ids} & {*held_out}):
                raise UserError(
                    f"{len(both)} documents of the {name} split ({both[0]!r} first) are in {what}, "
                    "in data.init_args of MegadocCorpus; the generator must not read held-out "
                    "documents"
                )
