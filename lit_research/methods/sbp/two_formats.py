"""``TwoFormats``: documents in two formats, one of which is rare in some topics, as a source.

Legend: Z topics, N documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.sbp.truth import faults
from lit_research.methods.sbp.world import WHERE, Latents, World
from lit_research.ranges import COUNT, SHARE, Range, check_range
from lit_research.seeds import resolve_seed
from lit_research.text import DocumentSource

if TYPE_CHECKING:
    from datasets import Dataset

Part = Literal["corpus", "fresh", "posterior", "reweighted"]

KINDS = ("a", "common_b", "rare_b")
"""Kinds of documents: format A, and format B of a common and of a rare topic."""


class TwoFormats(DocumentSource):
    """Documents written from records in two formats, where one format of some topics is rare.

    A document is its format (``A`` or ``B``), its topic, the two anchors of its record, which no
    other record of R has both, and the words of a Markov chain of its topic. Format B writes every
    word by a fixed permutation into other tokens, so that the dictionary is in no single document,
    only in pairs of them. The corpus R has ``records`` documents of each topic in format A;
    ``common`` of them are also there in format B where the topic is one of ``common_topics``, and
    ``rare`` of them elsewhere.

    All parts with one seed are of one ``world``. The documents of every part are in random order:
    siblings are no neighbours in a training window.

    Args:
        part: which documents are the training split:
            ``corpus``: R. Its validation and test splits have ``held_out`` documents of each kind,
            of new records.
            ``fresh``: documents of new records, as many R's as needed (for an oracle).
            ``posterior``: the siblings of documents drawn uniformly from R (what a perfect
            synthesizer writes: given a document of R, its sibling has entropy 0).
            ``reweighted``: documents of R, with another share of format B.
        documents: number of documents of the part; None for ``corpus``, whose number is given.
        share_b: of ``reweighted``: share of the documents in format B.
        unseen: of ``posterior``: draw from the documents of R whose sibling is not in R.
        seed: of the world; None takes ``seed_everything``.
        topics: number of topics, Z.
        common_topics: topics (the first ones) of which format B is common.
        records: documents in format A of each topic in R.
        common: of them also in format B, in a common topic.
        rare: of them also in format B, in each other topic.
        words: words of each format, W.
        anchors: number of different anchors.
        length: words of a document after its header, L.
        held_out: documents of each kind in the validation split, and in the test split.

    Raises:
        UserError: sizes that are impossible together, or an argument of another part.
    """

    def __init__(
        self,
        part: Part = "corpus",
        documents: int | None = None,
        share_b: float | None = None,
        unseen: bool = False,
        seed: int | None = None,
        topics: int = 8,
        common_topics: int = 4,
        records: int = 300,
        common: int = 250,
        rare: int = 3,
        words: int = 24,
        anchors: int = 2000,
        length: int = 10,
        held_out: int = 200,
    ) -> None:
        if part not in get_args(Part):
            raise UserError(f"part is {part!r}, {WHERE}; must be one of {get_args(Part)}")
        self.world = World(resolve_seed(seed), topics, words, anchors, length)
        check_range(COUNT, WHERE, records=records, documents=documents, held_out=held_out)
        check_range(Range(at_least=1, below=topics), WHERE, common_topics=common_topics)
        check_range(Range(at_least=1, at_most=records), WHERE, common=common)
        check_range(Range(at_least=0, at_most=records), WHERE, rare=rare)
        check_range(SHARE, WHERE, share_b=share_b)
        for name, value, needed in (
            ("documents", documents is not None, part != "corpus"),
            ("share_b", share_b is not None, part == "reweighted"),
            ("unseen", unseen, part == "posterior" and unseen),
        ):
            if value != needed:
                raise UserError(
                    f"{name} is {'given' if value else 'missing'}, {WHERE} with part {part!r}; "
                    f"{'leave it out' if value else 'give it'}"
                )
        self.part, self.documents, self.share_b, self.unseen = part, documents, share_b, unseen
        self.topics, self.common_topics = topics, common_topics
        self.records, self.held_out = records, held_out
        self.in_b_Z = np.where(np.arange(topics) < common_topics, common, rare)

    def splits(self) -> Mapping[str, Dataset]:
        """Return the training split, and for ``corpus`` the validation and test splits."""
        if self.part != "corpus":
            makers = {
                "fresh": self._fresh,
                "posterior": self._posterior,
                "reweighted": self._reweighted,
            }
            return {"train": makers[self.part](self.documents or 0)}
        held_out = {name: self._held_out(name) for name in ("validation", "test")}
        return {"train": self._written(*self._copy_of_r("corpus")), **held_out}

    def vocabulary(self) -> list[str]:
        """Return all tokens: formats, topics, anchors, the words of A, the words of B."""
        return self.world.vocabulary()

    def siblings(self, texts: Sequence[str]) -> list[str]:
        """Return the document of the same record in the other format, of each document."""
        return self.world.siblings(texts)

    def kind_shares(self) -> dict[str, float]:
        """Return the share of the documents of R that are of each kind."""
        b = (self.in_b_Z[: self.common_topics].sum(), self.in_b_Z[self.common_topics :].sum())
        counts = np.array([self.topics * self.records, *b])
        return dict(zip(KINDS, (counts / counts.sum()).tolist(), strict=True))

    def sibling_pairs(self, per_topic: int, *, what: str) -> tuple[Dataset, Dataset]:
        """Return new documents in format A and their siblings in B, as many of each topic.

        Args:
            per_topic: records of each topic.
            what: names the draw: another name, other records.
        """
        topic_N = np.repeat(np.arange(self.topics), per_topic)
        drawn, names = self.world.draw(what, topic_N), self._names(what, topic_N)
        in_b_N = np.zeros(len(topic_N), bool)
        return self._written(drawn, in_b_N, names), self._written(drawn, ~in_b_N, names)

    def faults(self, seeds: Sequence[str], texts: Sequence[str]) -> dict[str, list[bool]]:
        """Return what is false in each text, by kind of fault.

        Args:
            seeds: the document that each text was made from; empty where there is none.
            texts: which may be no documents of this world at all.
        """
        return faults(self.world, texts, self.siblings(seeds) if any(seeds) else None)

    # How documents are made.

    def _copy_of_r(self, what: str) -> tuple[Latents, np.ndarray, list[str]]:
        """Draw documents as those of R: records, whether each is in format B, names of records."""
        topic_N = np.repeat(np.arange(self.topics), self.records)
        drawn, names = self.world.draw(what, topic_N), self._names(what, topic_N)
        also_b = np.tile(np.arange(self.records), self.topics) < self.in_b_Z[topic_N]
        row_N = np.concatenate([np.arange(len(topic_N)), np.flatnonzero(also_b)])
        in_b_N = np.arange(len(row_N)) >= len(topic_N)
        order = self.world.random(f"order of {what}").permutation(len(row_N))
        row_N = row_N[order]
        latents = Latents(*(column[row_N] for column in drawn))
        return latents, in_b_N[order], [names[row] for row in row_N]

    def _fresh(self, count: int) -> Dataset:
        from datasets import concatenate_datasets

        size = self.topics * self.records + int(self.in_b_Z.sum())
        copies = range(-(-count // size))
        parts = [self._written(*self._copy_of_r(f"fresh{copy}")) for copy in copies]
        return concatenate_datasets(parts).select(range(count))

    def _posterior(self, count: int) -> Dataset:
        drawn, in_b_N, names = self._copy_of_r("corpus")
        candidates = np.arange(len(names))
        if self.unseen:
            both = {name for name, in_b in zip(names, in_b_N, strict=True) if in_b}
            candidates = candidates[[name not in both for name in names]]
        row_N = self._passes("posterior", candidates, count)
        return self._drawn_again("posterior", drawn, in_b_N, names, row_N, sibling=True)

    def _reweighted(self, count: int) -> Dataset:
        drawn, in_b_N, names = self._copy_of_r("corpus")
        count_b = round(count * (self.share_b or 0.0))
        row_N = np.concatenate(
            [
                self._passes("reweighted a", np.flatnonzero(~in_b_N), count - count_b),
                self._passes("reweighted b", np.flatnonzero(in_b_N), count_b),
            ]
        )
        row_N = self.world.random("order of reweighted").permutation(row_N)
        return self._drawn_again("reweighted", drawn, in_b_N, names, row_N, sibling=False)

    def _passes(self, what: str, rows: np.ndarray, count: int) -> np.ndarray:
        """Draw ``count`` of the rows at random, each equally often (to one)."""
        if len(rows) == 0:
            raise UserError(f"no document of R can be drawn for {what!r}, {WHERE}")
        random = self.world.random(f"rows of {what}")
        passes = [random.permutation(rows) for _ in range(-(-count // len(rows)))]
        return np.concatenate([rows[:0], *passes])[:count]

    def _drawn_again(
        self,
        part: str,
        drawn: Latents,
        in_b_N: np.ndarray,
        names: list[str],
        row_N: np.ndarray,
        *,
        sibling: bool,
    ) -> Dataset:
        """Return documents of R, or their siblings, under new ids; ``source_id`` is that of R's."""
        latents = Latents(*(column[row_N] for column in drawn))
        of = [_id(names[row], in_b_N[row]) for row in row_N]
        ids = [f"{part}.{number}" for number in range(len(row_N))]
        return self._written(latents, in_b_N[row_N] ^ sibling, ids, source_ids=of, own_ids=True)

    def _held_out(self, split: str) -> Dataset:
        topics = np.arange(self.topics)
        groups = (topics, topics[: self.common_topics], topics[self.common_topics :])
        topic_N = np.concatenate([np.resize(group, self.held_out) for group in groups])
        in_b_N = np.repeat([False, True, True], self.held_out)
        return self._written(self.world.draw(split, topic_N), in_b_N, self._names(split, topic_N))

    @staticmethod
    def _names(what: str, topic_N: np.ndarray) -> list[str]:
        return [f"{what}.t{topic}.{number}" for number, topic in enumerate(topic_N)]

    def _written(
        self,
        drawn: Latents,
        in_b_N: np.ndarray,
        names: list[str],
        *,
        source_ids: list[str] | None = None,
        own_ids: bool = False,
    ) -> Dataset:
        """Write records as documents, each in its format."""
        from datasets import Dataset

        kind_N = np.where(in_b_N, np.where(drawn.topic < self.common_topics, 1, 2), 0)
        ids = names if own_ids else [_id(*one) for one in zip(names, in_b_N, strict=True)]
        return Dataset.from_dict(
            {
                "text": self.world.write(drawn, in_b_N),
                "id": ids,
                "source_id": source_ids or ["TwoFormats"] * len(ids),
                "kind": np.array(KINDS)[kind_N].tolist(),
            }
        )


def _id(name: str, in_b: bool) -> str:
    return f"{name}.{'b' if in_b else 'a'}"
