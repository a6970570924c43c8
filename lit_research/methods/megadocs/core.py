"""Constructors: from a document and the texts made from it to one long document, a megadoc.

They work on tokens of any type: token ids, words, or the characters that belong to each token (see
``TextSplitter``, whose tokens join to the text exactly).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from lit_research.errors import UserError

T = TypeVar("T")  # a token
Real = Literal["last", "first", "none"]
Kind = Literal["real", "rephrase", "thought", "separator", "tag"]

REAL: tuple[Real, ...] = ("last", "first", "none")
KINDS: tuple[Kind, ...] = ("real", "rephrase", "thought", "separator", "tag")
GENERATED: tuple[Kind, ...] = ("rephrase", "thought")
"""The pieces that a generator wrote."""


@dataclass(frozen=True)
class Source(Generic[T]):
    """A real document.

    Attributes:
        id: of the document.
        tokens: of its text, without an end of text.
    """

    id: str
    tokens: Sequence[T]


@dataclass(frozen=True)
class Piece(Generic[T]):
    """Consecutive tokens of a megadoc.

    Attributes:
        kind: ``real`` (a document, or a part of it), ``rephrase``, ``thought``, ``separator`` or
            ``tag`` (which opens or closes a thought).
        tokens: the piece itself.
        source_id: the document that it is, or was made from.
    """

    kind: Kind
    tokens: tuple[T, ...]
    source_id: str


@dataclass(frozen=True)
class Megadoc(Generic[T]):
    """One synthetic document.

    Attributes:
        source_id: the document whose megadoc it is.
        pieces: in order.
    """

    source_id: str
    pieces: tuple[Piece[T], ...]

    @property
    def tokens(self) -> list[T]:
        """All tokens, in order."""
        return [token for piece in self.pieces for token in piece.tokens]

    @property
    def generated(self) -> list[Piece[T]]:
        """The pieces that a generator wrote, in order."""
        return [piece for piece in self.pieces if piece.kind in GENERATED]

    def without(self, *kinds: Kind) -> list[T]:
        """Return the tokens of the pieces of all other kinds, in order."""
        return [t for piece in self.pieces if piece.kind not in kinds for t in piece.tokens]


def simple(
    documents: Sequence[Source[T]], rephrases: Sequence[Sequence[Sequence[T]]]
) -> list[Megadoc[T]]:
    """Make every rephrase a document of its own: the baseline, ``simple(G)``.

    Args:
        documents: the real documents.
        rephrases: those of each document.

    Returns:
        The rephrases, document after document.

    Raises:
        UserError: the rephrases are of another number of documents.
    """
    if len(documents) != len(rephrases):
        raise UserError(
            f"there are {len(documents)} documents and rephrases of {len(rephrases)}, in simple; "
            "must be one list of rephrases for each document"
        )
    return [
        Megadoc(document.id, (Piece("rephrase", tuple(text), document.id),))
        for document, of_one in zip(documents, rephrases, strict=True)
        for text in of_one
    ]


def stitch(
    document: Source[T],
    rephrases: Sequence[Sequence[T]],
    *,
    real: Real = "last",
    separator: Sequence[T] = (),
    order: Sequence[int] | None = None,
) -> Megadoc[T]:
    """Concatenate the rephrases of a document, and the document itself.

    ``s_1 SEP s_2 SEP ... s_G SEP d`` with the document last, the order that the paper found best.

    Args:
        document: the real document, d.
        rephrases: G texts, each of which says what the document says.
        real: where the document is: ``last``, ``first`` or ``none`` (left out).
        separator: between two texts.
        order: the rephrases by index; None keeps theirs.

    Raises:
        UserError: there is no rephrase, ``real`` is none of these, or ``order`` is no permutation.
    """
    where = f"in stitch, for the document {document.id!r}"
    if real not in REAL:
        raise UserError(f"real is {real!r}, {where}; must be {', '.join(REAL)}")
    if not rephrases:
        raise UserError(f"there is no rephrase, {where}; give at least one")
    indices = range(len(rephrases)) if order is None else order
    if sorted(indices) != list(range(len(rephrases))):
        raise UserError(
            f"order is {list(indices)}, {where}; must have each of 0 to {len(rephrases) - 1} once"
        )
    texts = [Piece[T]("rephrase", tuple(rephrases[index]), document.id) for index in indices]
    whole = Piece[T]("real", tuple(document.tokens), document.id)
    if real == "last":
        texts.append(whole)
    elif real == "first":
        texts.insert(0, whole)
    between = Piece[T]("separator", tuple(separator), document.id)
    pieces = [texts[0]]
    for text in texts[1:]:
        pieces += [between, text] if between.tokens else [text]
    return Megadoc(document.id, tuple(pieces))


def stretch(
    document: Source[T],
    thoughts: Sequence[Sequence[T] | None],
    *,
    opening: Sequence[T] = (),
    closing: Sequence[T] = (),
    can_cut: Sequence[bool] | None = None,
) -> Megadoc[T]:
    """Insert G thoughts into a document, between its G + 1 nearly equal pieces.

    ``p_0 <think> t_1 </think> p_1 ... <think> t_G </think> p_G``.

    Args:
        document: the real document.
        thoughts: G texts; the j-th leads from the pieces before it to those after it. They must be
            made for the pieces that ``cuts(len(document.tokens), G + 1, can_cut)`` separates. None
            inserts nothing between two pieces, where a thought was refused.
        opening: before each thought, such as ``<think>``.
        closing: after each thought.
        can_cut: for each token whether a piece may begin with it; None: with any token.

    Raises:
        UserError: there is no thought, or there are more pieces than tokens; see ``cuts``.
    """
    if all(thought is None for thought in thoughts):
        raise UserError(
            f"there is no thought, in stretch, for the document {document.id!r}; give at least one"
        )
    borders = cuts(len(document.tokens), len(thoughts) + 1, can_cut, name=document.id)
    ends = [*borders, len(document.tokens)]
    pieces = [Piece[T]("real", tuple(document.tokens[: ends[0]]), document.id)]
    for thought, start, end in zip(thoughts, ends, ends[1:], strict=False):
        between: list[tuple[Kind, Sequence[T]]] = []
        if thought is not None:
            between = [("tag", opening), ("thought", thought), ("tag", closing)]
        parts = [*between, ("real", document.tokens[start:end])]
        pieces += [Piece(kind, tuple(t), document.id) for kind, t in parts if len(t)]
    return Megadoc(document.id, tuple(pieces))


def cuts(
    length: int, pieces: int, can_cut: Sequence[bool] | None = None, *, name: str = ""
) -> list[int]:
    """Return where to cut a document into nearly equal pieces.

    The j-th cut is at ``round(j * length / pieces)``, or at the nearest token after the cut before
    it that a piece may begin with (the earlier one of two), such that later cuts find a token too.

    Args:
        length: tokens of the document.
        pieces: number of pieces, G + 1.
        can_cut: for each token whether a piece may begin with it: not where it continues the
            character of the token before it.
        name: of the document, for messages.

    Returns:
        The index of the first token of each piece but the first, ascending.

    Raises:
        UserError: there are more pieces than tokens that one can begin with.
    """
    allowed = [i for i in range(1, length) if can_cut is None or can_cut[i]]
    if pieces < 1 or pieces - 1 > len(allowed):
        raise UserError(
            f"the document {name!r} has {length} tokens, {most_pieces(length, can_cut)} of which "
            f"can begin a piece, in stretch; must be at least {max(pieces, 1)}, the number of "
            "pieces: use fewer thoughts, or leave out documents as short as this one"
        )
    borders: list[int] = []
    first = 0  # of the tokens that are left
    for number in range(1, pieces):
        wanted = round(number * length / pieces)
        last = len(allowed) - (pieces - 1 - number)  # leaves one for each later cut
        after = bisect_left(allowed, wanted, first, last)
        near = range(max(after - 1, first), min(after, last - 1) + 1)
        at = min(near, key=lambda i: (abs(allowed[i] - wanted), i))
        borders.append(allowed[at])
        first = at + 1
    return borders


def most_pieces(length: int, can_cut: Sequence[bool] | None = None) -> int:
    """Return into how many pieces ``cuts`` can cut a document at most.

    Args:
        length: tokens of the document.
        can_cut: as in ``cuts``.
    """
    return length if can_cut is None else min(length, 1) + sum(can_cut[1:])
