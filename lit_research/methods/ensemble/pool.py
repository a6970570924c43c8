"""``TeacherPool``: text that the members write for a student, in shards that a kill does not lose.

``lit-research predict`` with an ``Ensemble`` and this data module writes a ``datasets`` folder;
``DistillCorpus`` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning.pytorch.trainer.states import TrainerFn

from lit_research.errors import UserError
from lit_research.generation import Prompt, TextJob, finish_together, shard_loader
from lit_research.lm import weights_fingerprint
from lit_research.lm.engines import EngineCallable, Sampling
from lit_research.methods.ensemble.sampling import BeyondContext
from lit_research.methods.pretrain import Corpus
from lit_research.text import fingerprint

if TYPE_CHECKING:
    import lightning.pytorch as pl
    from transformers import PreTrainedModel


class TeacherPool(Corpus):
    """Orders for texts that the members of an ensemble write, an equal number each.

    The paper's pool is such a mix of the members' own samples, not of the averaged logits. Takes
    the arguments of ``Corpus`` (give those of the members' training, for the tokenizer and the
    split), and:

    Args:
        folder: where the pool goes, a ``datasets`` folder; its shards lie in ``FOLDER.shards``.
        documents: number of texts, of all members together.
        max_tokens: longest text, in tokens.
        temperature: of the sampling; 1 is the members' own distribution.
        pool_seed: of the sampling.
    """

    def __init__(
        self,
        folder: str,
        documents: int = 1024,
        max_tokens: int = 1024,
        temperature: float = 1.0,
        pool_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("documents", documents), ("max_tokens", max_tokens)):
            if value < 1:
                raise UserError(f"{name} is {value}, in data.init_args of TeacherPool: give 1 up")

    def splits_of(self, verb: TrainerFn) -> tuple[str, ...]:
        """Return the splits that a verb reads; ``predict`` names the one that the members know."""
        return ("train",) if verb == TrainerFn.PREDICTING else super().splits_of(verb)

    def predict_dataloader(self) -> Any:
        """Return the numbers of this process's shards, one a batch: ``{"shard": number}``."""
        return shard_loader(len(self.shards), self.trainer, lambda shard: {})

    @property
    def shards(self) -> range:
        """The numbers of all shards, each a batch of texts."""
        return range(-(-self.hparams["documents"] // self.hparams["batch_size"]))

    def shard_size(self, shard: int) -> int:
        """Return the number of texts in a shard: a batch, or what is left for the last one."""
        size = self.hparams["batch_size"]
        return min(size, self.hparams["documents"] - shard * size)


class PoolWriter:
    """Writes shards, leaves those alone that are there, and puts them together at the end.

    What is in a shard follows from (weights, sampling, shard number), so a pool that was
    interrupted at any point becomes the same pool.

    Args:
        data: what to write and where.
        lm: the members, stacked: their weights are part of the pool's name.
        members: number of members.
        engine: makes what a member writes with.

    Raises:
        UserError: the shards of another pool are in the folder.
    """

    def __init__(
        self, data: TeacherPool, lm: PreTrainedModel, members: int, engine: EngineCallable
    ) -> None:
        args = data.hparams
        self.data, self.members, self.engine = data, members, engine
        keys = ("max_tokens", "temperature", "pool_seed", "batch_size", "tokenizer")
        card = {
            **{key: args[key] for key in keys},
            "texts": args["documents"],
            "members": members,
            "weights": weights_fingerprint(lm),
            "teacher_corpus": fingerprint(data.documents["train"]),
        }
        self._job = TextJob(
            args["folder"], card, kind="teacher", what="Teacher pool", where="data.init_args.folder"
        )
        self.has = self._job.has

    def member_of(self, shard: int) -> int:
        """Return which member writes a shard."""
        return shard % self.members

    def write(self, shard: int, lm: PreTrainedModel) -> int:
        """Sample one shard with a member's weights; return its tokens."""
        args, tokenizer = self.data.hparams, self.data.tokenizer
        size = self.data.shard_size(shard)
        source = f"member {self.member_of(shard)}"
        prompts = [
            Prompt([tokenizer.eos_token_id], id=f"{shard:06d}-{row}", source_id=source)
            for row in range(size)
        ]
        sampling = Sampling(
            args["max_tokens"],
            args["temperature"],
            seed=args["pool_seed"] * 1_000_003 + shard,
        )
        context = lm.config.max_position_embeddings
        engine = BeyondContext(self.engine(lm, tokenizer), tokenizer, context)
        rows = self._job.write(shard, engine, prompts, sampling)
        return sum(row["tokens"] for row in rows)

    def finish(self, trainer: pl.Trainer) -> None:
        """Write the ``datasets`` folder from all shards; empty texts are left out."""
        finish_together(self._job, len(self.data.shards), trainer)
