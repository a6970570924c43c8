"""A fresh target, trained on fresh texts: what the generator can do, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightning.pytorch.utilities import rank_zero_info

from lit_research.figures import add_picture, add_text, code_block
from lit_research.methods.dpg.inner import gathered

if TYPE_CHECKING:
    from lit_research.methods.dpg.module import DatasetPolicyGradient

SHOWN = 4  # texts


class FreshTarget:
    """Collects the texts of an evaluation; then trains a target on all of them, once.

    Args:
        module: whose generator is evaluated.
        stage: ``val`` or ``test``.
    """

    def __init__(self, module: DatasetPolicyGradient, stage: str) -> None:
        self.module, self.stage = module, stage
        self.texts: list[str] = []

    def add(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Write texts for the prompts of a batch; always the same ones, given the weights."""
        module = self.module
        n = module.hparams["test_rounds"] or module.hparams["rollouts"]
        which = 1 if self.stage == "val" else 2
        base = (module.hparams["seed"] * 1_000_003 + batch_idx) * 4_096 + module.global_rank
        seed = base + which * 2**48
        self.texts += [c.text for c in module.write(batch["prompts"], n, seed)]

    def finish(self) -> None:
        """Train the target; log Phi, what the metric reports, a picture and some texts."""
        module = self.module
        run, phi = module.attributor.run(gathered(self.texts)[0])
        numbers = {"phi": phi, **module.numbers(run)}
        for name, value in numbers.items():
            module.log(f"{self.stage}/{name}", value, prog_bar=name != "phi", sync_dist=True)
        with module.trained(run) as target:
            picture, text = module.metric.picture(target), module.metric.read(target)
        if text is not None:
            rank_zero_info(f"Read in the target: {text}")
        add_picture(module.trainer, f"{self.stage}/target", picture)
        shown = "\n\n".join(code_block(text) for text in self.texts[:SHOWN])
        add_text(module.trainer, f"{self.stage}/texts", shown)
