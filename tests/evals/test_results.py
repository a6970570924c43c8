"""Results as rows of a table, and standard errors from sums."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.evals import Result, clustered_mean, mean_of_sums, results_table


def test_results_are_rows_of_a_table():
    first = Result("acc", 100, 0.25, 0.0435, samples=100)
    second = Result("pass@8", 12, float("nan"), float("nan"), 96, parse_failures=3, truncated=1)
    head, *rows = results_table([first, second]).splitlines()
    assert head.split("  ")[0] == "metric"
    assert rows[0].split() == ["acc", "100", "100", "0.2500", "0.0435", "0", "0"]
    assert rows[1].split() == ["pass@8", "12", "96", "nan", "nan", "3", "1"]
    assert str(first) == results_table([first])


@settings(deadline=None)
@given(st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=9))
def test_sums_over_batches_give_the_error_of_the_values_themselves(values):
    sums = len(values), sum(values), sum(value * value for value in values)
    assert mean_of_sums(*sums) == pytest.approx(clustered_mean(values), abs=1e-6)
    mean, stderr = mean_of_sums(1, values[0], values[0] ** 2)
    assert mean == values[0]
    assert math.isnan(stderr)
