"""The control: stitched megadocs whose pieces are exchanged, so that only the grouping differs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.megadocs.core import GENERATED, Megadoc, Piece

T = TypeVar("T")


def shuffle_pieces(megadocs: Sequence[Megadoc[T]], seed: int) -> list[Megadoc[T]]:
    """Exchange the generated pieces of megadocs, so that no two in one are of the same source.

    The result has as many megadocs, each with its separators, its real document in its place and as
    many generated pieces as before; all pieces are there once. So the tokens of each kind and the
    real copies are those of ``megadocs``. In a result

    - no generated piece is of the source of the megadoc that it is in (which is that of the real
      document), and no two are of the same source;
    - a piece takes the place of one with the same number (the j-th stays a j-th) and with the same
      length, where enough others have that number and length (2 G + 2 always are); else that of
      the nearest length, and only where no such exchange is possible that of another number.

    The length of a megadoc thus stays exactly the same where all pieces of a number are equally
    long, or have equally long partners; elsewhere it changes by the difference between neighbours
    in the order of lengths.

    Args:
        megadocs: as ``stitch`` makes them, one for each source.
        seed: of the choice among pieces of equal length.

    Raises:
        UserError: two megadocs are of the same source, or there are too few to exchange between:
            2 G + 2 are always enough for G pieces each.
    """
    if repeated := [k for k, n in Counter(m.source_id for m in megadocs).items() if n > 1]:
        raise UserError(
            f"{len(repeated)} sources have several megadocs ({repeated[0]!r} first), in "
            "shuffle_pieces; must be one for each source"
        )
    places = [
        (number, slot, index)
        for number, megadoc in enumerate(megadocs)
        for slot, index in enumerate(_generated(megadoc))
    ]
    places = _by_slot_and_length(places, megadocs, seed)
    exchange = _Exchange(megadocs, places)
    exchange.rotate()
    exchange.repair()
    return exchange.result()


_Place = tuple[int, int, int]  # number of the megadoc, of the generated piece, index of the piece


def _generated(megadoc: Megadoc[T]) -> list[int]:
    return [i for i, piece in enumerate(megadoc.pieces) if piece.kind in GENERATED]


def _by_slot_and_length(
    places: list[_Place], megadocs: Sequence[Megadoc[T]], seed: int
) -> list[_Place]:
    """Order by number of the piece, then by length, then at random."""
    random = np.random.default_rng(seed).permutation(len(places))
    keys = [(slot, len(megadocs[number].pieces[i].tokens)) for number, slot, i in places]
    return [places[i] for i in sorted(range(len(places)), key=lambda i: (*keys[i], random[i]))]


class _Exchange(Generic[T]):
    """Which piece is at which place; ``of`` maps places to them, both by their rank in the order.

    Args:
        megadocs: before the exchange.
        places: of all generated pieces, in order.
    """

    def __init__(self, megadocs: Sequence[Megadoc[T]], places: list[_Place]) -> None:
        self.megadocs, self.places = megadocs, places
        self.pieces: list[Piece[T]] = [megadocs[n].pieces[i] for n, _, i in places]
        self.of = list(range(len(places)))
        slots = [slot for _, slot, _ in places]
        self.keys = [(s, len(p.tokens)) for s, p in zip(slots, self.pieces, strict=True)]

    def rotate(self) -> None:
        """Move the pieces of equal length and number by one place; single ones join the next."""
        keys, start, size = self.keys, 0, len(self.keys)
        while start < size:
            end = start + 1
            # A block ends where the length changes, has two places at least, and one number.
            while end < size and (
                keys[end] == keys[end - 1] or (end - start < 2 and keys[end][0] == keys[start][0])
            ):
                end += 1
            self.of[start:end] = [*range(start + 1, end), start]
            start = end

    def repair(self) -> None:
        """Swap each misplaced piece with the nearest one such that both are well placed.

        Raises:
            UserError: there is none.
        """
        self.sources = [Counter[str]() for _ in self.megadocs]
        for rank in range(len(self.places)):
            self._count(rank, 1)
        for rank in range(len(self.places)):
            if self._is_wrong(rank):
                self._swap_with_nearest(rank)

    def _source(self, rank: int) -> str:
        return self.pieces[self.of[rank]].source_id

    def _count(self, rank: int, change: int) -> None:
        self.sources[self.places[rank][0]][self._source(rank)] += change

    def _is_wrong(self, rank: int) -> bool:
        """Return whether the piece's source is the megadoc's, or that of another piece in it."""
        number = self.places[rank][0]
        source = self._source(rank)
        return source == self.megadocs[number].source_id or self.sources[number][source] > 1

    def _swap_with_nearest(self, rank: int) -> None:
        for other in self._nearest(rank):
            self._swap(rank, other)
            if not self._is_wrong(rank) and not self._is_wrong(other):
                return
            self._swap(rank, other)
        pieces = defaultdict[int, int](int)
        for number, *_ in self.places:
            pieces[number] += 1
        most = max(pieces.values())
        raise UserError(
            f"{len(self.megadocs)} megadocs of up to {most} generated pieces are too few to "
            f"exchange pieces between, in shuffle_pieces; {2 * most + 2} are always enough where "
            "all have equally many"
        )

    def _nearest(self, rank: int) -> Iterator[int]:
        """Iterate over the other ranks: the same number first, then by difference of lengths."""
        slot, length = self.keys[rank]
        before, after = rank - 1, rank + 1
        while before >= 0 or after < len(self.keys):
            sides = [side for side in (before, after) if 0 <= side < len(self.keys)]
            nearest = min(
                sides,
                key=lambda i: (abs(self.keys[i][0] - slot), abs(self.keys[i][1] - length)),
            )
            yield nearest
            if nearest == before:
                before -= 1
            else:
                after += 1

    def _swap(self, a: int, b: int) -> None:
        for change in (-1, 1):
            self._count(a, change)
            self._count(b, change)
            if change < 0:
                self.of[a], self.of[b] = self.of[b], self.of[a]

    def result(self) -> list[Megadoc[T]]:
        """Return the megadocs after the exchange."""
        pieces = [list(megadoc.pieces) for megadoc in self.megadocs]
        for (number, _, index), taken in zip(self.places, self.of, strict=True):
            pieces[number][index] = self.pieces[taken]
        return [
            replace(megadoc, pieces=tuple(of_one))
            for megadoc, of_one in zip(self.megadocs, pieces, strict=True)
        ]
