"""``StoredEngine``: another engine, whose answers are kept so that none is asked for twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import asdict, replace
from typing import Any, Literal, TypeAlias

from lit_research.errors import UserError
from lit_research.lm.engines.base import Completion, Engine, Prompts, Sampling, collect
from lit_research.lm.store import Answer, AnswerStore
from lit_research.seeds import derive_seed
from lit_research.storage import content_hash

AGAIN = ("truncated", "never")

_Part: TypeAlias = "tuple[int, list[Completion]]"  # of a stream


class StoredEngine(Engine):
    """Answer from a store; ask another engine for what it lacks, and keep each answer as it comes.

    An answer is kept under a hash of the engine's card and weight version, the prompt, the
    sampling, and its place: the prompt's seed (with one seed for all prompts, the index too) and
    the number of the sample. A run that is killed and started again asks for what is missing alone,
    and one that reads the answers in another way asks for nothing. Failures are not kept. The texts
    are the engine's own, given one seed for each prompt, but for samples that are asked for one by
    one later, whose seeds are new.

    Args:
        engine: writes the answers, by class path.
        path: file of the answers (SQLite), on a local disk; several runs and engines may share it.
        again: kept answers to ask for again: ``truncated``, those that were cut at
            ``max_new_tokens``, with another seed; or ``never``.

    Raises:
        UserError: ``again`` is neither, or the file cannot be written or holds something else.
    """

    def __init__(
        self, engine: Engine, path: str, again: Literal["truncated", "never"] = "truncated"
    ) -> None:
        if again not in AGAIN:
            raise UserError(f"again is {again!r}, of StoredEngine; must be {' or '.join(AGAIN)}")
        self.engine, self.path, self.again = engine, path, again
        self.thread_safe, self.batch_size = engine.thread_safe, engine.batch_size
        self.chat = engine.chat
        self._store = AnswerStore(path)

    def __str__(self) -> str:
        return str(self.engine)

    @property
    def weight_version(self) -> int:
        """That of the engine."""
        return self.engine.weight_version

    @weight_version.setter
    def weight_version(self, version: int) -> None:
        self.engine.weight_version = version

    @property
    def tokenizer(self) -> Any:
        """The engine's tokenizer; None for a server."""
        return getattr(self.engine, "tokenizer", None)

    def card(self) -> dict[str, Any]:
        """Return the engine's card: the store adds nothing to the texts."""
        return self.engine.card()

    def with_schema(self, schema: Mapping[str, Any]) -> StoredEngine:
        """Return an engine of the same store over the engine with the schema."""
        other = copy(self)
        other.engine = self.engine.with_schema(schema)
        return other

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return completions of every prompt, kept or new; see ``Engine.generate``."""
        return collect(self.stream(prompts, sampling), len(prompts))

    def stream(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        """Yield kept completions, then new ones, each after it is kept; see ``Engine.stream``."""
        for group in self.stream_groups(prompts, sampling):
            yield from group

    def stream_groups(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[list[tuple[int, list[Completion]]]]:
        """Yield kept completions, then new ones, each list after it is kept."""
        seeds = _seeds(sampling, len(prompts))
        keys = self._keys(prompts, sampling, seeds)
        found = self._store.find([key for of_prompt in keys for key in of_prompt])
        kept, whole, single = list[_Part](), [], list[tuple[int, int, int]]()
        for index, of_prompt in enumerate(keys):
            answers = [found.get(key) for key in of_prompt]
            if sampling.n > 1 and not any(answers):
                whole.append(index)
                continue
            for sample, answer in enumerate(answers):
                if answer and not (answer.truncated and self.again == "truncated"):
                    kept.append((index, [_completion(answer, index, sample)]))
                else:
                    attempts = answer.attempts if answer else 0
                    new = derive_seed(seeds[index], sample, attempts) >> 1
                    single.append((index, sample, new if any(answers) else seeds[index]))
        if kept:
            yield kept
        asked = replace(sampling, seed=[seeds[index] for index in whole])
        for group in self._ask(prompts, whole, asked):
            yield self._keep(keys, [_placed(part, whole[place]) for place, part in group])
        asked = replace(sampling, n=1, seed=[seed for *_, seed in single])
        for group in self._ask(prompts, [index for index, *_ in single], asked):
            yield self._keep(keys, [_placed(part, *single[place][:2]) for place, part in group])

    def _ask(
        self, prompts: Prompts, indices: list[int], sampling: Sampling
    ) -> Iterator[list[_Part]]:
        if indices:
            asked: Any = [prompts[index] for index in indices]
            yield from self.engine.stream_groups(asked, sampling)

    def _keep(self, keys: list[list[str]], group: list[_Part]) -> list[_Part]:
        """Keep the completions that did not fail; return all."""
        self._store.keep_all(
            [
                (keys[index][one.sample], vars(one), one.finish_reason == "length")
                for index, part in group
                for one in part
                if not one.failed
            ]
        )
        return group

    def _keys(self, prompts: Prompts, sampling: Sampling, seeds: list[int]) -> list[list[str]]:
        """Return the keys of each prompt's samples."""
        options = asdict(replace(sampling, n=1, seed=0))
        options |= {name: float(options[name]) for name in ("temperature", "top_p")}
        of_all = json.dumps([self.engine.card(), self.weight_version, options], sort_keys=True)
        texts = [p if isinstance(p, str) else [int(token) for token in p] for p in prompts]
        return [
            [content_hash(of_all, json.dumps([text, seed, k])) for k in range(sampling.n)]
            for text, seed in zip(texts, seeds, strict=True)
        ]


def _seeds(sampling: Sampling, count: int) -> list[int]:
    """Return a seed for each prompt, so that an answer depends on no prompt beside its own."""
    if isinstance(sampling.seed, int):
        return [derive_seed(sampling.seed, index) >> 1 for index in range(count)]
    return list(sampling.seed)


def _placed(part: list[Completion], index: int, sample: int | None = None) -> _Part:
    """Return completions as those of prompt ``index``, the only one as that of ``sample``."""
    placed = [
        replace(one, prompt_index=index, sample=one.sample if sample is None else sample)
        for one in part
    ]
    return index, placed


def _completion(answer: Answer, index: int, sample: int) -> Completion:
    content = {**answer.content, "prompt_index": index, "sample": sample}
    for name in ("token_ids", "log_probs"):
        content[name] = tuple(content[name])
    return Completion(**content)
