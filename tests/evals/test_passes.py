"""pass@k against an enumeration of all subsets, and its properties."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom, sem

from lit_research.evals import mean_pass_at_k, pass_at_k

COUNTS = st.integers(1, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def test_it_is_the_share_of_the_subsets_with_a_right_sample():
    for n, k in itertools.product(range(1, 7), range(1, 7)):
        if k > n:
            continue
        for c in range(n + 1):
            draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
            assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@settings(deadline=None)
@given(COUNTS)
def test_it_rises_with_k_from_the_share_of_right_samples(counts):
    n, c = counts
    values = [pass_at_k(n, c, k) for k in range(1, n + 1)]
    assert values[0] == pytest.approx(c / n)
    assert values == sorted(values)
    assert values[-1] == float(c > 0)


@settings(deadline=None)
@given(COUNTS, st.data())
def test_it_is_the_hypergeometric_chance_of_at_least_one(counts, data):
    (n, c), k = counts, data.draw(st.integers(1, counts[0]))
    assert pass_at_k(n, c, k) == pytest.approx(1 - hypergeom.pmf(0, n, c, k), abs=1e-9)


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, -1, 1), (4, 1, 0), (4, 1, 5)])
def test_impossible_counts_are_refused(n, c, k):
    with pytest.raises(ValueError, match=f"n is {n}, c {c} and k {k}, in pass_at_k; must be"):
        pass_at_k(n, c, k)


def test_the_mean_over_problems_has_the_error_of_the_problems():
    right = [[True, False, False, False], [False] * 4, [True] * 4, [True, True, False, False]]
    found = mean_pass_at_k(right, 2, parse_failures=3, truncated=1)
    estimates = [1 / 2, 0, 1, 5 / 6]
    assert found.value == pytest.approx(sum(estimates) / 4)
    assert found.stderr == pytest.approx(sem(estimates))
    assert (found.name, found.n, found.samples) == ("pass@2", 4, 16)
    assert (found.parse_failures, found.truncated) == (3, 1)
    with pytest.raises(ValueError, match="n is 4, c 1 and k 5, in pass_at_k"):
        mean_pass_at_k(right, 5)
