"""Means over answers with standard errors clustered by question, against scipy and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sem

from lit_research.evals import clustered_mean, repeated_sampling

SCORES = st.floats(0, 1, width=32)
TABLES = st.tuples(st.integers(2, 6), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(SCORES, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


@settings(deadline=None)
@given(TABLES)
def test_with_n_answers_each_it_is_the_error_of_the_questions_means(scores):
    result = repeated_sampling(scores, parse_failures=2, truncated=1)
    means = np.mean(scores, axis=1)
    assert result.value == pytest.approx(means.mean())
    assert result.stderr == pytest.approx(sem(means), abs=1e-12)
    assert (result.n, result.samples) == (len(scores), np.size(scores))
    assert (result.parse_failures, result.truncated) == (2, 1)


@settings(deadline=None)
@given(st.lists(SCORES, min_size=2, max_size=9))
def test_without_clusters_it_is_the_error_of_a_mean(values):
    mean, error = clustered_mean(values)
    assert mean == pytest.approx(np.mean(values))
    assert error == pytest.approx(sem(values), abs=1e-12)


def test_ragged_clusters_are_those_of_the_sandwich_estimator():
    values, clusters = [1.0, 0.0, 1.0, 1.0, 0.0, 0.5], ["a", "a", "b", "b", "b", "c"]
    X, y = np.ones((6, 1)), np.array(values)
    bread = np.linalg.inv(X.T @ X)
    residuals = y - X @ (bread @ X.T @ y)
    groups = [np.array([c == name for c in clusters]) for name in "abc"]
    scores = [X[own].T @ residuals[own] for own in groups]
    meat = sum(np.outer(score, score) for score in scores)
    [[variance]] = 3 / 2 * bread @ meat @ bread
    mean, error = clustered_mean(values, clusters)
    assert (mean, error) == pytest.approx((np.mean(values), math.sqrt(variance)))


def test_answers_that_always_agree_say_no_more_than_one_of_them():
    once, often = [[1.0], [0.0], [1.0], [1.0]], [[1.0] * 8, [0.0] * 8, [1.0] * 8, [1.0] * 8]
    assert repeated_sampling(often).stderr == pytest.approx(repeated_sampling(once).stderr)


def test_too_little_for_an_error_is_nan_and_unequal_numbers_are_refused():
    assert math.isnan(clustered_mean([])[0])
    mean, error = clustered_mean([1.0, 0.0], ["q", "q"])
    assert mean == 0.5
    assert math.isnan(error)
    with pytest.raises(ValueError, match="1 clusters for 2 values, in clustered_mean; must be one"):
        clustered_mean([1.0, 0.0], ["q"])
    with pytest.raises(ValueError, match="question 1 has 1 answers and question 0 has 2, in rep"):
        repeated_sampling([[1.0, 0.0], [1.0]])
    with pytest.raises(ValueError, match="question 0 has 0 answers"):
        repeated_sampling([[], []])
