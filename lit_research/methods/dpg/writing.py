"""``DataSetWriter``: the data set that ``predict`` writes, one shard per batch of prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lit_research.generation import Prompt, TextJob, finish_together
from lit_research.lm import weights_fingerprint
from lit_research.lm.engines import Sampling
from lit_research.methods.base import datamodule
from lit_research.methods.dpg.policy import Policy
from lit_research.seeds import numbered_seed


class DataSetWriter:
    """Writes n texts for every prompt; an interrupted run resumes with equal results.

    Args:
        module: the module whose generator writes.
        folder: folder of the data set; None is ``predict-step=N/texts`` in the run's folder.

    Raises:
        UserError: the folder holds another data set.
    """

    def __init__(self, module: Policy, folder: str | None) -> None:
        self.module = module
        args, data = module.hparams, datamodule(module.trainer)
        keys = ("rollouts", "max_new_tokens", "temperature", "seed")
        card = {
            **{key: args[key] for key in keys},
            **{key: data.hparams[key] for key in ("batch_size", "template", "source")},
            "prompts": len(data.prompts["train"]),
            "weights": weights_fingerprint(module.generator),
        }
        target = folder or Path(module.trainer.log_dir or ".") / "texts"
        self._job = TextJob(target, card, kind="dpg", where="model.init_args.output")
        self._count = len(data.shards)

    def write(self, batch: dict[str, Any]) -> int:
        """Write the texts of a shard, unless it exists; return their number."""
        args, shard = self.module.hparams, batch["shard"]
        if self._job.has(shard):
            return 0
        sampling = Sampling(
            args["max_new_tokens"],
            args["temperature"],
            seed=3 * 2**48 + numbered_seed(args["seed"], 0) * 4_096 + shard,
        )
        # One prompt per text; texts are numbered within their shard.
        pairs = zip(batch["ids"], batch["prompts"], strict=True)
        repeated = [pair for pair in pairs for _ in range(args["rollouts"])]
        prompts = [
            Prompt(tokens, id=f"{shard:06d}-{row}", source_id=f"prompt {number}")
            for row, (number, tokens) in enumerate(repeated)
        ]
        engine = self.module.engine_of(self.module.generator)
        return len(self._job.write(shard, engine, prompts, sampling))

    def finish(self) -> None:
        """Complete the folder, once all shards are written."""
        finish_together(self._job, self._count, self.module.trainer)
