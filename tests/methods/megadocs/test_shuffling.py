"""The control: everything is that of the stitched megadocs but for the grouping."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.megadocs import Megadoc, Source, count, shuffle_pieces, stitch

SEP = (999,)


def corpus(lengths: list[list[int]], real: str = "last") -> list[Megadoc[int]]:
    """Return stitched megadocs; a token tells its source and its piece."""
    return [
        stitch(
            Source(f"d{i}", [1000 * i] * (3 + i % 2)),
            [[1000 * i + 1 + j] * length for j, length in enumerate(of_one)],
            real=real,
            separator=SEP,
        )
        for i, of_one in enumerate(lengths)
    ]


def check(stitched: list[Megadoc[int]], shuffled: list[Megadoc[int]]) -> None:
    assert count(shuffled) == count(stitched) or lengths(shuffled) != lengths(stitched)
    assert count(shuffled).tokens == count(stitched).tokens
    assert count(shuffled).real_copies == count(stitched).real_copies
    bags = [Counter(p for m in one for p in m.pieces) for one in (stitched, shuffled)]
    assert bags[0] == bags[1]
    for before, after in zip(stitched, shuffled, strict=True):
        assert after.source_id == before.source_id
        assert [p.kind for p in after.pieces] == [p.kind for p in before.pieces]
        kept = [(a, b) for a, b in zip(before.pieces, after.pieces, strict=True)]
        assert all(a == b for a, b in kept if a.kind != "rephrase")
        sources = [p.source_id for p in after.generated]
        assert len({*sources, after.source_id}) == len(sources) + 1


def lengths(megadocs: list[Megadoc[int]]) -> list[int]:
    return [len(m.tokens) for m in megadocs]


@given(
    st.integers(1, 5).flatmap(
        lambda g: st.lists(
            st.lists(st.integers(1, 9), min_size=g, max_size=g), min_size=2 * g + 2, max_size=30
        )
    ),
    st.integers(0, 5),
    st.sampled_from(["last", "first", "none"]),
)
@settings(max_examples=60, deadline=None)
def test_only_the_grouping_differs(piece_lengths, seed, real):
    stitched = corpus(piece_lengths, real)
    shuffled = shuffle_pieces(stitched, seed)
    check(stitched, shuffled)
    for slot in range(len(piece_lengths[0])):  # the j-th piece remains a j-th piece
        pieces = [{m.generated[slot] for m in one} for one in (stitched, shuffled)]
        assert pieces[0] == pieces[1]


@pytest.mark.parametrize("seed", range(3))
def test_lengths_are_exactly_the_same_where_pieces_have_partners(seed):
    # Each number of the piece with three lengths, each of which many pieces have.
    stitched = corpus([[4 + (i + j) % 3 for j in range(4)] for i in range(60)])
    shuffled = shuffle_pieces(stitched, seed)
    check(stitched, shuffled)
    assert lengths(shuffled) == lengths(stitched)


def test_lengths_of_unequal_pieces_differ_by_neighbours():
    stitched = corpus([[10 + i, 500 - 3 * i] for i in range(50)])
    shuffled = shuffle_pieces(stitched, 0)
    check(stitched, shuffled)
    assert max(abs(a - b) for a, b in zip(*map(lengths, (stitched, shuffled)), strict=True)) <= 12


def test_unequal_numbers_of_pieces():
    stitched = corpus([[5] * (1 + i % 4) for i in range(40)])
    check(stitched, shuffle_pieces(stitched, 1))


def test_the_seed_draws_another_exchange():
    stitched = corpus([[5, 5]] * 20)
    assert shuffle_pieces(stitched, 0) == shuffle_pieces(stitched, 0)
    assert shuffle_pieces(stitched, 0) != shuffle_pieces(stitched, 1)


@pytest.mark.parametrize(
    ("megadocs", "message"),
    [
        (corpus([[5, 5, 5]] * 3), "3 megadocs .* are too few .* 8 are always enough"),
        (corpus([[5]] * 9) + corpus([[5]]), "several megadocs .'d0' first"),
    ],
)
def test_refusals(megadocs, message):
    with pytest.raises(UserError, match=message):
        shuffle_pieces(megadocs, 0)
