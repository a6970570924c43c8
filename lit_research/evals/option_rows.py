"""Options of multiple-choice items as rows of tokens, and batches of them.

Legend: R rows of a batch, one for each option; T tokens of the longest of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lit_research.errors import UserError
from lit_research.evals.items import Item
from lit_research.sft import Row, stack_rows, truncate_rows
from lit_research.text.cache import plain_copy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class OptionRow(Row):
    """A question and one of its options; the labels are the option's tokens, which are scored.

    Attributes:
        item: index of the item.
        option: index of the option in the item.
        options: number of options of the item.
        correct_option: index of the correct option.
        option_bytes: length of the option in bytes of UTF-8, without the space before it.
        truncated: whether the beginning of the question was cut off.
    """

    item: int
    option: int
    options: int
    correct_option: int
    option_bytes: int
    truncated: bool


def encode_items(
    items: Sequence[Item],
    tokenizer: PreTrainedTokenizerFast,
    max_length: int,
    *,
    where: str = "in encode_items",
) -> list[OptionRow]:
    """Encode every option of every item, the longest items first, an item's options together.

    As in the lm-evaluation-harness: question and option are tokenised as one text, the space (and
    any white space that ends the question) belongs to the option, and the option's tokens are those
    beyond the number of tokens of the question alone. The beginning of a question that is too long
    is cut off. The name of a special token is ordinary text, as in training.

    Args:
        items: their indices are the rows' ``item``.
        tokenizer: the model's.
        max_length: maximum number of tokens of a row, T.
        where: names the source of ``max_length`` in error messages.

    Raises:
        UserError: an option leaves no room for one token of its question.
    """
    rows = []
    for item_index, option_index, question_tokens, option_tokens in _encode_options(
        items, tokenizer
    ):
        item, length = items[item_index], len(option_tokens)
        if not 0 < length <= max_length:
            remedy = "leave the item out"
            if length:
                remedy = (
                    f"must be at least {length}, as far as the model has positions, or {remedy}"
                )
            raise UserError(
                f"option {option_index} of item {item.id!r} has {length} tokens, and max_length is "
                f"{max_length}, {where}; {remedy}"
            )
        whole = Row.answer(question_tokens, option_tokens)
        [row], cuts = truncate_rows([whole], max_length, "left")
        rows.append(
            OptionRow(
                row.tokens,
                row.learned,
                item=item_index,
                option=option_index,
                options=len(item.options),
                correct_option=item.answer,
                option_bytes=len(item.options[option_index].encode()),
                truncated=cuts.cut > 0,
            )
        )
    longest: dict[int, int] = {}
    for option_row in rows:
        longest[option_row.item] = max(len(option_row.tokens), longest.get(option_row.item, 0))
    # Rows of similar length share a batch, which keeps the padding small. An item stays complete
    # where `limit_test_batches` stops; what does not fit into memory fails at the first batch.
    return sorted(rows, key=lambda row: (-longest[row.item], row.item, row.option))


def _encode_options(
    items: Sequence[Item], tokenizer: PreTrainedTokenizerFast
) -> Iterator[tuple[int, int, list[int], list[int]]]:
    """Yield (item index, option index, tokens before the option, tokens of the option)."""
    backend = plain_copy(tokenizer)

    def encode(texts: list[str]) -> list[list[int]]:
        return [e.ids for e in backend.encode_batch_fast(texts, add_special_tokens=False)]

    questions = encode([item.question.rstrip() for item in items])
    pairs = [
        (index, option) for index, item in enumerate(items) for option in range(len(item.options))
    ]
    texts = encode(
        [f"{items[index].question} {items[index].options[option]}" for index, option in pairs]
    )
    for (index, option), tokens in zip(pairs, texts, strict=True):
        start = len(questions[index])
        # An empty question: the option begins a document.
        before = tokens[:start] if start > 0 else [tokenizer.eos_token_id]
        yield index, option, before, tokens[start:]


def items_with_room(
    items: Sequence[Item], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> list[Item]:
    """Return the items all of whose options have at most ``max_length`` tokens."""
    longest = [0] * len(items)
    for index, _, _, option_tokens in _encode_options(items, tokenizer):
        longest[index] = max(longest[index], len(option_tokens))
    return [item for item, length in zip(items, longest, strict=True) if length <= max_length]


class ChoiceRows(torch.utils.data.Dataset[Any]):
    """Rows of options, fetched as a batch.

    A batch holds ``input_ids`` and ``labels`` ``[R, T]`` (next tokens; ``IGNORE`` except on the
    option's tokens), and ``[R]`` each: ``item_id``, ``option_id``, ``options`` (number of options
    of the item), ``answer`` (index of the correct option), ``option_bytes`` (UTF-8), ``truncated``
    (1 where the beginning of the question was cut off).

    Args:
        rows: the options of all items.
        pad_token_id: pads the inputs on the right.
    """

    def __init__(self, rows: Sequence[OptionRow], pad_token_id: int) -> None:
        self.rows, self.pad_token_id = rows, pad_token_id

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """Return the batch of these rows."""
        rows = [self.rows[index] for index in indices]
        facts = {
            "item_id": [row.item for row in rows],
            "option_id": [row.option for row in rows],
            "options": [row.options for row in rows],
            "answer": [row.correct_option for row in rows],
            "option_bytes": [row.option_bytes for row in rows],
            "truncated": [int(row.truncated) for row in rows],
        }
        return {
            **stack_rows(
                [(row.inputs, row.labels) for row in rows], pad_token_id=self.pad_token_id
            ),
            **{name: torch.tensor(values) for name, values in facts.items()},
        }
