"""Prompt-answer rows: which tokens are labels, truncation, and batches of rows.

A row of T + 1 tokens has T positions: the input at position t is token t, its label token t + 1.

Legend: B rows, T positions of the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.lm.engines import Completion

Truncation = Literal["left", "right", "drop"]


@dataclass(frozen=True)
class Row:
    """Tokens, some of which are labels.

    Attributes:
        tokens: ids of the whole row.
        learned: whether each token is a label, which training learns and an evaluation scores; the
            first one never is, since no input precedes it.
    """

    tokens: Sequence[int]
    learned: Sequence[bool]

    @classmethod
    def answer(cls, prompt: Sequence[int], answer: Sequence[int]) -> Row:
        """Return the row of a prompt and its answer; only the answer's tokens are labels."""
        return cls([*prompt, *answer], [False] * len(prompt) + [True] * len(answer))

    @property
    def inputs(self) -> list[int]:
        """The inputs: all tokens except the last."""
        return list(self.tokens[:-1])

    @property
    def labels(self) -> list[int]:
        """The token after each of ``inputs``, ``IGNORE`` where it is not a label."""
        pairs = zip(self.tokens[1:], self.learned[1:], strict=True)
        return [token if learned else IGNORE for token, learned in pairs]


@dataclass
class Cuts:
    """What truncation did to a set of rows.

    Attributes:
        rows: number of rows before truncation.
        cut: rows that were shortened and kept.
        dropped: rows that were left out: too long under ``drop``, or without a label.
        tokens: number of tokens removed from the rows that were kept.
    """

    rows: int = 0
    cut: int = 0
    dropped: int = 0
    tokens: int = 0


def truncate_rows(rows: Sequence[Row], max_length: int, side: Truncation) -> tuple[list[Row], Cuts]:
    """Truncate rows to ``max_length`` positions (one token more); return them and the counts.

    Args:
        rows: of any length.
        max_length: maximum number of positions of a row, T.
        side: ``left``: a long row loses its beginning and keeps the answer as far as it fits (as in
            multiple choice); ``right``: it loses its end; ``drop``: it is left out.

    Raises:
        UserError: ``max_length`` or ``side`` is invalid, or no row is left.
    """
    if max_length < 1 or side not in get_args(Truncation):
        raise UserError(
            f"max_length is {max_length} and side {side!r}, in truncate_rows; must be at least 1 "
            f"and one of {', '.join(get_args(Truncation))}"
        )
    kept, cuts, max_tokens = list[Row](), Cuts(rows=len(rows)), max_length + 1
    for row in rows:
        excess = len(row.tokens) - max_tokens
        short = row if excess <= 0 else _cut(row, max_tokens, side)
        if not any(short.learned[1:]):
            cuts.dropped += 1
            continue
        if excess > 0:
            cuts.cut, cuts.tokens = cuts.cut + 1, cuts.tokens + excess
        kept.append(short)
    if not kept:
        raise UserError(
            f"none of {len(rows)} rows has a label within max_length {max_length}, in "
            f"truncate_rows with side {side!r}; give a larger max_length or another side"
        )
    return kept, cuts


def _cut(row: Row, max_tokens: int, side: Truncation) -> Row:
    if side == "drop":
        return Row([], [])
    span = slice(-max_tokens, None) if side == "left" else slice(max_tokens)
    return Row(row.tokens[span], row.learned[span])


def stack_rows(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    width: int | None = None,
    pad_token_id: int = 0,
    pad_label: int = IGNORE,
) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``labels`` ``[B, T]``, padded on the right.

    In a causal model no token attends to a later one, so the padding changes nothing and needs no
    mask.

    Args:
        pairs: inputs and labels (next tokens) of each row.
        width: T; longer rows are cut on the right. None is the length of the longest row.
        pad_token_id: of the inputs.
        pad_label: of the labels.
    """
    if width is None:
        width = max(len(inputs) for inputs, _ in pairs)
    input_ids = torch.full((len(pairs), width), pad_token_id)
    labels = torch.full((len(pairs), width), pad_label)
    for index, pair in enumerate(pairs):
        for batch, values in zip((input_ids, labels), pair, strict=True):
            row = torch.tensor(list(values[:width]), dtype=torch.long)
            batch[index, : len(row)] = row
    return {"input_ids": input_ids, "labels": labels}


def written_rows(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], device: torch.device
) -> dict[str, Tensor]:
    """Return ``input_ids``, ``labels`` and ``mask`` ``[B, T]``; labels are the completions' tokens.

    Args:
        pairs: token ids of a prompt, and of its completion.
        device: of the tensors.
    """
    rows = [Row.answer(prompt, completion) for prompt, completion in pairs]
    batch = stack_rows([(row.inputs, row.labels) for row in rows])
    batch["mask"] = (batch["labels"] != IGNORE).float()
    return {name: value.to(device) for name, value in batch.items()}


def completion_rows(
    prompts: Sequence[Sequence[int]], completions: Sequence[Completion], device: torch.device
) -> dict[str, Tensor]:
    """Return ``written_rows`` of an engine's completions.

    Args:
        prompts: token ids of each prompt.
        completions: each continues the prompt of its ``prompt_index``.
        device: of the tensors.
    """
    pairs = [(prompts[c.prompt_index], c.token_ids) for c in completions]
    return written_rows(pairs, device)
