"""Corrections by their definitions, and the errors that they promise to bound."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lit_research.errors import UserError
from lit_research.stats import benjamini_hochberg, bonferroni, holm
from tests.stats.simulate import SETS, within_three_errors

P = st.lists(st.floats(0, 1), max_size=8)


def test_a_textbook_table():
    p = [0.01, 0.04, 0.03, 0.005]
    assert bonferroni(p) == pytest.approx([0.04, 0.16, 0.12, 0.02])
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert len(holm([])) == 0


@given(P)
def test_holm_is_the_closure_of_bonferroni(p):
    # A claim holds if every set of claims that has it is refuted by Bonferroni's test.
    adjusted = holm(p)
    for place in range(len(p)):
        sets = [
            others
            for size in range(len(p))
            for others in combinations([k for k in range(len(p)) if k != place], size)
        ]
        worst = max(min(1.0, (len(s) + 1) * min([p[place], *(p[k] for k in s)])) for s in sets)
        assert adjusted[place] == pytest.approx(worst)


@given(P)
def test_benjamini_hochberg_is_scipys(p):
    expected = stats.false_discovery_control(p) if p else []
    assert benjamini_hochberg(p) == pytest.approx(expected)


@given(P, st.randoms())
def test_the_order_of_claims_does_not_matter(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for adjust in (bonferroni, holm, benjamini_hochberg):
        assert adjust([p[k] for k in order]) == pytest.approx(adjust(p)[order])


def test_false_claims_are_as_rare_as_promised():
    p = np.random.default_rng(0).uniform(size=(SETS, 5))
    for adjust in (bonferroni, holm):  # with every claim false, both err where the least p is low
        wrong = np.mean([adjust(row).min() < 0.05 for row in p])
        assert within_three_errors(wrong, 1 - (1 - 0.05 / 5) ** 5)
    # Three of five are true and always found: the false share is 2/5 of the level.
    p[:, :3] = 1e-9
    shares = []
    for row in p:
        taken = benjamini_hochberg(row) < 0.05
        shares.append(taken[3:].sum() / taken.sum())
    error = 3 * np.std(shares) / np.sqrt(SETS)
    assert abs(np.mean(shares) - 0.05 * 2 / 5) < error


@pytest.mark.parametrize("adjust", [bonferroni, holm, benjamini_hochberg])
@pytest.mark.parametrize("p", [[1.2], [-0.1, 0.5], [float("nan")], [[0.1]]])
def test_what_is_no_p_value_is_refused(adjust, p):
    with pytest.raises(UserError, match="give a list of p-values"):
        adjust(p)
