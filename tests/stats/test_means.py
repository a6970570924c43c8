"""Student's t, Welch and tests against a margin: scipy's numbers, and their size by simulation."""

from math import inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lit_research.errors import UserError
from lit_research.stats import equivalent, no_worse, paired_t, welch_statistic, welch_t
from tests.stats.simulate import SETS, normals, within_three_errors

SIDES = ["two-sided", "greater", "less"]
VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12)


@settings(max_examples=40, deadline=None)
@given(VALUES, st.sampled_from(SIDES), st.floats(-5, 5))
def test_paired_t_is_scipys(values, side, null):
    if np.std(values) < 1e-6:
        return
    found = paired_t(values, null=null, alternative=side, confidence=0.8)
    expected = stats.ttest_1samp(values, null, alternative=side)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)
    ends = stats.ttest_1samp(values, null).confidence_interval(0.8)
    assert found.interval == pytest.approx((ends.low, ends.high), rel=1e-9, abs=1e-9)
    assert (found.n, found.null, found.alternative) == (len(values), null, side)


@settings(max_examples=40, deadline=None)
@given(VALUES, VALUES, st.sampled_from(SIDES))
def test_welch_t_is_scipys(a, b, side):
    if min(np.std(a), np.std(b)) < 1e-6:
        return
    found = welch_t(a, b, alternative=side)
    expected = stats.ttest_ind(a, b, equal_var=False, alternative=side)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)
    ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.9)
    assert found.interval == pytest.approx((ends.low, ends.high), rel=1e-9, abs=1e-9)


def test_an_interval_by_hand_and_its_line():
    found = paired_t([1.0, 2.0, 3.0], alternative="greater")  # 2 +- 2.920 * 1 / sqrt(3)
    assert found.interval == pytest.approx((0.3141, 3.6859), abs=1e-4)
    assert str(found) == "2, 90% interval [0.3141, 3.686], p = 0.0371 for > 0, n = 3"


def test_what_one_unit_and_units_that_are_alike_can_say():
    alone = paired_t([1.0])
    assert isnan(alone.p)
    assert all(isnan(end) for end in alone.interval)
    for null, side, p in ((0, "greater", 0), (0, "less", 1), (2, "less", 1), (3, "less", 0)):
        found = paired_t([2.0, 2.0, 2.0], null=null, alternative=side)
        assert found.interval == (2.0, 2.0)
        assert found.p == (p if null != 2 else 0.5)
    assert welch_t([1.0, 1.0], [3.0, 3.0]).p == 0


def test_a_margin_is_tested_from_both_sides():
    values = [0.1, -0.2, 0.3, 0.0, 0.15, -0.1]
    found = equivalent(values, 0.25)
    sides = [
        stats.ttest_1samp(values, -0.25, alternative="greater").pvalue,
        stats.ttest_1samp(values, 0.25, alternative="less").pvalue,
    ]
    assert found.p == pytest.approx(max(sides))
    assert no_worse(values, 0.25).p == pytest.approx(sides[0])
    # The 90% interval lies within the margin exactly where the p-value is below 0.05.
    end = max(map(abs, found.interval))
    assert equivalent(values, end * 1.001).p < 0.05 < equivalent(values, end * 0.999).p


def test_size_and_coverage_of_the_paired_test_are_the_nominal_ones():
    for n in (2, 5):
        found = [paired_t(row, alternative="greater") for row in normals(SETS, n, seed=n)]
        assert within_three_errors(np.mean([f.p < 0.05 for f in found]), 0.05)
        covered = [f.interval[0] <= 0 <= f.interval[1] for f in found]
        assert within_three_errors(np.mean(covered), 0.9)


def test_size_of_the_test_against_a_margin_is_the_nominal_one_at_the_margin():
    # Far from the other end of the margin the two-sided procedure is one exact test.
    rows = 1.0 + 0.1 * normals(SETS, 6)
    assert within_three_errors(np.mean([equivalent(row, 1.0).p < 0.05 for row in rows]), 0.05)
    assert within_three_errors(np.mean([no_worse(-row, 1.0).p < 0.05 for row in rows]), 0.05)


def test_size_of_welchs_test_is_near_the_nominal_one_with_unequal_arms():
    a, b = normals(SETS, 5), 3 * normals(SETS, 12, seed=1)
    share = np.mean([welch_t(x, y).p < 0.05 for x, y in zip(a, b, strict=True)])
    assert abs(share - 0.05) < 0.005  # not exact; the textbook test with equal variances has 0.01


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired_t([]), "differences is empty"),
        (lambda: paired_t([1.0, inf]), "1 values that are not finite"),
        (lambda: paired_t([[1.0, 2.0]]), r"shape \[1, 2\]"),
        (lambda: paired_t([1.0, 2.0], alternative="more"), "alternative is 'more'"),
        (
            lambda: paired_t([1.0, 2.0], confidence=95),
            "confidence is 95, in stats; must be above 0 and below 1",
        ),
        (lambda: welch_t([1.0], [1.0, 2.0]), "a has 1 values and b 2"),
        (lambda: equivalent([1.0, 2.0], 0.0), "margin is 0.0"),
        (lambda: no_worse([1.0, 2.0], -sqrt(2)), "margin is -1.4"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, says):
    with pytest.raises(UserError, match=says):
        call()


def test_welchs_statistic_is_scipys_for_many_studies_at_once():
    a, b = normals(20, 5, seed=1), 2 * normals(20, 8, seed=2) + 1
    found = welch_statistic(
        (a.mean(axis=1), b.mean(axis=1)),
        (a.var(axis=1, ddof=1), b.var(axis=1, ddof=1)),
        (5, 8),
    )
    expected = stats.ttest_ind(a, b, axis=1, equal_var=False)
    np.testing.assert_allclose(found[0], expected.statistic)
    np.testing.assert_allclose(found[1], expected.df)


def test_welchs_statistic_of_arms_that_do_not_vary_is_undefined():
    t, df = welch_statistic((1.0, 2.0), (0.0, 0.0), (4, 4))
    assert np.isnan(t)
    assert np.isnan(df)
