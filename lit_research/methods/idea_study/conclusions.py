"""What the tables support, and what depends on the choice of a test: in words, from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lit_research.methods.idea_study.analysis import Results
from lit_research.methods.idea_study.comparisons import CORRECTIONS, Comparison
from lit_research.methods.idea_study.options import Analysis
from lit_research.methods.idea_study.study import Study

Support = Literal["supported", "depends on the test", "not supported", "undefined"]


NAMES = {"none": "uncorrected", "bh": "BH", "holm": "Holm", "bonferroni": "Bonferroni"}
"""Corrections, as they are written."""


@dataclass(frozen=True)
class Conclusion:
    """Whether a claim about a metric holds by every test.

    Attributes:
        claim: ``led before``, ``falls more`` or ``worse after``.
        metric: its name.
        support: supported by every test, by some, by none.
        p: of each test, by its name.
    """

    claim: str
    metric: str
    support: Support
    p: Mapping[str, float]

    def failing(self, alpha: float) -> list[str]:
        """Return the tests that do not find it."""
        return [name for name, p in self.p.items() if not p < alpha]


def conclude(study: Study, results: Results, analysis: Analysis) -> list[Conclusion]:
    """Return the conclusions for every metric of both stages.

    A claim of a direction needs an effect of that direction. ``worse after`` counts tests over
    ideas only, two-sided as in the paper: those over reviews reject too often.
    """
    alpha, found = analysis.alpha, []
    rows = {
        name: {row.metric: row for row in table}
        for name, table in (
            ("before", results.before),
            ("after", results.after),
            ("change", results.change),
            ("without", results.without),
        )
    }
    for metric in study.metrics:
        led = _sides(rows["before"][metric], "T-B", ("two-sided",))
        found.append(_conclusion("led before", metric, rows["before"][metric].effect, led, alpha))
        falls = _fall_tests(results, rows, metric)
        found.append(_conclusion("falls more", metric, rows["change"][metric].effect, falls, alpha))
        worse = _after_tests(results, rows["after"][metric])
        found.append(
            _conclusion("worse after", metric, -rows["after"][metric].effect, worse, alpha)
        )
    return found


def _sides(row: Comparison, name: str, sides: Iterable[str]) -> dict[str, float]:
    return {
        f"{name} {side} {NAMES[correction]}": row.p[side][correction]  # type: ignore[index]
        for side in sides
        for correction in CORRECTIONS
    }


def _fall_tests(
    results: Results, rows: Mapping[str, Mapping[str, Comparison]], metric: str
) -> dict[str, float]:
    both = ("one-sided", "two-sided")
    tests = _sides(rows["change"][metric], "T-C", both)
    for one in results.resampled:
        if one.metric == metric:
            tests |= {
                "permutation one-sided": one.one_sided,
                "permutation two-sided": one.two_sided,
            }
    if metric in rows["without"]:
        tests |= _sides(rows["without"][metric], "T-E", both)
    return tests | _mixed_test(results, metric, "stage x arm")


def _after_tests(results: Results, row: Comparison) -> dict[str, float]:
    tests = _sides(row, "T-B", ("two-sided",))
    for one in results.ancova:
        if one.metric == row.metric:
            tests["ANCOVA"] = one.p
    return tests | _mixed_test(results, row.metric, "after")


def _mixed_test(results: Results, metric: str, model: str) -> dict[str, float]:
    own = [one.p for one in results.mixed if (one.metric, one.model) == (metric, model)]
    return {f"mixed model ({model})": p for p in own}


def _conclusion(
    claim: str, metric: str, effect: float, tests: dict[str, float], alpha: float
) -> Conclusion:
    known = {name: p for name, p in tests.items() if not math.isnan(p)}
    hits = sum(p < alpha for p in known.values())
    support: Support = "depends on the test"
    if not known:
        support = "undefined"
    elif not hits or effect <= 0:
        support = "not supported"
    elif hits == len(known):
        support = "supported"
    return Conclusion(claim, metric, support, known)
