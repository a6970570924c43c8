"""Prompt-answer rows: which tokens are learned, what is cut, and batches of them.

A row of T + 1 tokens gives T positions: position t reads token t and learns token t + 1.

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
    """Tokens, some of which are learned.

    Attributes:
        tokens: ids of the whole row.
        learned: for each of them whether it is learned; the first one never is, since nothing is
            read before it.
    """

    tokens: Sequence[int]
    learned: Sequence[bool]

    @classmethod
    def answer(cls, prompt: Sequence[int], answer: Sequence[int]) -> Row:
        """Return the row of a prompt and its answer, which alone is learned."""
        return cls([*prompt, *answer], [False] * len(prompt) + [True] * len(answer))

    @property
    def inputs(self) -> list[int]:
        """What is read: all tokens but the last."""
        return list(self.tokens[:-1])

    @property
    def labels(self) -> list[int]:
        """The token that follows each of ``inputs``, ``IGNORE`` where it is not learned."""
        pairs = zip(self.tokens[1:], self.learned[1:], strict=True)
        return [token if learned else IGNORE for token, learned in pairs]


@dataclass
class Cuts:
    """What truncation did to a set of rows.

    Attributes:
        rows: number of rows that were given.
        cut: those that lost tokens and were kept.
        dropped: those that were left out: too long under ``drop``, or nothing to learn is left.
        tokens: lost from the rows that were kept.
    """

    rows: int = 0
    cut: int = 0
    dropped: int = 0
    tokens: int = 0


def truncate_rows(rows: Sequence[Row], max_length: int, side: Truncation) -> tuple[list[Row], Cuts]:
    """Return the rows that have at most ``max_length`` positions (a token more), and the counts.

    Args:
        rows: of any length.
        max_length: most positions of a row, T.
        side: ``left``: a long row loses its beginning, the answer stays whole as far as it fits (as
            multiple choice is scored); ``right``: it loses its end; ``drop``: it is left out.

    Raises:
        UserError: ``max_length`` or ``side`` is none, or no row is left.
    """
    if max_length < 1 or side not in get_args(Truncation):
        raise UserError(
            f"max_length is {max_length} and side {side!r}, in truncate_rows; must be at least 1 "
            f"and one of {', '.join(get_args(Truncation))}"
        )
    kept, cuts, most = list[Row](), Cuts(rows=len(rows)), max_length + 1
    for row in rows:
        excess = len(row.tokens) - most
        part = row
        if excess > 0:
            part = _cut(row, most, side)
        if not any(part.learned[1:]):
            cuts.dropped += 1
            continue
        if excess > 0:
            cuts.cut, cuts.tokens = cuts.cut + 1, cuts.tokens + excess
        kept.append(part)
    if not kept:
        raise UserError(
            f"none of {len(rows)} rows has a token to learn within max_length {max_length}, in "
            f"truncate_rows with side {side!r}; give a larger max_length or another side"
        )
    return kept, cuts


def _cut(row: Row, most: int, side: Truncation) -> Row:
    if side == "drop":
        return Row([], [])
    part = slice(-most, None) if side == "left" else slice(most)
    return Row(row.tokens[part], row.learned[part])


def stack_rows(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    width: int | None = None,
    pad_token_id: int = 0,
    pad_label: int = IGNORE,
) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``labels`` ``[B, T]``, padded on the right.

    In a causal model no token sees what comes after it: the padding changes nothing and needs no
    mask.

    Args:
        pairs: inputs and labels (next tokens) of each row.
        width: T; longer rows are cut at the right. None is the longest row's.
        pad_token_id: of the inputs.
        pad_label: of the labels.
    """
    if width is None:
        width = max(len(inputs) for inputs, _ in pairs)
    input_ids = torch.full((len(pairs), width), pad_token_id)
    labels = torch.full((len(pairs), width), pad_label)
    for index, of_row in enumerate(pairs):
        for tensor, values in zip((input_ids, labels), of_row, strict=True):
            cut = torch.tensor(list(values[:width]), dtype=torch.long)
            tensor[index, : len(cut)] = cut
    return {"input_ids": input_ids, "labels": labels}


def written_rows(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], device: torch.device
) -> dict[str, Tensor]:
    """Return ``input_ids``, ``labels`` and ``mask`` ``[B, T]``: labels are the written tokens.

    Args:
        pairs: token ids of a prompt, and of what was written after it.
        device: of the tensors.
    """
    rows = [Row.answer(prompt, written) for prompt, written in pairs]
    batch = stack_rows([(row.inputs, row.labels) for row in rows])
    batch["mask"] = (batch["labels"] != IGNORE).float()
    return {name: value.to(device) for name, value in batch.items()}


def completion_rows(
    prompts: Sequence[Sequence[int]], completions: Sequence[Completion], device: torch.device
) -> dict[str, Tensor]:
    """Return the rows (see ``written_rows``) of completions.

    Args:
        prompts: token ids of each.
        completions: ``prompt_index`` says which prompt each continues.
        device: of the tensors.
    """
    pairs = [(prompts[c.prompt_index], c.token_ids) for c in completions]
    return written_rows(pairs, device)
