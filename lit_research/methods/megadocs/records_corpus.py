"""``RecordsCorpus``: text of ``Records``, validated on short documents and on long passages."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.methods.megadocs.records import Records
from lit_research.methods.megadocs.world import REAL_STYLE
from lit_research.methods.pretrain import MixedCorpus
from lit_research.methods.text import Split
from lit_research.text import GroupedDocuments

GROUPS = ["short", "tuning", "first_values", "late_values_last_a", "late_values_last_others"]
"""Groups of scored tokens; see ``RecordsCorpus``."""
_NONE = -1


class RecordsCorpus(MixedCorpus):
    """Real and synthetic text of ``Records``; the losses of validation and test are by group.

    - ``short``: all tokens of every other new real document, the i.i.d. loss;
    - ``tuning``: the same of those between them, by which hyper-parameters are chosen;
    - ``first_values``: values in the first text of long passages, of which nothing can be known;
    - ``late_values_last_a`` and ``late_values_last_others``: values in the last text, all of which
      were stated before, in passages whose last style is that of real documents or another one.

    Each document and each passage is a row of its own. Takes the arguments of ``MixedCorpus``;
    ``source`` is the part ``corpus`` of ``Records`` and the tokenizer ``words``.
    """

    loss_groups = GROUPS

    def __init__(self, tokenizer: str = "words", **kwargs: Any) -> None:
        super().__init__(tokenizer=tokenizer, **kwargs)
        if self.hparams["validate_on"] != "validation":
            raise UserError(
                f"validate_on is {self.hparams['validate_on']!r}, in data.init_args of "
                "RecordsCorpus; leave it out: val/loss_of_tuning is of documents for tuning alone"
            )

    @cached_property
    def records(self) -> Records:
        """The world's source.

        Raises:
            UserError: the source is another one.
        """
        source = self.hparams["source"]
        made = source if isinstance(source, str) else make_object(Records, source)
        if not isinstance(made, Records) or made.part != "corpus":
            raise UserError(
                f"source is {source!r}, in data.init_args of RecordsCorpus; must be "
                "{class_path: lit_research.methods.megadocs.Records} with its part corpus"
            )
        return made

    def dataset(self, split: Split) -> Any:
        """Return the mixture's windows for training, else documents and passages in rows."""
        if split == "train":
            return super().dataset(split)
        return self.graded("test" if split == "predict" else split)

    @cached_property
    def document_lengths(self) -> Tensor:
        """Tokens of each row of the test split, ``[D]``; ``document_ids`` index it."""
        tokens, _ = self._rows("test")
        return torch.tensor([len(row) for row in tokens])

    def graded(self, split: str) -> GroupedDocuments:
        """Return the real documents and the passages of a split, with the groups of their tokens.

        Raises:
            UserError: a passage is longer than a window.
        """
        tokens, groups = self._rows(split)
        rows = GroupedDocuments(tokens, groups, pad_token_id=self.tokenizer.eos_token_id)
        if rows.sequence_length > self.sequence_length:
            raise UserError(
                f"sequence_length is {self.sequence_length}, in data.init_args of RecordsCorpus, "
                f"and the passages have {rows.sequence_length} tokens; give at least that, or "
                "fewer passage_pieces of the source"
            )
        return rows

    def _rows(self, split: str) -> tuple[list[list[int]], list[list[int]]]:
        """Return tokens and groups of each real document, then of each passage."""
        passages, documents = self.records.passages(split), self.split(split)["text"]
        end: Any = self.tokenizer.eos_token_id
        texts = [*documents, *map(" ".join, passages)]
        tokens = [[*self.tokenizer.encode(text), end] for text in texts]
        halves = [GROUPS.index("short"), GROUPS.index("tuning")]
        short = [[halves[n % 2]] * len(row) for n, row in enumerate(tokens[: len(documents)])]
        return tokens, [*short, *map(passage_groups, passages)]


def passage_groups(texts: list[str]) -> list[int]:
    """Return the group of each token of a passage, -1 for none; the last is the end of text.

    Args:
        texts: of the passage, in order.
    """
    last = "late_values_last_" + ("a" if texts[-1].startswith(f"{REAL_STYLE}.") else "others")
    names = ["first_values", *[None] * (len(texts) - 2), last]
    groups = [
        GROUPS.index(name) if name and "=" in word else _NONE
        for name, text in zip(names, texts, strict=True)
        for word in text.split()
    ]
    return [*groups, _NONE]
