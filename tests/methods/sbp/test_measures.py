"""Copied runs and repetition by brute force; the recovered share by its own arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.sbp.measures import longest_common_run, recovered_share, repeated_share

TOKENS = st.lists(st.integers(0, 3), max_size=30)


def runs(tokens):
    return {tuple(tokens[a:b]) for a in range(len(tokens)) for b in range(a, len(tokens) + 1)}


@given(TOKENS, TOKENS)
def test_the_longest_common_run_is_that_of_brute_force(first, second):
    expected = max(map(len, runs(first) & runs(second)), default=0)
    assert longest_common_run(first, second) == expected
    assert longest_common_run(second, first) == expected


@given(TOKENS, st.integers(1, 5))
def test_the_repeated_share_counts_every_covered_token_once(tokens, ngram):
    grams = [tuple(tokens[s : s + ngram]) for s in range(len(tokens) - ngram + 1)]
    covered = {s + k for s, g in enumerate(grams) if g in grams[:s] for k in range(ngram)}
    assert repeated_share(tokens, ngram) == (len(covered) / len(tokens) if tokens else 0)


def test_repetition_of_one_token_and_of_none():
    assert repeated_share([7] * 10, 5) == 0.9  # all but the first
    assert repeated_share(range(100), 3) == 0


def test_the_recovered_share_of_the_paper():
    # 200B tokens, 3B parameters: +2.32 of +5.54 points, as losses.
    found = recovered_share([-47.66] * 3, [-49.98] * 3, [-53.20] * 3)
    assert found.effect == pytest.approx(0.42, abs=0.002)
    assert found.interval == pytest.approx((found.effect, found.effect))


def test_the_interval_of_the_recovered_share_is_paired_and_opens_where_the_gain_is_small():
    rng = np.random.default_rng(0)
    world = rng.standard_normal(8)  # shared by the arms of a seed
    base, method, oracle = (world + m + 0.02 * rng.standard_normal(8) for m in (3.0, 2.5, 2.0))
    found = recovered_share(base, method, oracle)
    assert found.effect == pytest.approx(0.5, abs=0.02)
    assert found.interval[0] < found.effect < found.interval[1]
    assert found.interval[1] - found.interval[0] < 0.1
    small = recovered_share(base, method, base - np.tile([0.3, -0.2], 4))
    assert math.isinf(small.interval[1] - small.interval[0])


@pytest.mark.parametrize("oracle", [[3.0, 3.2], [3.1, 3.3], [float("nan"), 1.0]])
def test_an_oracle_that_is_no_better_gives_no_share(oracle):
    with pytest.raises(UserError, match=r"not below the tuned baseline's 3\.1"):
        recovered_share([3.0, 3.2], [2.0, 2.0], oracle)


def test_arms_of_different_seeds_are_refused():
    with pytest.raises(UserError, match=r"\[2\], \[3\], \[2\]"):
        recovered_share([3.0, 3.2], [2.0, 2.0, 2.0], [1.0, 1.0])
