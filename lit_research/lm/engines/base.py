"""What every engine takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from lit_research.errors import UserError
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range

Prompts: TypeAlias = "Sequence[str] | Sequence[Sequence[int]]"
"""Texts, or the token ids of each."""


@dataclass(frozen=True)
class Completion:
    """One continuation of one prompt, or the reason why there is none.

    Attributes:
        text: the new text, without the prompt, the stop string and special tokens.
        token_ids: the new tokens, with the one that ended the text; empty if a server keeps them.
        log_probs: log-probability of each of ``token_ids``, in nats, under the model's own
            distribution: before temperature, ``top_k`` and ``top_p``.
        finish_reason: ``stop`` (end of text, or a stop string), ``length``, or ``error: ...``.
        weight_version: the engine's ``weight_version`` when it wrote this.
        prompt_index: which of the prompts this continues.
        sample: which of the prompt's completions this is.
        prompt_tokens: length of the prompt as the model read it; None if a server does not say.
        new_tokens: tokens written, those of hidden reasoning too; None if a server does not say.
    """

    text: str
    token_ids: tuple[int, ...]
    log_probs: tuple[float, ...]
    finish_reason: str
    weight_version: int
    prompt_index: int
    sample: int = 0
    prompt_tokens: int | None = None
    new_tokens: int | None = None

    @property
    def failed(self) -> bool:
        """Whether there is no continuation; ``finish_reason`` says why."""
        return self.finish_reason.startswith("error")

    @classmethod
    def failure(
        cls, reason: str, *, weight_version: int, prompt_index: int, sample: int = 0
    ) -> Completion:
        """Return the record of a prompt that was not continued, for ``reason`` (made one line)."""
        reason = f"error: {' '.join(reason.split())}"
        return cls("", (), (), reason, weight_version, prompt_index, sample)


@dataclass(frozen=True)
class Sampling:
    """How to continue; the arguments of ``Engine.generate``, checked.

    Raises:
        UserError: a value is outside its range.
    """

    max_new_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    stop: Sequence[str] = ()
    n: int = 1
    seed: int | Sequence[int] = 0

    def __post_init__(self) -> None:
        if isinstance(self.stop, str):
            raise UserError(
                f"stop is the string {self.stop!r}, in generate; must be a tuple of strings"
            )
        where = "in generate"
        check_range(COUNT, where, max_new_tokens=self.max_new_tokens, n=self.n)
        check_range(NOT_NEGATIVE, where, temperature=self.temperature, top_k=self.top_k)
        check_range(Range(above=0, at_most=1), where, top_p=self.top_p)
        if not all(self.stop):
            raise UserError(
                f"stop is {self.stop!r}, in generate; must be strings, none of them empty"
            )


def check_prompts(prompts: Prompts) -> None:
    """Refuse one text in the place of a list of texts: its characters would be the prompts.

    Raises:
        UserError: ``prompts`` is a string.
    """
    if isinstance(prompts, str):
        raise UserError(
            f"prompts is the string {prompts!r}, in generate; must be a list of strings"
        )


def collect(parts: Iterable[tuple[int, list[Completion]]], count: int) -> list[list[Completion]]:
    """Return the completions of a stream by prompt, in the order of their samples.

    Args:
        parts: what ``Engine.stream`` yields.
        count: number of prompts.
    """
    rows: list[list[Completion]] = [[] for _ in range(count)]
    for index, part in parts:
        rows[index] += part
    return [sorted(row, key=lambda completion: completion.sample) for row in rows]


class Engine(ABC):
    """Continues prompts.

    A config names an engine by class path. One that writes with the weights that are trained is a
    ``LiveEngine``; one of a frozen model, such as a server's, is built from plain data.

    Attributes:
        weight_version: number that goes into every completion; whoever changes the weights sets it
            (to the optimiser step, say). An engine that keeps a copy of the weights renews it then.
        thread_safe: whether several threads may call ``generate`` at once.
        batch_size: completions that it writes side by side: whoever keeps what is written as it
            goes asks for about so many at a time.
        chat: whether each prompt is a user's message, which the engine or its server renders.
    """

    weight_version: int = 0
    thread_safe: bool = False
    batch_size: int = 32
    chat: bool = False

    def __str__(self) -> str:
        return type(self).__name__

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """Return what tells texts of this engine from those of another: plain JSON data."""

    def with_schema(self, schema: Mapping[str, Any]) -> Engine:
        """Return an engine whose answers are to fit a JSON schema, if it can be told to.

        Here it is this one: whoever asks says so in the prompt too, and checks what comes.
        """
        return self

    @abstractmethod
    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return ``sampling.n`` completions of every prompt, in the order of the prompts.

        What an engine is: ``generate`` has checked the arguments.
        """

    def stream(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        """Yield what ``complete`` returns as it is finished, in any order.

        Whoever keeps answers loses none that were finished if it is interrupted. Here all come at
        the end; an engine that has some earlier says so by a method of its own, from which
        ``collect`` makes its ``complete``.

        Yields:
            The index of a prompt, and completions of it: all ``sampling.n``, or those of one
            request or batch, whose ``sample`` says which they are.
        """
        for index, row in enumerate(self.complete(prompts, sampling)):
            yield index, [replace(one, sample=sample) for sample, one in enumerate(row)]

    def stream_groups(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[list[tuple[int, list[Completion]]]]:
        """Yield what ``stream`` yields in lists, so that what has come together is kept together.

        An engine that overrides this has at most ``batch_size`` answers under way or ready, those
        of the list that the caller has in hand included, so that a kill loses no more.
        """
        for part in self.stream(prompts, sampling):
            yield [part]

    def generate(
        self,
        prompts: Prompts,
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        stop: Sequence[str] = (),
        n: int = 1,
        seed: int | Sequence[int] = 0,
    ) -> list[list[Completion]]:
        """Return ``n`` completions of every prompt, in the order of the prompts.

        Args:
            prompts: texts, or token ids (which are taken as they are, with no token added).
            max_new_tokens: tokens to write at most.
            temperature: divides the logits; 0 takes the likeliest token.
            top_p: keep the smallest set of likeliest tokens with this share of the probability.
            top_k: keep this many likeliest tokens; 0 keeps all.
            stop: strings that end a text, and are not part of it.
            n: completions of each prompt.
            seed: the same seed gives the same completions; or one for each prompt, which then gets
                the same completions whatever prompts stand beside it (on another rank, say).

        Raises:
            UserError: an argument is outside its range. A prompt that cannot be continued is no
                exception but a ``Completion`` with its reason.
        """
        sampling = Sampling(max_new_tokens, temperature, top_p, top_k, stop, n, seed)
        check_prompts(prompts)
        if not isinstance(seed, int) and len(seed) != len(prompts):
            raise UserError(
                f"seed has {len(seed)} numbers and there are {len(prompts)} prompts, in generate; "
                "must be one number, or one for each prompt"
            )
        return self.complete(prompts, sampling)


class LiveEngine(Engine):
    """Continues prompts with the weights that a model of this process has at each call.

    Args:
        model: a causal language model, ``PreTrainedModel``.
        tokenizer: its tokenizer, ``PreTrainedTokenizerBase``.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer


EngineCallable: TypeAlias = Callable[[Any, Any], LiveEngine]
"""Makes the engine of a model with its tokenizer, as ``OptimizerCallable`` makes the optimiser of
parameters: in a config, the class path of a ``LiveEngine`` and its further ``init_args``."""
