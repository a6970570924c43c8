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
    Solver,
)

# Servers say in many words that a prompt is too long; all of them name the context or its length.
_TOO_LONG = ("context", "maximum length", "max_model_len", "too long", "too many tokens")


class _Written(Solver):
    """Asks an engine, and says what became of each prompt."""

    def __init__(
        self,
        engine: Engine,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
    ) -> None:
        self.engine = engine
        self.sampling = Sampling(max_new_tokens, temperature, top_p)

    def card(self) -> dict[str, Any]:
        """Return the engine's card and the sampling."""
        sampling = {**vars(self.sampling), "stop": list(self.sampling.stop)}
        return {"solver": type(self).__name__, **self.engine.card(), "sampling": sampling}

    def _write(self, asked: Sequence[AskedQuestion] | Sequence[AskedRepair]) -> list[Reply]:
        options = {**vars(self.sampling), "seed": [one.seed for one in asked]}
        written = self.engine.generate([one.prompt for one in asked], **options)
        return [_reply(completion) for [completion] in written]


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


class WrittenAnswer(_Written, QuestionSolver):
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

    def __init__(
        self,
        engine: Engine,
        max_new_tokens: int = 1024,
        temperature: float = 0.0,
        top_p: float = 1.0,
    ) -> None:
        super().__init__(engine, max_new_tokens, temperature, top_p)

    def answer(self, asked: Sequence[AskedQuestion]) -> list[Reply]:
        """Return what the engine writes."""
        return self._write(asked)


class WrittenPatch(_Written, RepairSolver):
    """Writes a patch, or edits, for each fault. Takes the arguments of ``WrittenAnswer``."""

    def __init__(
        self,
        engine: Engine,
        max_new_tokens: int = 8192,
        temperature: float = 0.0,
        top_p: float = 1.0,
    ) -> None:
        super().__init__(engine, max_new_tokens, temperature, top_p)

    def repair(self, asked: Sequence[AskedRepair]) -> list[Reply]:
        """Return what the engine writes."""
        return self._write(asked)
