"""``ReasoningRows``: rows of reasoning data to learn from, and questions to be answered.

Legend: B windows of a batch, T positions, I items of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from lightning.pytorch.utilities import rank_zero_info
from torch.utils.data import Dataset

from lit_research.errors import UserError
from lit_research.methods.item_indices import ItemIndices
from lit_research.methods.openthoughts.core import AnswerFormat, format_fields, on_both_sides
from lit_research.methods.openthoughts.rows import (
    RowSource,
    check_items,
    read_rows,
    row_source,
)
from lit_research.methods.text import Split, TextDataModule
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed, resolve_seed
from lit_research.sft import (
    Cuts,
    PackedRows,
    Row,
    chat_prompt,
    encode_answer,
    encode_chat,
    stack_rows,
    truncate_rows,
)
from lit_research.text import LengthGroupedSampler, make_loader
from lit_research.text.packing import Batch

Overlong = Literal["cut", "drop"]
_WHERE = "in data.init_args of ReasoningRows"
_SPLITS = ("validation", "test")


class SingleRows(Dataset[Batch]):
    """A row a window, padded to the longest of its batch: ``input_ids`` and ``labels`` ``[B, T]``.

    Args:
        rows: at least one.
        pad_token_id: fills the rows.
    """

    def __init__(self, rows: Sequence[Row], pad_token_id: int) -> None:
        self.rows, self.pad_token_id = rows, pad_token_id

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Return a batch of rows."""
        pairs = [(self.rows[index].inputs, self.rows[index].labels) for index in indices]
        return stack_rows(pairs, pad_token_id=self.pad_token_id)


class ReasoningRows(TextDataModule):
    """Rows (question, trace, final) for ``fit``; items (question, answer) to validate and test on.

    Where the tokenizer has a chat template, a row is a conversation, of which the assistant's
    tokens are learned; else plain text, of which the answer and the end of text are learned.

    Args:
        source: training rows: a ``datasets`` folder, JSON lines, JSON, Parquet, CSV or TSV, a
            folder of such files; or a ``RowSource``, ``{class_path: ..., init_args: ...}``, such as
            ``lit_research.methods.openthoughts.WorldRows``.
        validation: items that ``fit`` and ``validate`` ask, in such files, with the columns
            ``question``, ``answer`` and perhaps ``id``, ``difficulty`` and ``domain``; None: those
            of the source if it is a class that has some.
        test: items of ``test``, likewise.
        validation_of: split of a source's own items that ``validation`` asks; ``test`` where a
            choice is confirmed on items that it has not seen.
        tokenizer: ``bytes`` (characters, for text in ASCII) or a transformers folder.
        sequence_length: positions of a window, T, and of the longest row.
        batch_size: windows per batch and device.
        eval_batch_size: items per batch and device.
        packing: several rows in a window, without attention across them; else one row.
        group_by_length: rows of like length in a training batch, which is then less padded, and
            steps less alike in tokens; without packing.
        overlong: rows beyond ``sequence_length``: ``cut`` at the end, or ``drop``; counted.
        max_rows: rows to train on, a random sample; None is all.
        max_items: items of each evaluation, the first ones; None is all.
        answer_format: what the student writes, with ``{trace}`` and ``{final}``.
        answer_pattern: finds the final answer in it: the first group of the last match.
        question_format: what the student reads, with ``{question}``; None: the question alone in a
            conversation, the question and a line break in plain text.
        system: first message of each conversation.
        allow_leaks: train even if a question is also an item's; else that is refused.
        seed: of the order and of the sample; None takes ``seed_everything``.
        num_workers: processes that prepare batches; 0 uses the training process.

    Raises:
        UserError: an argument is out of range, or does not fit another one.
    """

    sequence_length: int

    def __init__(
        self,
        source: str | dict[str, Any],
        validation: str | None = None,
        test: str | None = None,
        validation_of: Literal["validation", "test"] = "validation",
        tokenizer: str = "bytes",
        sequence_length: int = 256,
        batch_size: int = 16,
        eval_batch_size: int = 64,
        packing: bool = True,
        group_by_length: bool = False,
        overlong: Overlong = "cut",
        max_rows: int | None = None,
        max_items: int | None = None,
        answer_format: str = "{trace}\n#### {final}",
        answer_pattern: str = r"#### *(.+)",
        question_format: str | None = None,
        system: str | None = None,
        allow_leaks: bool = False,
        seed: int | None = None,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        sizes = {"sequence_length": sequence_length, "batch_size": batch_size}
        evals = {"eval_batch_size": eval_batch_size, "max_items": max_items, "max_rows": max_rows}
        check_range(COUNT, _WHERE, **sizes, **evals)
        if tokenizer == "words" or tokenizer.startswith("bpe:"):
            raise UserError(
                f"tokenizer is {tokenizer!r}, {_WHERE}; must be bytes, or a folder of the model "
                "that is tuned"
            )
        if overlong not in ("cut", "drop"):
            raise UserError(f"overlong is {overlong!r}, {_WHERE}; must be cut or drop")
        if group_by_length and packing:
            raise UserError(
                f"group_by_length is true with packing, {_WHERE}; packed windows are equally long: "
                "give packing false"
            )
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.sequence_length = sequence_length
        self.format = AnswerFormat(answer_format, answer_pattern, _WHERE)
        if question_format is not None and not format_fields(
            question_format, "question_format", ("question",), _WHERE
        ):
            raise UserError(
                f"question_format is {question_format!r}, {_WHERE}; must have {{question}}"
            )
        self._datasets: dict[str, Any] = {}
        self._items: dict[str, list[dict[str, Any]]] = {}
        self.cuts, self.leaks = Cuts(), 0

    # Text.

    @property
    def is_chat(self) -> bool:
        """Whether rows are conversations."""
        return bool(self.tokenizer.chat_template)

    def question(self, row: dict[str, Any]) -> str:
        """Return what the student reads of a row or an item."""
        default = "{question}" if self.is_chat else "{question}\n"
        text: str = self.hparams["question_format"] or default
        return text.format(question=row["question"])

    def messages(self, row: dict[str, Any]) -> list[dict[str, str]]:
        """Return the conversation before the student's turn."""
        system = self.hparams["system"]
        first = [] if system is None else [{"role": "system", "content": system}]
        return [*first, {"role": "user", "content": self.question(row)}]

    def encode(self, row: dict[str, Any]) -> Row:
        """Return the tokens of a training row; those of the answer are labels."""
        text = self.format.write(row)
        if not self.is_chat:
            return encode_answer(self.question(row), text, self.tokenizer)
        chat = [*self.messages(row), {"role": "assistant", "content": text}]
        return encode_chat(chat, self.tokenizer)

    def prompt(self, item: dict[str, Any]) -> list[int]:
        """Return the tokens that the student continues to answer an item."""
        if self.is_chat:
            return chat_prompt(self.messages(item), self.tokenizer)
        ids: list[int] = self.tokenizer(self.question(item), verbose=False)["input_ids"]
        return ids

    # Rows and items.

    @cached_property
    def source(self) -> RowSource | None:
        """The class that the rows come from; None for files."""
        return row_source(self.hparams["source"])

    @property
    def cost(self) -> float | None:
        """Tokens that a teacher wrote for the rows; None where that is not known."""
        return None if self.source is None else self.source.cost()

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The training rows, as many as ``max_rows``.

        Raises:
            UserError: a row is malformed, or there are fewer than ``max_rows``.
        """
        source, count = self.source or self.hparams["source"], self.hparams["max_rows"]
        rows = read_rows(source, ("question", *self.format.fields), _WHERE)
        if count is None:
            return rows
        if len(rows) < count:
            raise UserError(f"max_rows is {count}, {_WHERE}, and there are {len(rows)} rows")
        seed = derive_seed(self.hparams["seed"], "rows")
        order = np.random.default_rng(seed).permutation(len(rows))[:count]
        return [rows[index] for index in sorted(order.tolist())]

    def has_items(self, split: str) -> bool:
        """Return whether there are items of ``validation`` or ``test``."""
        if self.hparams[split] is not None:
            return True
        return self.source is not None and self.source.items(split) is not None

    def items(self, split: str) -> list[dict[str, Any]]:
        """Return the items of ``validation`` or ``test``.

        Raises:
            UserError: there are none, or one is malformed.
        """
        if split not in self._items:
            self._items[split] = self._read_items(split)
        return self._items[split]

    def _read_items(self, split: str) -> list[dict[str, Any]]:
        if not self.has_items(split):
            raise UserError(
                f"there are no items of {split}, {_WHERE}; give {split} a file of questions and "
                "answers"
            )
        path, where = self.hparams[split], f"of {split}, {_WHERE}"
        if path is None:
            assert self.source is not None
            own = self.hparams["validation_of"] if split == "validation" else split
            rows: Sequence[Any] = self.source.items(own) or ()
        else:
            rows = read_rows(path, ("question", "answer"), where)
        return check_items(rows, where)[: self.hparams["max_items"]]

    @property
    def has_validation(self) -> bool:
        """Whether there are items for validation."""
        return self.has_items("validation")

    @property
    def card(self) -> dict[str, Any]:
        """What is known about the training windows, as plain data."""
        windows, rows = self.dataset("train"), self.hparams["source"]
        made = None if self.source is None else self.source.card()
        return {
            "source": rows,
            **({} if made is None else {"made": made}),
            "rows": self.cuts.rows,
            "cut_rows": self.cuts.cut,
            "dropped_rows": self.cuts.dropped,
            "cut_tokens": self.cuts.tokens,
            "leaked_rows": self.leaks,
            "windows": len(windows),
            "tokens": self.tokens,
            "answer_tokens": self.answer_tokens,
        }

    def setup(self, stage: str) -> None:
        """Read what the verb needs, and refuse what it cannot use.

        Raises:
            UserError: rows or items are malformed, a question is on both sides, ``system`` is given
                without a template, or the verb is ``predict``.
        """
        if self.hparams["system"] is not None and not self.is_chat:
            raise UserError(
                f"system is given, {_WHERE}, but the tokenizer {self.hparams['tokenizer']!r} has "
                "no chat template; leave it out"
            )
        if stage == "predict" and (self.trainer is None or self.trainer.limit_predict_batches):
            raise UserError(
                "ReasoningRows has nothing to predict, in data of the run; use test, whose answers "
                "are written to a file"
            )
        if stage == "fit":
            self._check_leaks()
        for split, verbs in (("validation", ("fit", "validate")), ("test", ("test",))):
            if stage in verbs and (stage != "fit" or self.has_validation):
                self.items(split)
        super().setup(stage)

    def _check_leaks(self) -> None:
        splits = [split for split in _SPLITS if self.has_items(split)]
        found = on_both_sides(self.rows, [item for split in splits for item in self.items(split)])
        self.leaks = len(found)
        if not found:
            return
        row, item = found[0]
        if not self.hparams["allow_leaks"]:
            raise UserError(
                f"the question of the row {row!r} is that of the item {item!r}, and "
                f"{len(found) - 1} more rows have an item's question, {_WHERE}; remove them from "
                "the rows, or give allow_leaks true"
            )
        rank_zero_info(f"{len(found)} training rows have the question of an evaluation item.")

    def dataset(self, split: Split) -> Any:
        """Return the windows of ``train``, or the items of ``validation`` or ``test``."""
        if split not in self._datasets:
            if split == "train":
                self._datasets[split] = self._windows()
            else:
                name = "test" if split == "predict" else split
                self._datasets[split] = ItemIndices(len(self.items(name)))
        return self._datasets[split]

    def _windows(self) -> PackedRows | SingleRows:
        args, end = self.hparams, self.tokenizer.eos_token_id
        encoded = [self.encode(row) for row in self.rows]
        side: Any = {"cut": "right", "drop": "drop"}[args["overlong"]]
        kept, self.cuts = truncate_rows(encoded, self.sequence_length, side)
        self.tokens = sum(len(row.tokens) - 1 for row in kept)
        self.answer_tokens = sum(sum(row.learned[1:]) for row in kept)
        windows: PackedRows | SingleRows
        if args["packing"]:
            windows = PackedRows(kept, self.sequence_length, pad_token_id=end)
            how = f"{len(windows)} windows, {100 * windows.fill:.0f}% full"
        else:
            windows, how = SingleRows(kept, end), "one a window"
        rank_zero_info(
            f"{len(encoded)} training rows, {how}: {self.cuts.cut} were cut at "
            f"{self.sequence_length} positions and lost {self.cuts.tokens} tokens, "
            f"{self.cuts.dropped} were left out."
        )
        return windows

    def loader(self, dataset: Any, *, train: bool = False, batch_size: int | None = None) -> Any:
        """Return a loader; batches of items have a size of their own."""
        if train and self.hparams["group_by_length"]:
            sampler = LengthGroupedSampler(
                dataset,
                [len(row.tokens) for row in dataset.rows],
                batch_size=batch_size or self.hparams["batch_size"],
                seed=self.hparams["seed"],
                rank=self.rank,
                world_size=self.world_size,
            )
            return make_loader(dataset, sampler=sampler, num_workers=self.hparams["num_workers"])
        size = batch_size or (None if train else self.hparams["eval_batch_size"])
        return super().loader(dataset, train=train, batch_size=size)
