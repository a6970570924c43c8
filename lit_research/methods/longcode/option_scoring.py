"""How likely a language model finds each option: by its letter, and by its text.

All prompts of a call are scored together, so that what they share is read once: the code that
several questions are about, the question that is put in four rotations, the prompt of four options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from lit_research.errors import UserError, nearest
from lit_research.lm import PREFILL_CHUNK, context_length, score_continuations
from lit_research.methods.longcode.items import LETTERS

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ScoreRule: TypeAlias = Literal["letter", "text", "text_per_byte"]
"""What is compared: log-probabilities of the letters, of the options' texts, or of the texts
divided by their length in bytes."""
SCORE_RULES: tuple[ScoreRule, ...] = get_args(ScoreRule)


@dataclass(frozen=True)
class OptionPrompt:
    """A question in one rotation, as tokens.

    Attributes:
        item: id of the question.
        rotation: places by which the options are moved.
        prompt: token ids up to the answer.
        letters: token ids of each letter, as the answer.
        texts: token ids of each option's text, as the answer, in the order shown; empty if they are
            not to be scored.
        sizes: bytes of UTF-8 of each option's text.
    """

    item: str
    rotation: int
    prompt: list[int]
    letters: list[list[int]]
    texts: list[list[int]]
    sizes: tuple[int, ...]

    @property
    def longest(self) -> int:
        """Tokens that a model reads at most: the last of an answer is not read."""
        return len(self.prompt) + max(map(len, [*self.letters, *self.texts])) - 1


@dataclass(frozen=True)
class OptionScores:
    """Log-probabilities in nats of a question's options in one rotation, in the order shown.

    Attributes:
        item: id of the question.
        rotation: places by which the options are moved.
        letters: of the letters; None if the question was refused.
        texts: of the texts; None if it was refused, or they were not scored.
        sizes: bytes of each text.
        refusal: why it was not scored; None if it was.
    """

    item: str
    rotation: int
    letters: tuple[float, ...] | None
    texts: tuple[float, ...] | None
    sizes: tuple[int, ...]
    refusal: str | None = None

    def by(self, rule: ScoreRule) -> tuple[float, ...] | None:
        """Return the scores that a rule compares; None where there are none."""
        if rule == "letter" or self.texts is None:
            return self.letters if rule == "letter" else None
        if rule == "text":
            return self.texts
        pairs = zip(self.texts, self.sizes, strict=True)
        return tuple(score / max(size, 1) for score, size in pairs)

    def chosen(self, rule: ScoreRule) -> int | None:
        """Return the index of the option with the highest score, as shown; of equals the first."""
        scores = self.by(rule)
        return None if scores is None else int(np.argmax(scores))


def encode_prompt(
    tokenizer: Any,
    item: str,
    rotation: int,
    prompt: str,
    options: Sequence[str],
    *,
    texts: bool = True,
) -> OptionPrompt:
    """Return a question as tokens, as the lm-evaluation-harness makes them.

    The answer follows after a space. Prompt and answer are encoded as one text, and the answer's
    tokens are those beyond the number of tokens of the prompt alone; white space at the end of the
    prompt belongs to the answer.

    Args:
        tokenizer: the model's.
        item: id of the question.
        rotation: places by which the options are moved.
        prompt: all that the model reads.
        options: their texts in the order shown.
        texts: whether these are to be scored in addition to the letters.

    Raises:
        UserError: the prompt is empty, or an option has no tokens of its own.
    """
    stem = prompt.rstrip()
    answers = [*LETTERS, *(options if texts else ())]
    rest = prompt[len(stem) :]
    encoded = tokenizer(
        [stem, *(f"{stem}{rest} {answer}" for answer in answers)],
        add_special_tokens=False,
        verbose=False,
    )["input_ids"]
    first, tails = encoded[0], [ids[len(encoded[0]) :] for ids in encoded[1:]]
    if not first or not all(tails):
        what = "an option has no tokens" if first else "the prompt has no tokens"
        raise UserError(f"{what}, of the question {item!r} in encode_prompt; must have some")
    count = len(LETTERS)
    sizes = tuple(len(option.encode()) for option in options)
    return OptionPrompt(item, rotation, first, tails[:count], tails[count:], sizes)


def check_context(model: PreTrainedModel, shortest: int, where: str) -> None:
    """Refuse a model that cannot read even the shortest prompts of an exam.

    Args:
        model: to be asked.
        shortest: tokens of the shortest step of the exam.
        where: who asks.

    Raises:
        UserError: its positions end before that.
    """
    context = context_length(model)
    if context is not None and context < shortest:
        raise UserError(
            f"the model's context has {context} tokens and the shortest prompts {shortest}, "
            f"{where}; must be at least as many: give shorter prompts or another model"
        )


def score_options(
    model: PreTrainedModel,
    prompts: Sequence[OptionPrompt],
    *,
    chunk: int = PREFILL_CHUNK,
    batch_size: int = 8,
    progress: Callable[[int], None] | None = None,
) -> list[OptionScores]:
    """Return the scores of every option of every question, in the order given.

    A question that does not fit into the model's context with the longest of its answers is
    refused, and the others are scored.

    Args:
        model: a causal language model of transformers.
        prompts: the questions; those of one call share what they have in common.
        chunk: tokens that are read in one pass.
        batch_size: answers that are read side by side.
        progress: called with the number of answers that have been scored since.
    """
    context = context_length(model)
    fits = [context is None or one.longest <= context for one in prompts]
    texts = [
        (one.prompt, answer)
        for one, fit in zip(prompts, fits, strict=True)
        if fit
        for answer in (*one.letters, *one.texts)
    ]
    scored = score_continuations(
        model, texts, chunk=chunk, batch_size=batch_size, progress=progress
    )
    totals = iter([float(scores.double().sum()) for scores in scored])
    results = []
    for one, fit in zip(prompts, fits, strict=True):
        if fit:
            letters = tuple(next(totals) for _ in one.letters)
            of_texts = tuple(next(totals) for _ in one.texts) or None
            results.append(OptionScores(one.item, one.rotation, letters, of_texts, one.sizes))
        else:
            why = f"prompt and answer have {one.longest} tokens and the model's context {context}"
            results.append(
                OptionScores(one.item, one.rotation, None, None, one.sizes, f"context: {why}")
            )
    return results


def over_rotations(scores: Sequence[OptionScores], rule: ScoreRule) -> tuple[float, ...] | None:
    """Return an item's mean scores over its rotations, in the order of rotation 0.

    Scores of a rotation are first made log-probabilities among the options, so that no rotation
    counts for more. A preference for a letter cancels where all four rotations are there.

    Args:
        scores: of one item, one for each rotation.
        rule: what is compared.

    Returns:
        The mean scores; None if a rotation was refused or has none.

    Raises:
        UserError: the scores are of several items, or there are none.
    """
    if rule not in SCORE_RULES:
        raise UserError(f"rule is {rule!r}, in over_rotations; {nearest(rule, SCORE_RULES)}")
    names = sorted({one.item for one in scores})
    if len(names) != 1:
        raise UserError(f"scores are of the items {names}, in over_rotations; must be of one item")
    rows = []
    for one in scores:
        values = one.by(rule)
        if values is None:
            return None
        array = np.asarray(values)
        array = array - np.logaddexp.reduce(array)
        # Rotation r shows option o at place o + r.
        rows.append(np.roll(array, -one.rotation))
    return tuple(np.mean(rows, axis=0).tolist())
