"""Unconditional text from a language model, longer than its context where need be.

The paper samples its teachers from the begin-of-text token alone, at temperature 1 (Kim et al.
2025, distillation); the length limit is not in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lit_research.errors import UserError

if TYPE_CHECKING:
    from lit_research.lm.engines import TransformersEngine


@dataclass
class _Text:
    tokens: list[int] = field(default_factory=list)
    ended: bool = False


def sample_texts(
    engine: TransformersEngine,
    count: int,
    *,
    max_tokens: int,
    temperature: float = 1.0,
    seed: int,
) -> list[list[int]]:
    """Return the token ids of ``count`` texts, the end-of-text token left out.

    Each begins after an end-of-text token, which is what begins a document in training, and ends
    where the model ends it or at ``max_tokens``. A text that fills the context goes on from its
    last half, so that a model of short context writes the middle of documents too, not beginnings
    alone.

    Args:
        engine: over the model that writes; the same seed gives the same texts.
        count: number of texts.
        max_tokens: longest text.
        temperature: 1 is the model's own distribution.
        seed: of the random numbers.

    Raises:
        UserError: a text could not be sampled.
    """
    begin = engine.tokenizer.eos_token_id
    context = engine.model.config.max_position_embeddings
    kept = context // 2
    texts, turn = [_Text() for _ in range(count)], 0
    while open_texts := [t for t in texts if not t.ended and len(t.tokens) < max_tokens]:
        prompts = [([begin, *t.tokens])[-kept:] for t in open_texts]
        most = min(context - max(map(len, prompts)), max_tokens)
        # A seed of its own for each turn: the same numbers again would repeat themselves.
        done = engine.generate(
            prompts,
            max_new_tokens=most,
            temperature=temperature,
            seed=_turn_seed(seed, turn),
        )
        for text, [completion] in zip(open_texts, done, strict=True):
            if completion.failed:
                raise UserError(f"cannot sample a text: {completion.finish_reason}")
            text.ended = completion.finish_reason == "stop"
            new = completion.token_ids[: -1 if text.ended else None]
            text.tokens += new[: max_tokens - len(text.tokens)]
        turn += 1
    return [t.tokens for t in texts]


def _turn_seed(seed: int, turn: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{turn}".encode(), digest_size=4).digest(), "big")
