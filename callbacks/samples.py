"""``Samples``: what the model writes, as text in TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.seed import isolate_rng
from typing_extensions import override

from lit_research.callbacks.needs import check_needs
from lit_research.errors import UserError
from lit_research.figures import add_text, code_block
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range


class Samples(Callback):
    """Continue a few prompts after each validation, as TensorBoard text ``samples``.

    The module writes: ``sample(prompts, *, max_new_tokens, temperature, seed) -> list[str]``. The
    seed is always the same, so that what changes is the model.

    Args:
        prompts: texts to continue.
        max_new_tokens: tokens to write after each.
        temperature: of the sampling; 0 takes the likeliest token.
        seed: of the sampling.
        every_n_validations: validations from one set of samples to the next.
    """

    def __init__(
        self,
        prompts: Sequence[str] = ("The ",),
        max_new_tokens: int = 64,
        temperature: float = 0.8,
        seed: int = 0,
        every_n_validations: int = 1,
    ) -> None:
        where = "in Samples"
        if not prompts:
            raise UserError(f"prompts is {list(prompts)}, {where}; must be at least one")
        check_range(
            COUNT, where, max_new_tokens=max_new_tokens, every_n_validations=every_n_validations
        )
        check_range(NOT_NEGATIVE, where, temperature=temperature)
        self.prompts = list(prompts)
        self.options = {"max_new_tokens": max_new_tokens, "temperature": temperature, "seed": seed}
        self.every_n_validations = every_n_validations
        self._validations = 0

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage not in ("fit", "validate"):  # where nothing is written
            return
        if not hasattr(pl_module, "sample"):
            raise UserError(
                f"{type(pl_module).__name__} has no method sample, for Samples: add one, or take "
                "the callback out of trainer.callbacks"
            )
        check_needs(trainer, pl_module, "sample", "Samples")

    @override
    @rank_zero_only
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        self._validations += 1
        if self._validations % self.every_n_validations == 0:
            with isolate_rng():  # training must not feel it, least of all on this rank alone
                texts = pl_module.sample(self.prompts, **self.options)  # type: ignore[operator]
            pairs = zip(self.prompts, texts, strict=True)
            add_text(trainer, "samples", "\n\n".join(code_block(p + text) for p, text in pairs))
