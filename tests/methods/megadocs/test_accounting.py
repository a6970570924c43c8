"""Counts of a synthetic stream, and of the passes of a run over it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.megadocs import (
    Source,
    count,
    count_passes,
    simple,
    stitch,
    stretch,
    total_steps,
)

DOCUMENTS = [Source("a", [1] * 10), Source("b", [2] * 6)]


def test_a_stitched_stream_is_counted():
    account = count(stitch(d, [[3] * 4, [4] * 5], separator=[0]) for d in DOCUMENTS)
    assert account.documents == account.sources == account.real_copies == 2
    assert account.generations == {2: 2}
    assert account.tokens == {"real": 16, "rephrase": 18, "thought": 0, "separator": 4, "tag": 0}
    assert (account.total_tokens, account.longest) == (38, 21)
    assert json.loads(json.dumps(account.card()))["generations"] == {"2": 2}


def test_a_stretched_document_is_one_copy():
    long = stretch(DOCUMENTS[0], [[3], [4, 4]], opening=[8], closing=[9])
    account = count([long, stretch(DOCUMENTS[1], [[5]])])
    assert account.real_copies == 2
    assert account.generations == {1: 1, 2: 1}
    assert account.tokens == {"real": 16, "rephrase": 0, "thought": 4, "separator": 0, "tag": 4}


def test_a_simple_stream_has_no_real_copy():
    account = count(simple(DOCUMENTS, [[[3], [4]], [[5]]]))
    assert (account.documents, account.sources, account.real_copies) == (3, 2, 0)
    assert account.generations == {1: 1, 2: 1}


@pytest.mark.parametrize(
    ("passes", "share", "steps"), [(8, 0.75, 24864), (4, 0.75, 12432), (32, 0.9, 248640)]
)
def test_the_papers_steps(passes, share, steps):
    assert total_steps(777, passes, share) == steps


@given(st.integers(1, 2000), st.integers(1, 64), st.integers(1, 99))
def test_steps_are_the_floor(windows, passes, percent):
    exact = windows * passes * 100 // (100 - percent)
    assert total_steps(windows, passes, percent / 100) == exact


def test_passes_count_the_copies_inside_megadocs():
    account = count(stitch(d, [[3] * 4]) for d in DOCUMENTS)
    made = count_passes(
        account, real_windows=100, real_documents=2, synthetic_windows=150, passes=3, share=0.75
    )
    assert (made.total_windows, made.synthetic_windows, made.real) == (1200, 900, 3)
    assert (made.synthetic, made.real_with_copies) == (6.0, 9.0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(UserError, match=r"share is .* must be above 0 and below 1"):
        total_steps(777, 8, share)
