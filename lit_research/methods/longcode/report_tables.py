"""An exam's report as text."""

from __future__ import annotations

from lit_research.figures import text_table
from lit_research.methods.longcode.report_parts import LengthReport, TaskReport


def task_table(report: TaskReport) -> str:
    """Return the report of one task: by length, by depth, drops, and what is said in one number."""
    area, low, high = report.area
    parts = [
        f"{report.task}: accuracy with {report.confidence:.0%} intervals over items",
        text_table([_header(report), *(_row(report, at) for at in report.lengths)]),
        f"mean over log2 of the length: {area:.3f} [{low:.3f}, {high:.3f}]\n"
        f"effective length ({report.effective.share:g} of the shortest's): {report.effective}",
    ]
    if report.drops:
        rows = [["drop from", "to", "items", "effect", "p", "p, Holm"]]
        for one in report.drops:
            effect = f"{one.effect:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
            rows.append(
                [one.first, one.second, str(one.n), effect, f"{one.p:.3g}", f"{one.p_holm:.3g}"]
            )
        parts.append(text_table(rows))
    if report.depths:
        rows = [["depth", "items", "accuracy"]]
        for part in report.depths:
            where = f"{part.low:.0%} to {part.high:.0%}"
            rows.append([where, str(part.accuracy.n), str(part.accuracy)])
        parts.append(text_table(rows))
    if report.letters:
        rows = [["letter", "chosen more often than right"]]
        rows += [[x.letter, f"{x.bias:+.3f} [{x.low:+.3f}, {x.high:+.3f}]"] for x in report.letters]
        parts.append(text_table(rows))
    return "\n\n".join(parts)


def _failures(report: TaskReport) -> list[str]:
    """Return the statuses that occur, but for ``answered``, in their order."""
    names = list(report.lengths[0].statuses)
    return [
        name
        for name in names
        if name != "answered" and any(at.statuses[name] for at in report.lengths)
    ]


def _header(report: TaskReport) -> list[str]:
    failures = [
        "infrastructure (left out)" if name == "infrastructure" else name
        for name in _failures(report)
    ]
    letters = ["rotations", "letters"] if report.task == "question" else []
    return ["length", "items", "samples", "accuracy", *letters, *failures]


def _row(report: TaskReport, at: LengthReport) -> list[str]:
    total = sum(at.statuses.values())
    failures = []
    for name in _failures(report):
        count = at.statuses[name]
        failures.append(str(count) if name == "infrastructure" else f"{count / total:.1%}")
    letters = []
    if report.task == "question":
        rotations = " ".join(f"{value:.2f}" for value in at.rotations.values())
        letters = [rotations, " ".join(f"{k}{n}" for k, n in at.chosen.items())]
    accuracy = str(at.accuracy) if at.accuracy.n else "-"
    return [f"{at.length:,}", str(at.accuracy.n), str(at.samples), accuracy, *letters, *failures]
