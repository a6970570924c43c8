"""Teachers and sources of ``ReasoningWorld``, compared with the student of ``tiny.yaml``.

At equal numbers of rows and steps; the rows of a seed are another world. All claims are of accuracy
on held-out questions, in percentage points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG = "openthoughts/tiny.yaml"
METRIC = "val/accuracy"
_ROWS = "lit_research.methods.openthoughts.WorldRows"


def _arm(name: str, **rows: Any) -> Arm:
    given = {"source": "good", "rows": 4000, "teacher": "T2", **rows}
    options = {"data.init_args.source": {"class_path": _ROWS, "init_args": given}}
    return Arm(name, CONFIG, {"trainer.enable_model_summary": False, **options}, given)


TEACHERS = {teacher: _arm(teacher, teacher=teacher) for teacher in ("T0", "T1", "T2", "T3")}
SOURCES = {source: _arm(source, source=source) for source in ("easy", "mislabelled", "duplicated")}
ARMS = [*TEACHERS.values(), *SOURCES.values()]


def points(results: Results, better: str, worse: str) -> np.ndarray:
    """Return the difference of two arms' accuracies in percentage points, ``[seeds]``."""
    first, second = (np.array(results[name][METRIC]) for name in (better, worse))
    return 100.0 * (first - second)


def verdicts(results: Results) -> list[Claim]:
    """Judge each difference with its 90% interval over seeds."""
    claims = {
        ("T2", "T0"): "Every step written out against the answer alone",
        ("T2", "T1"): "Every step written out against the results of the steps",
        ("T2", "mislabelled"): "Right keys against 30% wrong ones that the teacher follows",
        ("T2", "easy"): "Questions of all difficulties against easy ones alone",
    }
    return [
        judge(f"{claim}: accuracy (percentage points)", points(results, *arms))
        for arms, claim in claims.items()
        if {*arms} <= {*results}
    ]


def figure(results: Results) -> Figure:
    """Draw the accuracy of each arm, a point a seed."""
    drawn, [axes] = panels()
    names = [arm.name for arm in ARMS if arm.name in results]
    for place, name in enumerate(names):
        values = results[name][METRIC]
        axes.plot([place] * len(values), values, "o", alpha=0.5)
    axes.set_xticks(range(len(names)), names, rotation=30)
    axes.set(ylabel="accuracy (share of 1)", ylim=(0, 1))
    return drawn
