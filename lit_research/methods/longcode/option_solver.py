"""``OptionLikelihood``: chooses the option that a language model finds the likeliest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lit_research.errors import UserError, nearest
from lit_research.lm import PREFILL_CHUNK, load_lm, weights_fingerprint
from lit_research.methods.longcode.asking import AskedQuestion, QuestionSolver, Reply
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.longcode.option_scoring import (
    SCORE_RULES,
    OptionScores,
    ScoreRule,
    check_context,
    encode_prompt,
    score_options,
)
from lit_research.ranges import COUNT, check_range

_WHERE = "of OptionLikelihood"


class OptionLikelihood(QuestionSolver):
    """Chooses the option with the highest log-probability; it writes nothing.

    Questions about one context are asked together and read it once. The model may be any causal
    language model of transformers, or a ``ttt_e2e`` one of this package.

    Args:
        folder: a checkpoint folder of transformers, or a name on the hub.
        rule: ``letter``, ``text`` or ``text_per_byte``: what is compared.
        dtype: of the weights, such as ``bfloat16``.
        prefill_chunk: tokens that are read in one pass.
        side_by_side: answers that are read side by side after what they share.

    Raises:
        UserError: a value is out of its range.
    """

    def __init__(
        self,
        folder: str,
        rule: ScoreRule = "letter",
        dtype: str = "float32",
        prefill_chunk: int = PREFILL_CHUNK,
        side_by_side: int = 8,
    ) -> None:
        if rule not in SCORE_RULES:
            raise UserError(f"rule is {rule!r}, {_WHERE}; {nearest(rule, SCORE_RULES)}")
        sizes = {"prefill_chunk": prefill_chunk, "side_by_side": side_by_side}
        check_range(COUNT, _WHERE, **sizes)
        self.folder, self.rule, self.dtype = folder, rule, dtype
        self.prefill_chunk, self.side_by_side = prefill_chunk, side_by_side
        self._loaded: tuple[Any, Any] | None = None

    @property
    def loaded(self) -> tuple[Any, Any]:
        """The model and its tokenizer, loaded when they are first needed."""
        if self._loaded is None:
            # Its models register with transformers when they are imported.
            import lit_research.methods.ttt  # noqa: F401
            from lit_research.text import load_tokenizer

            tokenizer = load_tokenizer(self.folder)
            self._loaded = load_lm(self.folder, dtype=self.dtype).eval(), tokenizer
        return self._loaded

    def card(self) -> dict[str, Any]:
        """Return a hash of the weights, and the rule."""
        model, _ = self.loaded
        weights = weights_fingerprint(model)
        return {"solver": type(self).__name__, "weights": weights, "rule": self.rule}

    def prepare(self, shortest: int, device: Any) -> None:
        """Load the model onto the run's device.

        Raises:
            UserError: its positions end before the shortest prompt.
        """
        model, _ = self.loaded
        check_context(model, shortest, _WHERE)
        model.to(device)

    def answer(self, asked: Sequence[AskedQuestion]) -> list[Reply]:
        """Return the letter of the likeliest option of each, with all scores as details."""
        model, tokenizer = self.loaded
        with_texts = self.rule != "letter"
        prompts = [
            encode_prompt(
                tokenizer,
                one.step.item,
                one.step.rotation,
                one.prompt,
                one.options,
                texts=with_texts,
            )
            for one in asked
        ]
        scores = score_options(
            model, prompts, chunk=self.prefill_chunk, batch_size=self.side_by_side
        )
        pairs = zip(scores, prompts, strict=True)
        return [self._reply(of_one, len(prompt.prompt)) for of_one, prompt in pairs]

    def _reply(self, scores: OptionScores, tokens: int) -> Reply:
        chosen = scores.chosen(self.rule)
        if chosen is None:
            return Reply("", "refused", details={"refusal": scores.refusal})
        details: dict[str, str | int | float | bool | None] = {"prompt_tokens": tokens}
        for rule in SCORE_RULES:
            best, values = scores.chosen(rule), scores.by(rule)
            if best is None or values is None:
                continue
            details[f"choice_{rule}"] = LETTERS[best]
            for letter, value in zip(LETTERS, values, strict=True):
                details[f"score_{rule}_{letter}"] = value
        return Reply(LETTERS[chosen], letter=LETTERS[chosen], details=details)
