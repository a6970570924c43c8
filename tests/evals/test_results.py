"""Results as rows of a table."""

from lit_research.evals import Result, results_table


def test_results_are_rows_of_a_table():
    first = Result("acc", 100, 0.25, 0.0435, samples=100)
    second = Result("pass@8", 12, float("nan"), float("nan"), 96, parse_failures=3, truncated=1)
    head, *rows = results_table([first, second]).splitlines()
    assert head.split("  ")[0] == "metric"
    assert rows[0].split() == ["acc", "100", "100", "0.2500", "0.0435", "0", "0"]
    assert rows[1].split() == ["pass@8", "12", "96", "nan", "nan", "3", "1"]
    assert str(first) == results_table([first])
