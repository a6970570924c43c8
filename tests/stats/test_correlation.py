"""Spearman's correlation is scipy's; its interval covers as often as it says."""

import numpy as np
import pytest
from scipy import stats

from lit_research.errors import UserError
from lit_research.stats import kendall, spearman
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


def table(means, seeds, noise=1.0):
    return np.asarray(means) + noise * normals(1, seeds, len(means))[0]


def test_kendalls_tau_is_scipys_of_the_means():
    first, second = table([0, 1, 2, 3], 5), table([0, 1, 2, 3], 7) + 1
    found = kendall(first, second)
    expected = stats.kendalltau(first.mean(axis=0), second.mean(axis=0))
    assert (found.effect, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert found == kendall(first, second)  # with the same draws
    assert found.n == 5


def test_arms_that_are_far_apart_have_one_order_and_equal_ones_none():
    far = table([0, 100, 200, 300], 6)
    assert kendall(far, far[:4]).interval == (1.0, 1.0)
    assert kendall(far, -far).interval == (-1.0, -1.0)
    low, high = kendall(table([0] * 6, 6), table([0] * 6, 8)).interval
    assert low < 0.3
    assert high - low > 0.4


def test_taus_interval_holds_other_seeds():
    """Of tables drawn again from the same arms, 90% or more have their tau within the interval."""
    means = np.array([0.0, 0.5, 1.0, 2.0, 3.0])
    rng = np.random.default_rng(1)
    within = []
    for _ in range(100):
        first, second, again, more = (means + rng.standard_normal((6, 5)) for _ in range(4))
        low, high = kendall(first, second, resamples=300).interval
        within.append(low - 1e-9 <= kendall(again, more, resamples=99).effect <= high + 1e-9)
    assert np.mean(within) >= 0.85


@pytest.mark.parametrize(
    ("scores", "others", "says"),
    [
        (np.eye(3)[:1], np.eye(3), r"scores has the shape \[1, 3\]"),
        (np.eye(3), np.eye(4), r"others \[4, 4\]"),
        (np.eye(2), np.eye(2), "three arms or more"),
        (np.full((2, 3), np.nan), np.eye(3), "finite"),
        (np.ones((2, 3)), np.eye(3) * [1, 2, 3], "scores has the same mean"),
    ],
)
def test_tables_without_an_order_are_refused(scores, others, says):
    with pytest.raises(UserError, match=says):
        kendall(scores, others)
