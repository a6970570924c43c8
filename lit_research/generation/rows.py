"""From prompts to rows: what a text continues, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lit_research.errors import UserError
from lit_research.lm.engines import Completion
from lit_research.seeds import derive_seed
from lit_research.storage import content_hash

OWN_COLUMNS = ("text", "id", "source_id", "kind", "seed", "finish_reason", "tokens")
"""The columns that every row of a text-writing job has; those of its prompt follow."""

Refuse = Callable[[str], "str | None"]
"""Says what is wrong with a text, or None: the row is kept apart, and counted by that reason."""


@dataclass(frozen=True)
class Prompt:
    """What a text continues, and what its row says about it.

    Attributes:
        prompt: text, or token ids.
        id: of its row; with several samples of a prompt the rows are ``ID-0``, ``ID-1``, ...
        source_id: what the prompt was made from; None is ``id``.
        columns: further columns of its rows: a question, a reference answer, ...
    """

    prompt: str | Sequence[int]
    id: str
    source_id: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


def check_prompts(prompts: Sequence[Prompt]) -> str:
    """Return a hash of all prompts with their ids and columns; refuse those that make no job.

    Raises:
        UserError: there are none, some are texts and others token ids, an id is there twice, or the
            columns differ or have a name that rows use themselves.
    """
    if not len(prompts):
        raise UserError("there are no prompts, of a text-writing job; give at least one")
    known, columns, hashes = set[str](), list(prompts[0].columns), hashlib.blake2b()
    for name in columns:
        if name in OWN_COLUMNS:
            raise UserError(
                f"prompts have a column {name!r}, of a text-writing job; rows have their own "
                f"{', '.join(OWN_COLUMNS)}: give it another name"
            )
    are_texts = isinstance(prompts[0].prompt, str)
    for prompt in prompts:
        if isinstance(prompt.prompt, str) != are_texts:
            raise UserError(
                f"the prompt {prompt.id!r} and the first one are texts and token ids, of a "
                "text-writing job; give all of one kind"
            )
        if prompt.id in known:
            raise UserError(
                f"two prompts have the id {prompt.id!r}, of a text-writing job; ids must differ"
            )
        if list(prompt.columns) != columns:
            raise UserError(
                f"the prompt {prompt.id!r} has the columns {list(prompt.columns)} and the first "
                f"one {columns}, of a text-writing job; give all the same (None where there is "
                "no value)"
            )
        known.add(prompt.id)
        text = prompt.prompt if isinstance(prompt.prompt, str) else list(prompt.prompt)
        parts = [text, prompt.id, prompt.source_id, dict(prompt.columns)]
        hashes.update(content_hash(json.dumps(parts, default=str)).encode())
    return hashes.hexdigest()[:32]


def row_seed(job_seed: int, number: int) -> int:
    """Return the seed of a prompt: 63 bits that follow from the job's seed and its number."""
    return derive_seed(job_seed, number) >> 1


def make_rows(
    prompts: Sequence[Prompt],
    completions: Sequence[Sequence[Completion]],
    *,
    kind: str,
    seeds: int | Sequence[int],
    refuse: Refuse | None = None,
) -> list[dict[str, Any]]:
    """Return one row a completion, those of a prompt together.

    ``finish_reason`` is the engine's ``stop``, ``length`` or ``error: ...``, or ``refused: ...``.
    ``text`` is None after an error. ``seed`` is the prompt's, or that of all prompts of the shard,
    modulo 2**64. ``tokens`` are those of the new text, None where a server does not tell them.

    Args:
        prompts: of a shard.
        completions: of each prompt.
        kind: what the texts are, a column.
        seeds: one for all prompts together, or one for each.
        refuse: says what is wrong with a text, or None.
    """
    of_prompts = [seeds] * len(prompts) if isinstance(seeds, int) else seeds
    return [
        row
        for prompt, of_prompt, seed in zip(prompts, completions, of_prompts, strict=True)
        for row in _rows_of(prompt, of_prompt, kind, seed, refuse)
    ]


def _rows_of(
    prompt: Prompt, completions: Sequence[Completion], kind: str, seed: int, refuse: Refuse | None
) -> Iterator[dict[str, Any]]:
    for sample, completion in enumerate(completions):
        reason = None if completion.failed or refuse is None else refuse(completion.text)
        yield {
            "text": None if completion.failed else completion.text,
            "id": prompt.id if len(completions) == 1 else f"{prompt.id}-{sample}",
            "source_id": prompt.id if prompt.source_id is None else prompt.source_id,
            "kind": kind,
            "seed": seed % 2**64,
            "finish_reason": f"refused: {reason}" if reason else completion.finish_reason,
            "tokens": _count_tokens(completion),
            **prompt.columns,
        }


def _count_tokens(completion: Completion) -> int | None:
    """Return the number of new tokens, None where a server does not tell."""
    count = len(completion.token_ids) or len(completion.log_probs)
    return None if completion.text and not count else count


def is_failure(finish_reason: str) -> bool:
    """Return whether an engine could not write a text."""
    return finish_reason.startswith("error")


def is_rejected(finish_reason: str) -> bool:
    """Return whether a row has no text, or one that was refused."""
    return is_failure(finish_reason) or finish_reason.startswith("refused")
