"""Spearman's correlation is scipy's; its interval covers as often as it says."""

import numpy as np
import pytest
from scipy import stats

from lit_research.errors import UserError
from lit_research.stats import pearson, spearman
from tests.stats.simulate import normals

SETS = 1_000


@pytest.mark.parametrize("side", ["two-sided", "greater", "less"])
def test_the_correlation_and_its_p_value_are_scipys(side):
    x, y = normals(2, 20)
    found = spearman(x, x + y, alternative=side)
    expected = stats.spearmanr(x, x + y, alternative=side)
    assert (found.effect, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    low, high = found.interval
    assert -1 < low < found.effect < high < 1


def test_an_order_that_is_the_same_or_turned_round():
    x = np.arange(6.0)
    assert spearman(x, x**3).effect == 1.0
    assert spearman(x, -x).effect == -1.0
    assert spearman(x, x**3).interval[1] == pytest.approx(1.0)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_the_interval_covers_the_true_correlation(rho):
    true = 6 / np.pi * np.arcsin(rho / 2)  # of ranks, for normals whose own correlation is rho
    x, y = normals(2, SETS, 40)
    y = rho * x + np.sqrt(1 - rho**2) * y
    ends = np.array([spearman(a, b).interval for a, b in zip(x, y, strict=True)])
    covered = np.mean((ends[:, 0] <= true) & (true <= ends[:, 1]))
    assert abs(covered - 0.9) < 0.03


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ([1, 2, 3], [1, 2, 3], "x has 3 values and y 3"),
        ([1, 2, 3, 4], [1, 2, 3], "x has 4 values and y 3"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "x is 1 everywhere"),
    ],
)
def test_what_has_no_ranks_is_refused(x, y, says):
    with pytest.raises(UserError, match=says):
        spearman(x, y)


@pytest.mark.parametrize("side", ["two-sided", "greater", "less"])
def test_pearson_is_scipys_with_fishers_interval(side):
    x, y = normals(2, 30, seed=5)
    found = pearson(x, x + y, alternative=side, confidence=0.95)
    expected = stats.pearsonr(x, x + y, alternative=side)
    assert found.effect == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    two = stats.pearsonr(x, x + y).confidence_interval(0.95)
    assert found.interval == pytest.approx((two.low, two.high))


def test_the_correlation_of_a_constant_is_undefined_and_not_0():
    with pytest.raises(UserError, match="undefined"):
        pearson([1, 2, 3, 4], [5, 5, 5, 5])
