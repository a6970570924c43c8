"""From prompts to rows: what an engine continues, and the row of each completion."""

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
"""The columns of every row of a text-writing job, before those of its prompt."""

_WHERE = "in a text-writing job"

Refuse = Callable[[str], "str | None"]
"""Returns what is wrong with a text, or None; refused rows are kept apart and counted by reason."""


@dataclass(frozen=True)
class Prompt:
    """A prompt, and what its rows say about it.

    Attributes:
        prompt: text, or token ids.
        id: of its row; the rows of several samples are ``ID-0``, ``ID-1``, ...
        source_id: id of what the prompt was made from; None: the same as ``id``.
        columns: further columns of its rows, such as a question or a reference answer.
    """

    prompt: str | Sequence[int]
    id: str
    source_id: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


def check_prompts(prompts: Sequence[Prompt]) -> str:
    """Return a hash of all prompts with their ids and columns; refuse invalid prompts.

    Raises:
        UserError: there are no prompts, some are texts and others token ids, ids are duplicated, or
            columns differ or have a reserved name.
    """
    if not len(prompts):
        raise UserError(f"there are no prompts, {_WHERE}; give at least one")
    known, columns, hashes = set[str](), list(prompts[0].columns), hashlib.blake2b()
    for name in columns:
        if name in OWN_COLUMNS:
            raise UserError(
                f"prompts have a column {name!r}, {_WHERE}; give it another name, since "
                f"{', '.join(OWN_COLUMNS)} are reserved"
            )
    are_texts = isinstance(prompts[0].prompt, str)
    for prompt in prompts:
        if isinstance(prompt.prompt, str) != are_texts:
            raise UserError(
                f"the prompt {prompt.id!r} and the first one are texts and token ids, {_WHERE}; "
                "must be all texts, or all token ids"
            )
        if prompt.id in known:
            raise UserError(f"two prompts have the id {prompt.id!r}, {_WHERE}; ids must be unique")
        if list(prompt.columns) != columns:
            raise UserError(
                f"the prompt {prompt.id!r} has the columns {list(prompt.columns)} and the first "
                f"one {columns}, {_WHERE}; must be the same (None where there is no value)"
            )
        known.add(prompt.id)
        text = prompt.prompt if isinstance(prompt.prompt, str) else list(prompt.prompt)
        content = [text, prompt.id, prompt.source_id, dict(prompt.columns)]
        hashes.update(content_hash(json.dumps(content, default=str)).encode())
    return hashes.hexdigest()[:32]


def row_seed(job_seed: int, index: int) -> int:
    """Return the seed of a prompt, 63 bits: a function of the job's seed and the prompt's index."""
    return derive_seed(job_seed, index) >> 1


def make_rows(
    prompts: Sequence[Prompt],
    completions: Sequence[Sequence[Completion]],
    *,
    kind: str,
    seeds: int | Sequence[int],
    refuse: Refuse | None = None,
) -> list[dict[str, Any]]:
    """Return one row for each completion, grouped by prompt.

    ``finish_reason`` is the engine's ``stop``, ``length`` or ``error: ...``, or ``refused: ...``.
    ``text`` is None after an error. ``seed`` is the prompt's, or that of all prompts of the shard,
    modulo 2**64. ``tokens`` is the number of generated tokens, None if a server does not report it.

    Args:
        prompts: of a shard.
        completions: of each prompt.
        kind: what the texts are, a column.
        seeds: one for all prompts together, or one for each.
        refuse: returns what is wrong with a text, or None.
    """
    seed_of_each = [seeds] * len(prompts) if isinstance(seeds, int) else seeds
    return [
        row
        for prompt, samples, seed in zip(prompts, completions, seed_of_each, strict=True)
        for row in _rows_of(prompt, samples, kind, seed, refuse)
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


def refused_row(prompt: Prompt, reason: str, *, kind: str) -> dict[str, Any]:
    """Return the row of a prompt that no engine is asked, as one of a refused text.

    Args:
        prompt: its row has the prompt's id.
        reason: why it is not asked.
        kind: what the texts are, a column.
    """
    return {
        "text": None,
        "id": prompt.id,
        "source_id": prompt.id if prompt.source_id is None else prompt.source_id,
        "kind": kind,
        "seed": None,
        "finish_reason": f"refused: {reason}",
        "tokens": 0,
        **prompt.columns,
    }


def _count_tokens(completion: Completion) -> int | None:
    """Return the number of generated tokens, None if a server does not report it."""
    count = completion.new_tokens or len(completion.token_ids) or len(completion.log_probs)
    return None if completion.text and not count else count


def is_failure(finish_reason: str) -> bool:
    """Return whether the engine failed to generate the text."""
    return finish_reason.startswith("error")


def is_rejected(finish_reason: str) -> bool:
    """Return whether a row has no text, or a refused one."""
    return is_failure(finish_reason) or finish_reason.startswith("refused")
