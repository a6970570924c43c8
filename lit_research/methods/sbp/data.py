"""``TwoFormatsCorpus``: real and synthetic text of the world, validated by kind of document."""

from __future__ import annotations

from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.pretrain import MixedCorpus
from lit_research.methods.sbp.truth import HEADER
from lit_research.methods.sbp.two_formats import KINDS
from lit_research.methods.text import Split
from lit_research.text import GroupedDocuments
from lit_research.text.grouped import NO_GROUP


class TwoFormatsCorpus(MixedCorpus):
    """``MixedCorpus`` of a ``TwoFormats`` source, whose evaluations score the words of each kind.

    ``val/loss_of_a``, ``val/loss_of_common_b`` and ``val/loss_of_rare_b`` are mean nats a word:
    formats, topics, anchors and the ends of documents do not count. ``val/loss`` is the mean over
    all tokens of the held-out documents, an equal number of each kind, not that of the mixture.
    Each document is read after the end of text alone. Takes the arguments of ``MixedCorpus``.
    """

    loss_groups = list(KINDS)

    def dataset(self, split: Split) -> Any:
        """Return the windows of ``train`` and ``predict``, else single documents by kind."""
        if split in ("train", "predict"):
            return super().dataset(split)
        documents, end = self.split(split), [self.tokenizer.eos_token_id]
        unknown = sorted({*documents["kind"]} - {*KINDS})
        if unknown:
            raise UserError(
                f"a document is of the kind {unknown[0]!r}, in the {split} split of "
                f"{type(self).__name__}; give TwoFormats as data.init_args.source"
            )
        encoded = self.tokenizer(list(documents["text"]), add_special_tokens=False)["input_ids"]
        tokens = [[*end, *ids, *end] for ids in encoded]
        groups = [np.full(len(ids), NO_GROUP) for ids in tokens]
        for group, kind in zip(groups, documents["kind"], strict=True):
            group[1 + HEADER : -1] = KINDS.index(kind)
        return GroupedDocuments(tokens, groups)
