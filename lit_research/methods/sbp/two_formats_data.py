"""``TwoFormatsCorpus`` and ``TwoFormatsPairs``: data of the world, scored by kind of document."""

from __future__ import annotations

from typing import Any

import numpy as np
from lightning.pytorch.utilities import rank_zero_info

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.methods.pretrain import MixedCorpus
from lit_research.methods.sbp.data import RelatedPairs
from lit_research.methods.sbp.pair_rows import PairRows
from lit_research.methods.sbp.two_formats import KINDS, TwoFormats
from lit_research.methods.sbp.world import HEADER
from lit_research.methods.text import Split
from lit_research.ranges import COUNT, check_range
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
        groups = [
            np.append(NO_GROUP, word_groups(kind, len(ids) + 1))
            for kind, ids in zip(documents["kind"], encoded, strict=True)
        ]
        return GroupedDocuments(tokens, groups)


class TwoFormatsPairs(RelatedPairs):
    """``RelatedPairs`` of a ``TwoFormats`` source, tested on siblings of new records.

    The test gives a document in one format and scores its sibling: ``test/loss_of_rare_b`` (format
    A is given, B is scored, in the topics where B is rare), ``test/loss_of_common_b`` and
    ``test/loss_of_a`` (B is given), mean nats a word; the same with ``_shuffled``. The sibling
    has entropy 0 given a document. Takes the arguments of ``RelatedPairs``, and:

    Args:
        fresh_pairs: new records of each topic in the test.
    """

    loss_groups = list(KINDS)

    def __init__(self, fresh_pairs: int = 50, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_range(COUNT, "in data.init_args of TwoFormatsPairs", fresh_pairs=fresh_pairs)

    def groups_of(self, second: np.ndarray) -> list[np.ndarray]:
        """Return the groups of validation pairs: the words of d2 are of its kind."""
        kinds = self.pairable.select(second)["kind"]
        lengths = self._tokens.lengths[second]
        return [word_groups(kind, length) for kind, length in zip(kinds, lengths, strict=True)]

    def scored(self, split: str) -> PairRows:
        """Return the validation pairs of ``RelatedPairs``, or for the test new siblings."""
        if split != "test":
            return super().scored(split)
        source = make_object(TwoFormats, self.hparams["source"])
        a, b = source.sibling_pairs(self.hparams["fresh_pairs"], what="fresh pairs")
        kinds, texts = [*b["kind"], *a["kind"]], [*a["text"], *b["text"]]
        given_d1, given_topic = source.world.sibling_entropy, source.world.word_entropy
        rank_zero_info(
            f"{len(texts)} siblings of new records: the entropy of a word is {given_d1:g} nats "
            f"given d1, {given_topic:.3f} given the topic alone."
        )
        tokens = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        first = np.arange(len(texts))
        second = np.roll(first, -len(a))
        own, others = (
            [self.row(tokens[i], tokens[j]) for i, j in zip(one, second, strict=True)]
            for one in (first, self.shuffled("fresh pairs", first, second))
        )
        lengths = [len(tokens[j]) + 1 for j in second]
        groups = [word_groups(kind, length) for kind, length in zip(kinds, lengths, strict=True)]
        return PairRows(own, others, groups, pad_token_id=self.end_id)


def word_groups(kind: str, length: int) -> np.ndarray:
    """Return the group of each token of a document and its end: the words are of its kind.

    Args:
        kind: of the document.
        length: its tokens, with the end of text.
    """
    groups = np.full(length, NO_GROUP)
    groups[HEADER:-1] = KINDS.index(kind)
    return groups
