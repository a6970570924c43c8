"""``Records``: source of a world's documents, and of synthetic text in every arrangement."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.megadocs.core import Megadoc, Source, cuts, simple, stitch, stretch
from lit_research.methods.megadocs.shuffling import shuffle_pieces
from lit_research.methods.megadocs.world import CLOSE, OPEN, World, next_thought
from lit_research.ranges import COUNT, Range, check_range
from lit_research.seeds import derive_seed, resolve_seed
from lit_research.text import DocumentSource

Part = Literal["corpus", "simple", "stitched", "shuffled", "stretched"]
Row = dict[str, str]
WHERE = "in init_args of Records"


class Records(DocumentSource):
    """Documents of a ``World``: real ones, or synthetic text made from those of the training split.

    ``splits`` returns, by ``part``:

    - ``corpus``: the real documents, also of ``validation`` and ``test``, whose entities are new;
    - ``simple``: every rephrase as a document of its own;
    - ``stitched``: the rephrases of a document in one megadoc with the document itself, ``real``
      last or first;
    - ``shuffled``: the same megadocs with the rephrases of different documents exchanged, the
      control;
    - ``stretched``: the document in ``generations + 1`` pieces, with a thought before each of them
      but the first; at most as many thoughts as ``facts``.

    Args:
        part: as above.
        generations: G, rephrases or thoughts of a document; only with synthetic parts.
        real: where the real document stands in its megadoc, ``last`` or ``first``; only with
            ``stitched`` and ``shuffled``.
        entities: number of them, one training document each.
        validation_entities: of ``validation``, and as many of ``test``; a multiple of ``styles``.
        passage_pieces: texts of a long passage (see ``passages``), at most ``styles``.
        attributes: of an entity.
        values: of an attribute.
        facts: attributes that a document states.
        styles: of texts; real documents are in the first.
        skew: of the values; see ``World``.
        seed: of the world; None takes ``seed_everything``.

    Raises:
        UserError: a number is out of range, or has no effect on the part.
    """

    def __init__(
        self,
        part: Part = "corpus",
        generations: int | None = None,
        real: Literal["last", "first"] = "last",
        entities: int = 300,
        validation_entities: int = 300,
        passage_pieces: int = 6,
        attributes: int = 6,
        values: int = 16,
        facts: int = 4,
        styles: int = 6,
        skew: float = 1.27,
        seed: int | None = None,
    ) -> None:
        check_range(Range(at_least=2), WHERE, entities=entities)
        if part not in get_args(Part):
            raise UserError(
                f"part is {part!r}, {WHERE}; must be one of {', '.join(get_args(Part))}"
            )
        if (part == "corpus") != (generations is None):
            raise UserError(
                f"generations is {generations} and part {part!r}, {WHERE}; give it with every part "
                "but corpus"
            )
        check_range(COUNT, WHERE, generations=generations)
        if real == "first" and part not in ("stitched", "shuffled"):
            raise UserError(
                f"real is {real!r} and part {part!r}, {WHERE}; only stitched and shuffled have an "
                "order, leave it out"
            )
        self.world = World(resolve_seed(seed), attributes, values, facts, styles, skew)
        check_passages(self.world, validation_entities, passage_pieces)
        self.part, self.generations, self.order = part, generations or 0, real
        self.sizes = {"train": entities, "validation": validation_entities}
        self.sizes["test"] = validation_entities
        self.passage_pieces = passage_pieces

    def vocabulary(self) -> list[str]:
        """Return every word of every part."""
        return self.world.vocabulary()

    def entities(self, split: str) -> list[str]:
        """Return the entities of a split, by the ids of their real documents."""
        return [f"{split}-{number}" for number in range(self.sizes[split])]

    def splits(self) -> dict[str, list[dict[str, str]]]:
        """Return the documents of the part."""
        if self.part == "corpus":
            return {split: self._real(split) for split in self.sizes}
        return {"train": self._synthetic()}

    def passages(self, split: str) -> list[list[str]]:
        """Return a long passage on each entity of a split, as its texts.

        A passage is ``passage_pieces`` texts in different styles. Each style comes last equally
        often, so that no arrangement of the training text is favoured.
        """
        world, names = self.world, self.world.style_names
        return [
            world.passage(entity, names[number % len(names)], self.passage_pieces)
            for number, entity in enumerate(self.entities(split))
        ]

    def _real(self, split: str) -> list[Row]:
        return [
            {"text": self.world.document(entity), "id": entity, "source_id": entity, "kind": "real"}
            for entity in self.entities(split)
        ]

    def _synthetic(self) -> list[Row]:
        """Return the texts of a synthetic part in random order, each with its source."""
        made = self._made()
        rng = np.random.default_rng(derive_seed(self.world.seed, "order of", self.part))
        return [
            {
                "text": " ".join(made[number].tokens),
                "id": f"{self.part}-{number}",
                "source_id": made[number].source_id,
                "kind": self.part,
            }
            for number in rng.permutation(len(made))
        ]

    def _made(self) -> list[Megadoc[str]]:
        """Return the documents of a synthetic part, source after source."""
        documents = [
            Source(entity, self.world.document(entity).split()) for entity in self.entities("train")
        ]
        if self.part == "stretched":
            return [self._stretched(document) for document in documents]
        rephrases = [
            [self.world.rephrase(d.id, number).split() for number in range(self.generations)]
            for d in documents
        ]
        if self.part == "simple":
            return simple(documents, rephrases)
        megadocs = [
            stitch(document, of_one, real=self.order)
            for document, of_one in zip(documents, rephrases, strict=True)
        ]
        if self.part == "shuffled":
            return shuffle_pieces(megadocs, derive_seed(self.world.seed, "shuffled"))
        return megadocs

    def _stretched(self, document: Source[str]) -> Megadoc[str]:
        """Return a document with its thoughts; no cut is between a value and its attribute."""
        words = document.tokens
        can_cut = ["=" not in word for word in words]
        borders = cuts(len(words), self.generations + 1, can_cut, name=document.id)
        thoughts = [[next_thought(words[border:])] for border in borders]
        return stretch(document, thoughts, opening=[OPEN], closing=[CLOSE], can_cut=can_cut)


def check_passages(world: World, entities: int, pieces: int) -> None:
    """Refuse passages that cannot be balanced over their last style.

    Args:
        world: of the passages.
        entities: number of passages, each about another.
        pieces: texts of a passage.

    Raises:
        UserError: a style would come last more often than another, or a style would come twice.
    """
    check_range(COUNT, WHERE, validation_entities=entities)
    check_range(Range(at_least=2, at_most=world.styles), WHERE, passage_pieces=pieces)
    if entities % world.styles:
        raise UserError(
            f"validation_entities is {entities}, in init_args of Records; must be a multiple of "
            f"the {world.styles} styles, each of which comes last equally often in the passages"
        )
