"""Wilson's interval by its definition and its coverage; McNemar's test by brute force."""

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from lit_research.errors import UserError
from lit_research.stats import mcnemar, wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (0, 10), (3, 10), (47, 50), (50, 50)])
def test_wilsons_interval_is_where_the_score_test_turns(successes, n):
    low, high = wilson(successes, n, confidence=0.9)
    for end in {low, high} - {0.0, 1.0}:
        assert abs(successes / n - end) / sqrt(end * (1 - end) / n) == pytest.approx(1.6448536)
    assert 0 <= low <= successes / n <= high <= 1
    ends = stats.binomtest(successes, n).proportion_ci(0.9, method="wilson")
    assert (low, high) == pytest.approx((ends.low, ends.high), abs=1e-12)


def test_nothing_is_known_without_outcomes():
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_coverage_of_wilsons_interval_is_what_the_docstring_says():
    shares = np.linspace(0.0005, 0.9995, 2000)
    for n in (5, 20, 50):
        ends = np.array([wilson(k, n) for k in range(n + 1)])
        chances = stats.binom.pmf(np.arange(n + 1)[:, None], n, shares)
        covered = (ends[:, :1] <= shares) & (shares <= ends[:, 1:])
        coverage = (chances * covered).sum(axis=0)
        assert coverage.min() > 0.83
        assert abs(coverage.mean() - 0.95) < 0.01


def pairs(both, first, second, neither):
    a = [1] * both + [1] * first + [0] * second + [0] * neither
    b = [1] * both + [0] * first + [1] * second + [0] * neither
    return a, b


def test_mcnemars_test_is_the_binomial_of_the_items_that_differ():
    a, b = pairs(40, 9, 2, 20)
    found = mcnemar(a, b, alternative="greater")
    assert found.effect == pytest.approx(7 / 71)
    assert found.p == pytest.approx(sum(stats.binom.pmf(k, 11, 0.5) for k in (9, 10, 11)))
    assert mcnemar(a, b).p == pytest.approx(2 * found.p)
    assert mcnemar(*pairs(5, 0, 0, 5)).p == 1.0
    low, high = found.interval
    assert low < found.effect < high
    # Bonett and Price: counts with one more on either side, and two more items.
    center, spread = 7 / 73, sqrt((10 / 73 + 3 / 73 - (7 / 73) ** 2) / 73)
    assert found.interval == pytest.approx((center - 1.645 * spread, center + 1.645 * spread), 1e-3)


def test_mcnemars_size_is_at_most_nominal():
    # The chance of p < 0.05 for every number of items that differ, by the binomial itself.
    for differing in range(1, 40):
        size = 0.0
        for wins in range(differing + 1):
            if mcnemar(*pairs(0, wins, differing - wins, 1)).p < 0.05:
                size += stats.binom.pmf(wins, differing, 0.5)
        assert size <= 0.05


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: wilson(3, 2), "successes is 3 of n 2"),
        (lambda: wilson(1, 2, confidence=1.0), "confidence is 1.0"),
        (lambda: mcnemar([1, 0], [1]), r"first has the shape \[2\] and second \[1\]"),
        (lambda: mcnemar([], []), "first has the shape"),
        (lambda: mcnemar([0.5, 1], [1, 1]), "other values than 0 and 1"),
    ],
)
def test_what_is_no_outcome_is_refused(call, says):
    with pytest.raises(UserError, match=says):
        call()
