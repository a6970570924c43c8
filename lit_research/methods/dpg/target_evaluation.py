"""``TargetEvaluation``: evaluate the generator by a fresh target, trained on fresh texts."""

from __future__ import annotations

from typing import Any

from lightning.pytorch.utilities import rank_zero_info

from lit_research.figures import add_picture, add_text, code_block
from lit_research.methods.dpg.policy import Policy
from lit_research.metrics import gather_objects
from lit_research.seeds import numbered_seed

SHOWN = 4  # texts in the log


class TargetEvaluation:
    """Collects the texts of an evaluation, then trains one target on all of them.

    Args:
        module: the module whose generator is evaluated.
        stage: ``val`` or ``test``.
    """

    def __init__(self, module: Policy, stage: str) -> None:
        self.module, self.stage = module, stage
        self.by_prompt: dict[int, list[str]] = {}

    def add(self, batch: dict[str, Any]) -> None:
        """Generate texts for the prompts of a batch.

        Given the weights they are always the same, however prompts are divided into batches and
        processes.
        """
        module = self.module
        n = module.hparams["test_rounds"] or module.hparams["rollouts"]
        which = 1 if self.stage == "val" else 2
        base = numbered_seed(module.hparams["seed"], 0) * 4_096 + which * 2**48
        written = module.write(batch["prompts"], n, [base + number for number in batch["ids"]])
        for completion in written:
            number = batch["ids"][completion.prompt_index]
            self.by_prompt.setdefault(number, []).append(completion.text)

    def finish(self) -> None:
        """Train the target; log Phi, what the metric reports, a picture and some texts."""
        module = self.module
        by_prompt: dict[int, list[str]] = {}
        for of_rank in gather_objects(self.by_prompt):
            by_prompt |= of_rank
        texts = [text for number in sorted(by_prompt) for text in by_prompt[number]]
        run, phi = module.attributor.run(texts)
        numbers = {"phi": phi, **module.numbers(run)}
        for name, value in numbers.items():
            module.log_result(f"{self.stage}/{name}", value, prog_bar=name != "phi")
        with module.trained(run) as target:
            picture, text = module.metric.picture(target), module.metric.read(target)
        if text is not None:
            rank_zero_info(f"Read in the target: {text}")
        add_picture(module.trainer, f"{self.stage}/target", picture)
        shown = "\n\n".join(code_block(text) for text in texts[:SHOWN])
        add_text(module.trainer, f"{self.stage}/texts", shown)
