"""Text from a language model that may be longer than its context.

The paper samples its teachers from the begin-of-text token alone, at temperature 1 (Kim et al.
2025, distillation); the length limit is not in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from lit_research.errors import UserError
from lit_research.lm.engines import Completion, Engine, Prompts, Sampling


@dataclass
class _Text:
    prompt: list[int]
    seed: int
    tokens: list[int] = field(default_factory=list)
    ended: bool = False
    error: str | None = None

    def is_open(self, most: int) -> bool:
        """Return whether there is more to write."""
        return not self.ended and self.error is None and len(self.tokens) < most


class BeyondContext(Engine):
    """An engine whose texts go on where they fill the model's context, from its last half.

    A model of short context then writes the middle of documents too, not beginnings alone. Each
    text ends where the model ends it or at ``max_new_tokens``; its token ids leave the end-of-text
    token out, since the next stretch would have to read it.

    Args:
        engine: of the model that writes.
        tokenizer: the model's.
        context: tokens that the model can read.
    """

    def __init__(self, engine: Engine, tokenizer: Any, context: int) -> None:
        self.engine, self.weight_version = engine, engine.weight_version
        self.tokenizer, self.context = tokenizer, context

    def card(self) -> dict[str, Any]:
        """Return a hash of the weights."""
        return {**self.engine.card(), "engine": type(self).__name__}

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return a completion of every prompt; see ``Engine.generate``.

        Raises:
            UserError: a prompt is a text, ``n`` is not 1, or there are stop strings.
        """
        seed, most = sampling.seed, sampling.max_new_tokens
        if sampling.n != 1 or sampling.stop or any(isinstance(prompt, str) for prompt in prompts):
            raise UserError(
                f"n is {sampling.n} and stop {list(sampling.stop)}, in generate of BeyondContext; "
                "it takes prompts of token ids, n 1 and no stop strings"
            )
        seeds = [seed] * len(prompts) if isinstance(seed, int) else seed
        texts = [_Text(list(p), s) for p, s in zip(prompts, seeds, strict=True)]  # type: ignore[arg-type]
        turn = 0
        while open_texts := [text for text in texts if text.is_open(most)]:
            # A seed of its own for each turn: the same numbers again would repeat themselves.
            if isinstance(seed, int):
                turn_seed: int | list[int] = _turn_seed(seed, turn)
            else:
                turn_seed = [_turn_seed(text.seed, turn) for text in open_texts]
            self._lengthen(open_texts, replace(sampling, seed=turn_seed))
            turn += 1
        return [[self._completion(text, index)] for index, text in enumerate(texts)]

    def _lengthen(self, texts: list[_Text], sampling: Sampling) -> None:
        """Write the next stretch of each text."""
        most = sampling.max_new_tokens
        prompts = [[*text.prompt, *text.tokens][-(self.context // 2) :] for text in texts]
        room = min(self.context - max(map(len, prompts)), most)
        done = self.engine.complete(prompts, replace(sampling, max_new_tokens=room))
        for text, [completion] in zip(texts, done, strict=True):
            text.error = completion.finish_reason if completion.failed else None
            text.ended = completion.finish_reason == "stop"
            new = completion.token_ids[: -1 if text.ended else None]
            text.tokens += new[: most - len(text.tokens)]

    def _completion(self, text: _Text, index: int) -> Completion:
        written = self.tokenizer.decode(text.tokens, skip_special_tokens=True)
        assert isinstance(written, str)
        return Completion(
            text=written,
            token_ids=tuple(text.tokens),
            log_probs=(),
            finish_reason=text.error or ("stop" if text.ended else "length"),
            weight_version=self.weight_version,
            prompt_index=index,
        )


def _turn_seed(seed: int, turn: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{turn}".encode(), digest_size=4).digest(), "big")
