"""Teachers, sources and filters of a recipe, compared with the student of ``tiny.yaml``.

All arms are recipes of 4,000 rows and train for equally many steps; a seed draws the world, its
items, the rows, the initial weights and the order. Windows are packed, so that arms have equal
training tokens; two more arms compare the teachers at equal rows. Effects are differences of the
accuracy on held-out questions, in percentage points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG = "openthoughts/recipe_tiny.yaml"
METRIC = "val/accuracy"
EASY, HARD = range(1, 5), range(5, 9)
"""Numbers of steps of a question."""
POOL = 16_000
"""Questions of a source, of which an arm uses 4,000, 8,000 or 250."""
ROWS = 4000
NARROW = {"model.init_args.lm.hidden_size": 64, "model.init_args.lm.intermediate_size": 192}
_METHOD = "lit_research.methods.openthoughts"
_RECIPE = "data.init_args.source.init_args.recipe"


def _questions(source: str) -> dict[str, Any]:
    given = {"source": source, "count": POOL, "largest": 5}
    return {source: {"class_path": f"{_METHOD}.WorldQuestions", "init_args": given}}


def _filter(name: str, **options: Any) -> dict[str, Any]:
    return {"class_path": f"{_METHOD}.{name}", "init_args": options}


def _arm(
    name: str,
    *,
    source: str = "good",
    teacher: str = "T2",
    asked: int = ROWS,
    options: dict[str, Any] | None = None,
    **recipe: Any,
) -> Arm:
    """Return the arm of a recipe; ``asked`` questions get an answer."""
    parts = {
        "sources": _questions(source),
        "pool": POOL / asked,
        "kept": 1.0,
        "dedup": {},  # nothing is planted twice in these sources
        "teacher.init_args.name": teacher,
        **recipe,
    }
    given = {
        **{f"{_RECIPE}.{key}": value for key, value in parts.items()},
        "model.init_args.samples": 2,
        "trainer.val_check_interval": 4000,
        "trainer.enable_model_summary": False,
        **(options or {}),
    }
    return Arm(name, CONFIG, given, {"teacher": teacher, "source": source})


def _verified(name: str, **options: Any) -> Arm:
    verifier = {"class_path": "lit_research.evals.MathVerifier"}
    chosen = {"answer_filter": _filter("VerifiedAnswers", verifier=verifier)}
    return _arm(name, teacher="T3", asked=2 * ROWS, options=options, **chosen)


BASE = _arm("T2")
TERSE = _arm("T0", teacher="T0")
# About as many rows a step as packed windows hold.
_BY_ROWS = {"data.init_args.packing": False, "data.init_args.batch_size": 10}
BASE_ROWS = _arm("T2-equal-rows", options=_BY_ROWS)
TERSE_ROWS = _arm("T0-equal-rows", teacher="T0", options=_BY_ROWS)
MISLABELLED = _arm("mislabelled", source="mislabelled")
DIFFICULT = _arm(
    "difficult",
    question_filter=_filter(
        "TopQuestions", score={"class_path": f"{_METHOD}.WorldDifficulty", "init_args": {}}
    ),
)
UNVERIFIED, VERIFIED = _arm("T3", teacher="T3"), _verified("T3-verified")
NARROW_UNVERIFIED = _arm("T3-narrow", teacher="T3", options=NARROW)
NARROW_VERIFIED = _verified("T3-verified-narrow", **NARROW)
SIXTEEN = _arm("sixteen-answers", asked=ROWS // 16, answers=16)
LONGEST = _arm("longest", asked=2 * ROWS, answer_filter=_filter("LongestAnswers"))
ARMS = [
    BASE,
    TERSE,
    BASE_ROWS,
    TERSE_ROWS,
    MISLABELLED,
    DIFFICULT,
    UNVERIFIED,
    VERIFIED,
    NARROW_UNVERIFIED,
    NARROW_VERIFIED,
    SIXTEEN,
    LONGEST,
]


def accuracy(results: Results, arm: Arm, steps: range | None = None) -> np.ndarray:
    """Return the accuracy of an arm in percent, ``[seeds]``.

    Args:
        results: of all arms.
        arm: which one.
        steps: the mean over items of each of these difficulties, which count alike; None: all
            items.
    """
    if steps is None:
        return 100.0 * np.array(results[arm.name][METRIC])
    of_steps = [results[arm.name][f"{METRIC}_at_difficulty_{number}"] for number in steps]
    return np.asarray(100.0 * np.mean(of_steps, axis=0))


def effects(results: Results) -> dict[str, list[float]]:
    """Return one value a seed for each claim of the plan, by its id; percentage points."""
    base = accuracy(results, BASE)
    found = {
        "explicit_equal_rows": accuracy(results, BASE_ROWS) - accuracy(results, TERSE_ROWS),
        "explicit_equal_tokens": base - accuracy(results, TERSE),
        "difficult_on_hard": accuracy(results, DIFFICULT, HARD) - accuracy(results, BASE, HARD),
        "good_over_mislabelled": base - accuracy(results, MISLABELLED),
        "difficult_on_easy": accuracy(results, DIFFICULT, EASY) - accuracy(results, BASE, EASY),
        "verified": accuracy(results, VERIFIED) - accuracy(results, UNVERIFIED),
        "verified_narrow": accuracy(results, NARROW_VERIFIED)
        - accuracy(results, NARROW_UNVERIFIED),
        "one_answer_over_sixteen": base - accuracy(results, SIXTEEN),
        "longest_over_random": accuracy(results, LONGEST) - base,
    }
    return {name: values.tolist() for name, values in found.items()}


def verdicts(results: Results) -> list[Claim]:
    """Judge the effects without a plan: is each above 0?"""
    return [judge(name.replace("_", " "), values) for name, values in effects(results).items()]


def figure(results: Results) -> Figure:
    """Draw the accuracy of each arm on all, easy and hard items, a point a seed."""
    drawn, [axes] = panels()
    rows = np.arange(len(ARMS))
    for label, steps, marker in (("all", None, "o"), ("easy", EASY, "^"), ("hard", HARD, "v")):
        values = [accuracy(results, arm, steps) for arm in ARMS]
        [line] = axes.plot([value.mean() for value in values], rows, marker, label=f"{label} items")
        for row, value in zip(rows, values, strict=True):
            axes.plot(value, [row] * len(value), "|", color=line.get_color(), alpha=0.6)
    axes.set_yticks(rows, [arm.name for arm in ARMS])
    axes.invert_yaxis()
    axes.set(xlabel="accuracy (percent)", xlim=(0, 100))
    axes.legend(frameon=False, fontsize=8)
    return drawn
