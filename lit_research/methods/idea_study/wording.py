"""The conclusions in words, made of the numbers."""

from __future__ import annotations

from lit_research.methods.idea_study.analysis import Results
from lit_research.methods.idea_study.conclusions import Conclusion
from lit_research.methods.idea_study.options import Analysis
from lit_research.methods.idea_study.study import Study


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
