"""``TwoFormats``: a world whose documents come in two formats, and what is known about it.

Legend: Z topics, W words of a language, L words of a document, N documents, V tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.sbp.truth import HEADER as HEADER
from lit_research.methods.sbp.truth import faults
from lit_research.ranges import COUNT, SHARE, Range, check_range
from lit_research.seeds import derive_seed, resolve_seed
from lit_research.text import DocumentSource

if TYPE_CHECKING:
    from datasets import Dataset

Part = Literal["corpus", "fresh", "posterior", "reweighted"]

KINDS = ("a", "common_b", "rare_b")
"""Kinds of documents: format A, and format B of a common and of a rare topic."""

SUCCESSORS = (0.7, 0.2, 0.1)
"""Probabilities of the three words that can follow a word."""

_FORMATS = ("A", "B")
_WHERE = "in source.init_args of TwoFormats"


def chain_entropy() -> float:
    """Return the entropy of a word given the one before it and the topic, 0.802 nats."""
    return -sum(p * math.log(p) for p in SUCCESSORS)


class Latents(NamedTuple):
    """What documents are written from; a record has one document in each format, its siblings."""

    topic: np.ndarray  # [N]
    anchors: np.ndarray  # [N, 2]
    words: np.ndarray  # [N, L], as A writes them


class TwoFormats(DocumentSource):
    """Documents written from records in two formats, where one format of some topics is rare.

    A document is its format (``A`` or ``B``), its topic, the two anchors of its record, which no
    other record of R has both, and the words of a Markov chain of its topic. Format B writes every
    word by a fixed permutation into other tokens, so that the dictionary is in no single document,
    only in pairs of them. The corpus R has ``records`` documents of each topic in format A;
    ``common`` of them are also there in format B where the topic is one of ``common_topics``, and
    ``rare`` of them elsewhere.

    Each word has three successors (probabilities .7, .2, .1), different ones in each topic, and
    is a successor three times: the words of each topic are uniformly distributed.

    Every draw depends on the seed and on what is drawn, so that all parts are of one world. The
    documents of every part are in random order: siblings are no neighbours in a training window.

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
            raise UserError(f"part is {part!r}, {_WHERE}; must be one of {get_args(Part)}")
        check_range(Range(at_least=2), _WHERE, topics=topics)
        check_range(Range(at_least=3), _WHERE, words=words)
        check_range(COUNT, _WHERE, length=length, held_out=held_out)
        check_range(COUNT, _WHERE, records=records, documents=documents)
        check_range(Range(at_least=2), _WHERE, anchors=anchors)
        check_range(Range(at_least=1, below=topics), _WHERE, common_topics=common_topics)
        check_range(Range(at_least=1, at_most=records), _WHERE, common=common)
        check_range(Range(at_least=0, at_most=records), _WHERE, rare=rare)
        check_range(SHARE, _WHERE, share_b=share_b)
        for name, value, needed in (
            ("documents", documents is not None, part != "corpus"),
            ("share_b", share_b is not None, part == "reweighted"),
            ("unseen", unseen, part == "posterior" and unseen),
        ):
            if value != needed:
                raise UserError(
                    f"{name} is {'given' if value else 'missing'}, {_WHERE} with part {part!r}; "
                    f"{'leave it out' if value else 'give it'}"
                )
        self.part, self.documents, self.share_b, self.unseen = part, documents, share_b, unseen
        self.seed = resolve_seed(seed)
        self.topics, self.common_topics, self.records = topics, common_topics, records
        self.words, self.anchors, self.length, self.held_out = words, anchors, length, held_out
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
        return [
            *_FORMATS,
            *(f"t{number}" for number in range(self.topics)),
            *(f"n{number}" for number in range(self.anchors)),
            *(f"a{number}" for number in range(self.words)),
            *(f"b{number}" for number in range(self.words)),
        ]

    # What is known about the world.

    @cached_property
    def successors(self) -> np.ndarray:
        """The words that can follow each word in each topic, the likeliest first, ``[Z, W, 3]``."""
        random = self._random("chains")
        chains = np.empty((self.topics, self.words, len(SUCCESSORS)), np.int64)
        for topic in range(self.topics):
            rank = 0
            while rank < len(SUCCESSORS):  # permutations without a common value
                chain = random.permutation(self.words)
                if not (chains[topic, :, :rank] == chain[:, None]).any():
                    chains[topic, :, rank] = chain
                    rank += 1
                elif random.random() < 0.01:
                    rank = 0  # few words: the first ones may leave no third
        return chains

    @cached_property
    def dictionary(self) -> np.ndarray:
        """The number of the word of B that writes each word of A, ``[W]``."""
        return self._random("dictionary").permutation(self.words)

    @property
    def word_entropy(self) -> float:
        """Mean entropy of a word of a document given its topic, in nats: no loss is below it.

        The first word is uniform, the others have ``chain_entropy``.
        """
        return (math.log(self.words) + (self.length - 1) * chain_entropy()) / self.length

    def siblings(self, texts: Sequence[str]) -> list[str]:
        """Return the document of the same record in the other format, of each document."""
        vocabulary = self.vocabulary()
        swapped = dict(zip(vocabulary, np.array(vocabulary)[self._translation], strict=True))
        return [" ".join(swapped[word] for word in text.split()) for text in texts]

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
        drawn, names = self._latents(what, topic_N), self._names(what, topic_N)
        in_b_N = np.zeros(len(topic_N), bool)
        return self._written(drawn, in_b_N, names), self._written(drawn, ~in_b_N, names)

    def faults(self, seeds: Sequence[str], texts: Sequence[str]) -> dict[str, list[bool]]:
        """Return what is false in each text, by kind of fault.

        Args:
            seeds: the document that each text was made from; empty where there is none.
            texts: which may be no documents of this world at all.
        """
        siblings = self.siblings(seeds) if any(seeds) else None
        return faults(texts, siblings, self.topics, self.length, self.successors, self.dictionary)

    # How documents are made.

    def _random(self, what: str) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self.seed, "TwoFormats", what))

    def _latents(self, what: str, topic_N: np.ndarray) -> Latents:
        """Draw the records of the given topics.

        Raises:
            UserError: there are more of them than pairs of anchors.
        """
        if len(topic_N) > math.comb(self.anchors, 2):
            raise UserError(
                f"anchors is {self.anchors}, {_WHERE}, too few for the pairs of anchors of "
                f"{len(topic_N)} records; give more"
            )
        random, count = self._random(what), len(topic_N)
        higher, lower = np.tril_indices(self.anchors, -1)
        chosen = random.choice(len(higher), count, replace=False)  # no two records have the same
        anchors_N2 = random.permuted(np.column_stack([higher, lower])[chosen], axis=1)
        words_NL = np.empty((count, self.length), np.int64)
        words_NL[:, 0] = random.integers(self.words, size=count)
        rank_NL = random.choice(len(SUCCESSORS), (count, self.length), p=SUCCESSORS)
        for place in range(1, self.length):
            before_N, rank_N = words_NL[:, place - 1], rank_NL[:, place]
            words_NL[:, place] = self.successors[topic_N, before_N, rank_N]
        return Latents(topic_N, anchors_N2, words_NL)

    def _copy_of_r(self, what: str) -> tuple[Latents, np.ndarray, list[str]]:
        """Draw documents as those of R: records, whether each is in format B, names of records."""
        topic_N = np.repeat(np.arange(self.topics), self.records)
        drawn, names = self._latents(what, topic_N), self._names(what, topic_N)
        also_b = np.tile(np.arange(self.records), self.topics) < self.in_b_Z[topic_N]
        row_N = np.concatenate([np.arange(len(topic_N)), np.flatnonzero(also_b)])
        in_b_N = np.arange(len(row_N)) >= len(topic_N)
        order = self._random(f"order of {what}").permutation(len(row_N))
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
        row_N = self._random("order of reweighted").permutation(row_N)
        return self._drawn_again("reweighted", drawn, in_b_N, names, row_N, sibling=False)

    def _passes(self, what: str, rows: np.ndarray, count: int) -> np.ndarray:
        """Draw ``count`` of the rows at random, each equally often (to one)."""
        if len(rows) == 0:
            raise UserError(f"no document of R can be drawn for {what!r}, {_WHERE}")
        random = self._random(f"rows of {what}")
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
        return self._written(self._latents(split, topic_N), in_b_N, self._names(split, topic_N))

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

        first = {"topic": 2, "anchor": 2 + self.topics, "a": 2 + self.topics + self.anchors}
        words_NL = np.where(in_b_N[:, None], self.words + self.dictionary[drawn.words], drawn.words)
        tokens = np.column_stack(
            [
                in_b_N.astype(np.int64),
                first["topic"] + drawn.topic,
                first["anchor"] + drawn.anchors,
                first["a"] + words_NL,
            ]
        )
        spelled = np.array(self.vocabulary(), dtype=object)[tokens]
        kind_N = np.where(in_b_N, np.where(drawn.topic < self.common_topics, 1, 2), 0)
        ids = names if own_ids else [_id(*one) for one in zip(names, in_b_N, strict=True)]
        return Dataset.from_dict(
            {
                "text": [" ".join(row) for row in spelled],
                "id": ids,
                "source_id": source_ids or ["TwoFormats"] * len(ids),
                "kind": np.array(KINDS)[kind_N].tolist(),
            }
        )

    @cached_property
    def _translation(self) -> np.ndarray:
        """The token that the sibling of a document has in the place of each token, ``[V]``."""
        first = 2 + self.topics + self.anchors
        same, inverse = np.arange(2, first), np.argsort(self.dictionary)
        a, b = first + inverse, first + self.words + self.dictionary
        return np.concatenate([[1, 0], same, b, a])


def _id(name: str, in_b: bool) -> str:
    return f"{name}.{'b' if in_b else 'a'}"


def pair_precision_and_recall(
    first: np.ndarray, second: np.ndarray, ids: Sequence[str]
) -> tuple[float, float]:
    """Return the share of the pairs that are siblings, and of the siblings that are paired.

    Args:
        first: places of documents, ``[P]``; every pair is there once in each direction.
        second: the other document of each pair, ``[P]``.
        ids: of all documents, those of the part ``corpus`` or ``fresh``, ``[N]``.
    """
    names = np.array([name.rpartition(".")[0] for name in ids])
    record_N, documents = np.unique(names, return_inverse=True, return_counts=True)[1:]
    right = int((record_N[first] == record_N[second]).sum())
    siblings = 2 * int((documents == 2).sum())
    return right / max(len(first), 1), right / max(siblings, 1)
