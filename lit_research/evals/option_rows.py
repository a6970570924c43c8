"""Options of items as rows of tokens, and batches of them.

Legend: R rows of a batch, one for each option; T tokens of the longest of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.evals.items import Item
from lit_research.lm import IGNORE
from lit_research.text.cache import plain_copy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Row:
    """One option of an item.

    Attributes:
        tokens: of the question and the option, ``T + 1`` of them.
        start: place of the option's first token.
        item: number of the item.
        option: place of the option in the item.
        options: number of options of the item.
        answer: place of the right one.
        option_bytes: length of the option in bytes of UTF-8, without the space before it.
        truncated: whether the question lost its beginning.
    """

    tokens: list[int]
    start: int
    item: int
    option: int
    options: int
    answer: int
    option_bytes: int
    truncated: bool


def encode_items(
    items: Sequence[Item],
    tokenizer: PreTrainedTokenizerFast,
    max_length: int,
    *,
    where: str = "in encode_items",
) -> list[Row]:
    """Encode every option of every item, the longest items first, an item's options together.

    As in the lm-evaluation-harness: question and option are tokenised as one text, the space (and
    whatever space ends the question) belongs to the option, and the option's tokens are those
    beyond the number that the question has alone. A question that is too long loses its
    beginning. The name of a special token is text like any other, as in training.

    Args:
        items: their places are the rows' item numbers.
        tokenizer: the model's.
        max_length: most tokens of a row, T.
        where: says in messages where ``max_length`` was given.

    Raises:
        UserError: an option has no room beside one token of its question.
    """
    rows = []
    for number, place, whole, start in _encode_options(items, tokenizer):
        item, length = items[number], len(whole) - start
        if not 0 < length <= max_length:
            raise UserError(
                f"option {place} has {length} tokens, in item {item.id!r}, and max_length is "
                f"{max_length}, {where}: give {length} or more, as far as the model has positions, "
                "or leave the item out"
            )
        cut = max(0, len(whole) - 1 - max_length)
        rows.append(
            Row(
                tokens=whole[cut:],
                start=start - cut,
                item=number,
                option=place,
                options=len(item.options),
                answer=item.answer,
                option_bytes=len(item.options[place].encode()),
                truncated=cut > 0,
            )
        )
    longest: dict[int, int] = {}
    for row in rows:
        longest[row.item] = max(len(row.tokens), longest.get(row.item, 0))
    # Rows of like length share a batch, so that little is padded. An item stays whole where
    # `limit_test_batches` stops; what does not fit into memory fails at the first batch.
    return sorted(rows, key=lambda row: (-longest[row.item], row.item, row.option))


def _encode_options(
    items: Sequence[Item], tokenizer: PreTrainedTokenizerFast
) -> Iterator[tuple[int, int, list[int], int]]:
    """Yield (item, option, tokens of question and option, place of the option's first token)."""
    backend = plain_copy(tokenizer)

    def encode(texts: list[str]) -> list[list[int]]:
        return [e.ids for e in backend.encode_batch_fast(texts, add_special_tokens=False)]

    questions = encode([item.question.rstrip() for item in items])
    pairs = [
        (number, place) for number, item in enumerate(items) for place in range(len(item.options))
    ]
    wholes = encode([f"{items[n].question} {items[n].options[place]}" for n, place in pairs])
    for (number, place), whole in zip(pairs, wholes, strict=True):
        start = len(questions[number])
        if start == 0:  # nothing to be read before the option: then it begins a document
            whole, start = [tokenizer.eos_token_id, *whole], 1
        yield number, place, whole, start


def items_with_room(
    items: Sequence[Item], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> list[Item]:
    """Return the items all of whose options have at most ``max_length`` tokens."""
    longest = [0] * len(items)
    for number, _, whole, start in _encode_options(items, tokenizer):
        longest[number] = max(longest[number], len(whole) - start)
    return [item for item, length in zip(items, longest, strict=True) if length <= max_length]


class ChoiceRows(torch.utils.data.Dataset[Any]):
    """Rows that are fetched as a batch.

    A batch holds ``input_ids`` and ``labels`` ``[R, T]`` (next tokens, ``IGNORE`` but on the
    option's), and ``[R]`` each: ``item_id``, ``option_id``, ``options`` (how many the item has),
    ``answer`` (index of the right one), ``option_bytes`` (UTF-8), ``truncated`` (1 where the
    question lost its beginning).

    Args:
        rows: the options of all items.
        pad_token_id: fills the inputs up at the right.
    """

    def __init__(self, rows: Sequence[Row], pad_token_id: int) -> None:
        self.rows, self.pad_token_id = rows, pad_token_id

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """Return the batch of these rows."""
        rows = [self.rows[index] for index in indices]
        width = max(len(row.tokens) for row in rows) - 1
        # Padded on the right: in a causal model no token sees what comes after it, so the padding
        # changes nothing and there is no need for a mask.
        inputs = np.full((len(rows), width), self.pad_token_id)
        labels = np.full((len(rows), width), IGNORE)
        for line, row in enumerate(rows):
            inputs[line, : len(row.tokens) - 1] = row.tokens[:-1]
            labels[line, row.start - 1 : len(row.tokens) - 1] = row.tokens[row.start :]
        numbers = {
            "item_id": [row.item for row in rows],
            "option_id": [row.option for row in rows],
            "options": [row.options for row in rows],
            "answer": [row.answer for row in rows],
            "option_bytes": [row.option_bytes for row in rows],
            "truncated": [int(row.truncated) for row in rows],
        }
        return {
            "input_ids": torch.from_numpy(inputs),
            "labels": torch.from_numpy(labels),
            **{name: torch.tensor(values) for name, values in numbers.items()},
        }
