"""The verbs that Lightning's trainer lacks: ``export`` and ``generate``, for a trained run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl

from lit_research.errors import UserError
from lit_research.experiments.command import Command
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range


class ResearchTrainer(pl.Trainer):
    """Lightning's trainer with two verbs more. Neither logs, nor writes into a run's folder.

    Attributes:
        command: runs another command line, for a method whose steps are runs of their own.
    """

    command: Command | None = None

    def _load(self, model: Any, datamodule: Any, ckpt_path: str | None) -> None:
        """Build the model and load its weights, as ``predict`` does, without a batch."""
        self.limit_predict_batches = 0
        self.predict(model, datamodule=datamodule, ckpt_path=ckpt_path, weights_only=True)

    def export(
        self,
        model: Any,
        folder: str,
        ckpt_path: str | None = None,
        datamodule: Any = None,
        weights_only: bool | None = None,
    ) -> None:
        """Write a checkpoint as a transformers folder.

        Args:
            model: the method.
            folder: where to write.
            ckpt_path: the checkpoint: a file, or ``last``.
            datamodule: its data, for the tokenizer.
            weights_only: as in the other verbs, whose saved configs hold it; always true here.
        """
        if not hasattr(model, "export_hf"):
            raise UserError(f"{type(model).__name__} cannot be exported: it has no export_hf")
        self._load(model, datamodule, ckpt_path)
        model.export_hf(folder)
        print(f"Exported to {folder}")  # noqa: T201 - what the verb is for

    def generate(
        self,
        model: Any,
        prompts: Sequence[str] = ("The ",),
        max_new_tokens: int = 64,
        temperature: float = 0.8,
        seed: int = 0,
        ckpt_path: str | None = None,
        datamodule: Any = None,
        weights_only: bool | None = None,
    ) -> None:
        """Continue prompts with a checkpoint and print the texts.

        Args:
            model: the method.
            prompts: texts to continue.
            max_new_tokens: tokens to write after each.
            temperature: of the sampling; 0 takes the likeliest token.
            seed: of the sampling.
            ckpt_path: the checkpoint: a file, or ``last``.
            datamodule: its data, for the tokenizer.
            weights_only: as in the other verbs, whose saved configs hold it; always true here.
        """
        if not hasattr(model, "sample"):
            raise UserError(f"{type(model).__name__} cannot generate: it has no method sample")
        if getattr(datamodule, "tokenizer", None) is None:
            raise UserError(
                f"{type(datamodule).__name__} has no tokenizer, in data; generate needs one to "
                "read prompts"
            )
        if not prompts:
            raise UserError(f"prompts is {list(prompts)}, in generate; must be at least one")
        check_range(COUNT, "in generate", max_new_tokens=max_new_tokens)
        check_range(NOT_NEGATIVE, "in generate", temperature=temperature)
        self._load(model, datamodule, ckpt_path)
        options: dict[str, Any] = {"max_new_tokens": max_new_tokens, "temperature": temperature}
        for prompt, text in zip(
            prompts, model.sample(list(prompts), seed=seed, **options), strict=True
        ):
            print(f"{prompt}{text}\n")  # noqa: T201 - what the verb is for
