"""Rows of pairs, and pairs whose relation is broken."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.methods.sbp.core import SHORTEST_FIRST, pair_row, shuffled

SEPARATOR, END = 1000, 1001


@given(first=st.integers(0, 60), second=st.integers(0, 40), length=st.integers(20, 90))
def test_labels_are_d2_and_the_end_and_only_d1_is_cut(first, second, length):
    d1, d2 = [*range(first)], [*range(100, 100 + second)]
    options = {"separator": SEPARATOR, "end": END, "sequence_length": length}
    if min(first, SHORTEST_FIRST) + 1 + second > length:
        with pytest.raises(UserError, match="after cutting d1 to 16 tokens"):
            pair_row(d1, d2, **options)
        return
    row = pair_row(d1, d2, **options)
    kept = len(row.tokens) - 2 - second
    assert row.tokens == [*d1[:kept], SEPARATOR, *d2, END]
    assert [label for label in row.labels if label != IGNORE] == [*d2, END]
    assert kept == min(first, length - 1 - second)
    assert len(row.inputs) <= length


def test_a_pair_that_is_too_long_names_its_document():
    with pytest.raises(UserError, match=r"27 positions .* 26: d2 \('doc-7'\) has 10"):
        pair_row([*range(50)], [*range(10)], separator=1, end=2, sequence_length=26, name="doc-7")


@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), min_size=12, max_size=40))
def test_shuffling_breaks_every_pair_and_keeps_the_documents(pairs):
    first, second = map(np.array, zip(*pairs, strict=True))
    assume(np.bincount(first).max() <= len(first) // 3)
    other = shuffled(first, second, np.random.default_rng(0))
    assert not ((other == first) | (other == second)).any()
    assert sorted(other) == sorted(first)


def test_pairs_of_one_d1_cannot_be_shuffled():
    with pytest.raises(UserError, match="since 1 documents are all of them"):
        shuffled(np.zeros(5, int), np.arange(1, 6), np.random.default_rng(0))
