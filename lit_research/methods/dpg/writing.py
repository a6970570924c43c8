"""The data set that ``predict`` writes, one shard a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lit_research.lm import weights_fingerprint
from lit_research.methods.base import datamodule
from lit_research.methods.dpg.policy import Policy
from lit_research.text import TextShards


class DataSetWriter:
    """Writes n texts for every prompt; the same ones, however often it is interrupted.

    Args:
        module: whose generator writes.
        folder: of the data set; None is ``predict-step=N/texts`` in the run's folder.

    Raises:
        UserError: another data set was begun there.
    """

    def __init__(self, module: Policy, folder: str | None) -> None:
        self.module = module
        args, data = module.hparams, datamodule(module.trainer).hparams
        keys = ("rollouts", "max_new_tokens", "temperature", "seed")
        card = {
            **{key: args[key] for key in keys},
            **{key: data[key] for key in ("batch_size", "template", "source")},
            "prompts": len(datamodule(module.trainer).prompts["train"]),
            "processes": module.trainer.world_size,
            "weights": weights_fingerprint(module.generator),
        }
        place = folder or str(Path(module.trainer.log_dir or ".") / "texts")
        self._shards = TextShards(place, card, where="model.init_args.output")
        self._batches = 0

    def _shard(self, batch_idx: int) -> int:
        return batch_idx * self.module.trainer.world_size + self.module.global_rank

    def write(self, batch: dict[str, Any], batch_idx: int) -> int:
        """Write the texts of a batch, unless they are there; return their number."""
        module, n = self.module, self.module.hparams["rollouts"]
        shard = self._shard(batch_idx)
        self._batches = max(self._batches, batch_idx + 1)
        if self._shards.has(shard):
            return 0
        seed = 3 * 2**48 + module.hparams["seed"] * 1_000_003 * 4_096 + shard
        written = module.write(batch["prompts"], n, seed)
        rows = [
            {
                "text": one.text,
                "id": f"{shard:06d}-{row}",
                "source_id": f"prompt {batch['ids'][one.prompt_index]}",
                "kind": "dpg",
            }
            for row, one in enumerate(written)
        ]
        self._shards.write(shard, rows, sum(len(one.token_ids) for one in written))
        return len(rows)

    def finish(self) -> None:
        """Write the folder, in the first process, when all have come so far."""
        module = self.module
        module.trainer.strategy.barrier()
        if module.trainer.is_global_zero:
            self._shards.finish(self._batches * module.trainer.world_size)
