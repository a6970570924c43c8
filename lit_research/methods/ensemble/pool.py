"""``TeacherPool``: text that the members write for a student, in shards that a kill does not lose.

``lit-research predict`` with an ``Ensemble`` and this data module writes a ``datasets`` folder;
``DistillCorpus`` reads it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.lm import weights_fingerprint
from lit_research.methods.ensemble.sampling import sample_texts
from lit_research.methods.pretrain import Corpus
from lit_research.text import fingerprint, write_documents

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MANIFEST, CARD = "pool.json", "card.json"


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

    def predict_dataloader(self) -> Any:
        """Return the numbers of this process's shards, one a batch: ``{"shard": [1]}``."""
        rank = self.trainer.global_rank if self.trainer is not None else 0
        mine = [{"shard": torch.tensor([n])} for n in self.shards[rank :: self._world_size]]
        return torch.utils.data.DataLoader(mine, batch_size=None)  # type: ignore[arg-type]

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

    Raises:
        UserError: the shards of another pool are in the folder.
    """

    def __init__(self, data: TeacherPool, lm: PreTrainedModel, members: int) -> None:
        args = data.hparams
        self.data, self.members = data, members
        self.folder = Path(args["folder"])
        self.shards = self.folder.with_name(f"{self.folder.name}.shards")
        keys = ("max_tokens", "temperature", "pool_seed", "batch_size", "tokenizer")
        self.card = {
            **{key: args[key] for key in keys},
            "texts": args["documents"],
            "members": members,
            "weights": weights_fingerprint(lm),
            "teacher_corpus": fingerprint(data.documents["train"]),
        }
        self._check_manifest()

    def _check_manifest(self) -> None:
        """Begin the folder of shards, or see that the one that is there is of this pool."""
        path = self.shards / MANIFEST
        if path.is_file():
            begun = json.loads(path.read_text())
            other = [key for key, value in self.card.items() if begun.get(key) != value]
            if other:
                raise UserError(
                    f"a pool with another {', '.join(other)} was begun in {self.shards}: "
                    "give another data.init_args.folder, or delete that one"
                )
        else:
            write_atomic(path, json.dumps(self.card, indent=1))

    def member_of(self, shard: int) -> int:
        """Return which member writes a shard."""
        return shard % self.members

    def _path(self, shard: int) -> Path:
        return self.shards / f"{shard:06d}.json"

    def has(self, shard: int) -> bool:
        """Whether a shard is there already."""
        return self._path(shard).is_file()

    def write(self, shard: int, lm: PreTrainedModel, kind: str) -> int:
        """Sample one shard with a member's weights; return its tokens."""
        from lit_research.lm.engines import TransformersEngine

        args, tokenizer = self.data.hparams, self.data.tokenizer
        size = self.data.shard_size(shard)
        texts = sample_texts(
            TransformersEngine(lm, tokenizer, batch_size=size),
            size,
            max_tokens=args["max_tokens"],
            temperature=args["temperature"],
            seed=args["pool_seed"] * 1_000_003 + shard,
        )
        rows = [
            {
                "text": tokenizer.decode(tokens, skip_special_tokens=True),
                "id": f"{shard:06d}-{row}",
                "source_id": f"member {self.member_of(shard)}",
                "kind": kind,
            }
            for row, tokens in enumerate(texts)
        ]
        count = sum(map(len, texts))
        write_atomic(self._path(shard), json.dumps({"tokens": count, "rows": rows}))
        return count

    def finish(self) -> None:
        """Write the ``datasets`` folder from all shards; empty texts are left out.

        A whole one of this pool stays as it is: a student may be reading it.
        """
        from filelock import FileLock

        with FileLock(f"{self.folder}.finish.lock"):
            if self._is_finished():
                rank_zero_info(f"Teacher pool: complete already, in {self.folder}")
                return
            self._join_shards()

    def _is_finished(self) -> bool:
        path = self.folder / CARD
        card = json.loads(path.read_text()) if path.is_file() else {}
        return all(card.get(key) == value for key, value in self.card.items())

    def _join_shards(self) -> None:
        from datasets import Dataset

        shards = [json.loads(self._path(n).read_text()) for n in self.data.shards]
        rows = [row for shard in shards for row in shard["rows"] if row["text"]]
        tokens = sum(shard["tokens"] for shard in shards)
        write_documents(Dataset.from_list(rows), self.folder, {**self.card, "tokens": tokens})
        rank_zero_info(f"Teacher pool: {len(rows)} texts, {tokens} tokens, in {self.folder}")
