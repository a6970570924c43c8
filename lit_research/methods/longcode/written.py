"""Solvers that write their answer, by any engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lit_research.lm.engines import Completion, Engine, Sampling
from lit_research.methods.longcode.asking import (
    AskedQuestion,
    AskedRepair,
    QuestionSolver,
    RepairSolver,
    Reply,
)

# Servers say in many words that a prompt is too long; all of them name the context or its length.
_TOO_LONG = ("context", "maximum length", "max_model_len", "too long", "too many tokens")


class _Writer:
    """Asks an engine, and reads what became of each prompt.

    Args:
        engine: writes the answers.
        sampling: without a seed.
    """

    def __init__(self, engine: Engine, sampling: Sampling) -> None:
        self.engine, self.sampling = engine, sampling

    def card(self, name: str) -> dict[str, Any]:
        """Return what determines the answers."""
        sampling = {**vars(self.sampling), "stop": list(self.sampling.stop)}
        return {"solver": name, **self.engine.card(), "sampling": sampling}

    def write(self, prompts: list[str], seeds: list[int]) -> list[Reply]:
        """Return a reply to each prompt."""
        options = {**vars(self.sampling), "seed": seeds}
        return [_reply(one) for [one] in self.engine.generate(prompts, **options)]


def _reply(completion: Completion) -> Reply:
    details: dict[str, Any] = {
        "finish_reason": completion.finish_reason,
        "prompt_tokens": completion.prompt_tokens,
        "new_tokens": completion.new_tokens or len(completion.token_ids) or None,
    }
    if completion.failed:
        is_too_long = any(sign in completion.finish_reason.lower() for sign in _TOO_LONG)
        return Reply("", "refused" if is_too_long else "infrastructure", details=details)
    return Reply(completion.text, details=details)


class WrittenAnswer(QuestionSolver):
    """Writes an answer to each question, whose last line is read by a rule.

    Args:
        engine: such as ``OpenAIEngine``, for a server, or ``FolderEngine``; with ``chat`` for an
            instruction model.
        max_new_tokens: longest answer; a budget of hidden reasoning is the server's to set.
        temperature: of the sampling; 0 takes the likeliest token.
        top_p: of the sampling.

    Raises:
        UserError: a value is out of its range.
    """

    contexts_together = True

    def __init__(
        self,
        engine: Engine,
        max_new_tokens: int = 1024,
        temperature: float = 0.0,
        top_p: float = 1.0,
    ) -> None:
        self._writer = _Writer(engine, Sampling(max_new_tokens, temperature, top_p))
        self.batch_size = engine.batch_size

    def card(self) -> dict[str, Any]:
        """Return the engine's card and the sampling."""
        return self._writer.card(type(self).__name__)

    def answer(self, asked: Sequence[AskedQuestion]) -> list[Reply]:
        """Return what the engine writes."""
        return self._writer.write([one.prompt for one in asked], [one.seed for one in asked])


class WrittenPatch(RepairSolver):
    """Writes a patch, or edits, for each fault. Takes the arguments of ``WrittenAnswer``."""

    def __init__(
        self,
        engine: Engine,
        max_new_tokens: int = 8192,
        temperature: float = 0.0,
        top_p: float = 1.0,
    ) -> None:
        self._writer = _Writer(engine, Sampling(max_new_tokens, temperature, top_p))
        self.batch_size = engine.batch_size

    def card(self) -> dict[str, Any]:
        """Return the engine's card and the sampling."""
        return self._writer.card(type(self).__name__)

    def repair(self, asked: Sequence[AskedRepair]) -> list[Reply]:
        """Return what the engine writes."""
        return self._writer.write([one.prompt for one in asked], [one.seed for one in asked])
