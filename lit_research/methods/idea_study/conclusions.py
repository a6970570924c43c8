"""What the tables support, and what depends on the choice of a test: in words, from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lit_research.methods.idea_study.analysis import Analysis, Results
from lit_research.methods.idea_study.core import CORRECTIONS, Comparison
from lit_research.methods.idea_study.reviews import Study

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


def paragraph(
    study: Study, results: Results, conclusions: list[Conclusion], analysis: Analysis
) -> str:
    """Return the conclusions as text."""
    treatment, reference, alpha = study.treatment, study.reference, analysis.alpha
    sentences = [
        _sentence(
            conclusions, "led before", f"Before execution {treatment} is above {reference}", alpha
        ),
        _after_sentence(study, results, conclusions, alpha),
        _sentence(conclusions, "falls more", f"{treatment} falls more than {reference}", alpha),
        _sentence(
            conclusions,
            "worse after",
            f"That {treatment} is below {reference} after execution",
            alpha,
            is_clause=True,
        ),
        _review_sentence(study, results, alpha),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _sentence(
    conclusions: list[Conclusion], claim: str, told: str, alpha: float, *, is_clause: bool = False
) -> str:
    """Say of one claim for which metrics it holds, depends, does not."""
    own = [one for one in conclusions if one.claim == claim]
    parts = []
    if sure := [one.metric for one in own if one.support == "supported"]:
        parts.append(f"by every test in {_listed(sure)}")
    for one in own:
        if one.support == "depends on the test":
            failing = one.failing(alpha)
            low, high = min(one.p.values()), max(one.p.values())
            parts.append(
                f"in {one.metric} only by some ({len(one.p) - len(failing)} of {len(one.p)} tests, "
                f"p from {low:.2g} to {high:.2g}; not by {failing[-1]})"
            )
    if none := [one.metric for one in own if one.support == "not supported"]:
        parts.append(f"by no test in {_listed(none)}")
    if unknown := [one.metric for one in own if one.support == "undefined"]:
        parts.append(f"and cannot be tested in {_listed(unknown)}, where no score differs")
    verb = " is supported " if is_clause else " "
    return f"{told}{verb}{'; '.join(parts)}." if parts else ""


def _after_sentence(
    study: Study, results: Results, conclusions: list[Conclusion], alpha: float
) -> str:
    """Say where a lead was and is no more."""
    sure = ("supported", "depends on the test")
    led = {one.metric for one in conclusions if one.claim == "led before" and one.support in sure}
    gone = [
        row.metric
        for row in results.after
        if row.metric in led and (row.effect <= 0 or not row.p["two-sided"]["none"] < alpha)
    ]
    if not gone:
        return ""
    return (
        f"After execution the lead of {study.treatment} has disappeared in {_listed(gone)}: no "
        "test over ideas finds it."
    )


def _review_sentence(study: Study, results: Results, alpha: float) -> str:
    """Say what the test over reviews finds, and why it is not counted."""
    hits = [row.metric for row in results.by_review if row.p["one-sided"]["none"] < alpha]
    if not hits:
        return ""
    rates = [one.false_share for table in results.power.values() for one in table[:1]]
    rate = (
        f": simulated without a difference it rejects {min(rates):.0%} to {max(rates):.0%} of the "
        f"studies at {alpha:g}"
        if rates
        else ""
    )
    return (
        f"The test over reviews (T-A) has {study.treatment} below {study.reference} in "
        f"{_listed(hits)}, but it takes the reviews of one idea for independent{rate}."
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
