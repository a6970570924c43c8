"""``FolderEngine``: a frozen model from a folder or the hub, loaded when it is first asked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from lit_research.lm.engines.base import Completion, Engine, Prompts, Sampling, collect
from lit_research.lm.engines.chat import check_chat, template_of
from lit_research.lm.engines.in_process import TransformersEngine
from lit_research.ranges import COUNT, check_range


class FolderEngine(Engine):
    """Sample from a model that no one trains, on the GPU where there is one.

    The model is loaded at the first call, so that a config that names it costs nothing until then.

    Args:
        folder: a checkpoint folder of transformers, or a name on the hub.
        batch_size: sequences that run together.
        dtype: of the weights, such as ``bfloat16``.
        device: such as ``cuda:1``; None takes a GPU where there is one.
        chat: whether each prompt is a user's message, which the tokenizer's template renders.
        system: the message before each of them; for a chat.

    Raises:
        UserError: ``batch_size`` is below 1. At the first call: the folder holds no model, or one
            without a template for a chat.
    """

    def __init__(
        self,
        folder: str,
        batch_size: int = 32,
        dtype: str = "bfloat16",
        device: str | None = None,
        chat: bool = False,
        system: str | None = None,
    ) -> None:
        check_range(COUNT, "of FolderEngine", batch_size=batch_size)
        check_chat(chat, system, "of FolderEngine")
        self.chat, self.system = chat, system
        self.folder, self.batch_size, self.dtype, self.device = folder, batch_size, dtype, device

    @cached_property
    def loaded(self) -> TransformersEngine:
        """The engine over the loaded model."""
        import torch

        from lit_research.lm.folders import load_lm
        from lit_research.text import load_tokenizer

        tokenizer = load_tokenizer(self.folder)
        if self.chat:
            template_of(tokenizer, f"of FolderEngine, in {self.folder!r}")
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        model = load_lm(self.folder, dtype=self.dtype).eval().to(device)
        return TransformersEngine(
            model,
            tokenizer,
            batch_size=self.batch_size,
            chat=self.chat,
            system=self.system,
        )

    @property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        return self.loaded.tokenizer

    def __str__(self) -> str:
        return f"{type(self).__name__} of {self.folder}"

    def card(self) -> dict[str, Any]:
        """Return a hash of the weights, and the chat if there is one."""
        return {**self.loaded.card(), "engine": type(self).__name__}

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return completions of every prompt; see ``Engine.generate``."""
        return collect(self.stream(prompts, sampling), len(prompts))

    def stream(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        """Yield the completions of each batch; see ``Engine.stream``."""
        self.loaded.weight_version = self.weight_version
        return self.loaded.stream(prompts, sampling)
