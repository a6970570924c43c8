"""Is a search for a recipe to be trusted? Equal recipes, planted sources, greedy and exhaustive.

Three comparisons with a student that is trained a third as long as that of ``replica.py``: two
recipes that differ in nothing but which questions they drew; six sources whose faults are planted;
and a grid of three question filters and three teachers, searched greedily and exhaustively. A seed
draws the world, its items, the rows, the initial weights and the order, for all arms. Effects are
differences of the accuracy on held-out questions, in percentage points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from lit_research.figures import panels
from lit_research.methods.arms import Arm, Results
from lit_research.methods.claims import Claim, judge
from lit_research.methods.openthoughts.reasoning_world import SourceName
from lit_research.stats import choose, kendall, rank_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRIC, COST = "val/accuracy", "val/teacher_tokens"
ROWS = 4000
LARGEST = 2
"""Largest operand of a step: the fewer single steps, the sooner they are learned."""
GAP = 5.0
"""Percentage points: sources that differ by more must not be called the wrong way round."""
STUDENT = {
    "model.init_args.optimizer.init_args.lr": 3.0e-3,
    "model.init_args.samples": 1,
    "trainer.max_steps": 1400,
    "trainer.val_check_interval": 1400,
    "trainer.enable_model_summary": False,
}
_METHOD = "lit_research.methods.openthoughts"
_SOURCE = "data.init_args.source.init_args"
_RECIPE = f"{_SOURCE}.recipe"


def _source(name: str, source: str, **options: Any) -> Arm:
    given = {f"{_SOURCE}.{key}": value for key, value in {"source": source, **options}.items()}
    rows = {f"{_SOURCE}.rows": ROWS, f"{_SOURCE}.largest": LARGEST}
    # The source that leaks has questions of the evaluation.
    leaks = {"data.init_args.allow_leaks": True} if source == "leaked" else {}
    return Arm(name, "openthoughts/tiny.yaml", {**STUDENT, **rows, **given, **leaks})


SOURCES = {name: _source(name, name) for name in get_args(SourceName)}
GOOD = SOURCES["good"]
# Of the same source; its questions are drawn from four times as many.
AGAIN = _source("good-again", "good", subset=1)

# Of each step its strategies, the baseline first.
STEPS: dict[str, dict[str, dict[str, Any]]] = {
    "questions": {
        "random": {"class_path": f"{_METHOD}.RandomQuestions"},
        **{
            name: {
                "class_path": f"{_METHOD}.TopQuestions",
                "init_args": {
                    "score": {"class_path": f"{_METHOD}.WorldDifficulty"},
                    "order": order,
                },
            }
            for name, order in (("easiest", "lowest"), ("hardest", "highest"))
        },
    },
    "teacher": {name: {"name": name} for name in ("T1", "T2", "T3")},
}
_FIRST, _SECOND = STEPS


def _recipe(questions: str, teacher: str) -> Arm:
    asked = {"source": "good", "count": 2 * ROWS, "largest": LARGEST}
    world = {"class_path": f"{_METHOD}.WorldQuestions", "init_args": asked}
    recipe = {
        "sources": {"good": world},
        "n": ROWS,
        "pool": 2.0,  # of these, the filter keeps half
        "kept": 1.0,
        "dedup": {},  # nothing is planted twice in this source
        "question_filter": STEPS[_FIRST][questions],
        "teacher.init_args.name": STEPS[_SECOND][teacher]["name"],
    }
    options = {f"{_RECIPE}.{key}": value for key, value in recipe.items()}
    items = {f"{_SOURCE}.world": {"largest": LARGEST}}
    name, config = f"{questions}-{teacher}", "openthoughts/recipe_tiny.yaml"
    tags = {_FIRST: questions, _SECOND: teacher}
    return Arm(name, config, {**STUDENT, **options, **items}, tags)


GRID = {
    (questions, teacher): _recipe(questions, teacher)
    for questions in STEPS[_FIRST]
    for teacher in STEPS[_SECOND]
}
Point = tuple[str, str]
ARMS = [*SOURCES.values(), AGAIN, *GRID.values()]


def accuracy(results: Results, arm: Arm) -> np.ndarray:
    """Return the accuracy of an arm in percent, ``[seeds]``."""
    return 100.0 * np.array(results[arm.name][METRIC])


def _scores(
    results: Results, points: Sequence[Point], seeds: Sequence[int]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the accuracies and the teacher's mean tokens of points of the grid, by arm."""
    arms = [GRID[point] for point in points]
    scores = {arm.name: accuracy(results, arm)[list(seeds)] for arm in arms}
    costs = {arm.name: float(np.mean(results[arm.name][COST])) for arm in arms}
    return scores, costs


def _chosen(results: Results, points: Sequence[Point], seeds: Sequence[int]) -> Point:
    choice = choose(*_scores(results, points, seeds))
    return next(point for point in points if GRID[point].name == choice.name)


def greedy_choice(results: Results, seeds: Sequence[int]) -> Point:
    """Return what a search finds that chooses one step after the other, with some of the seeds."""
    baseline = next(iter(STEPS[_SECOND]))
    first, _ = _chosen(results, [(one, baseline) for one in STEPS[_FIRST]], seeds)
    return _chosen(results, [(first, one) for one in STEPS[_SECOND]], seeds)


def exhaustive_choice(results: Results, seeds: Sequence[int]) -> Point:
    """Return what a search finds that compares all points at once, with some of the seeds."""
    return _chosen(results, list(GRID), seeds)


def search_effects(results: Results) -> list[float]:
    """Return the accuracy of the greedy choice minus that of the exhaustive one, one a seed.

    For each seed both choose with the other seeds, so that no choice has seen its own exam.
    """
    seeds = range(len(results[GOOD.name][METRIC]))
    found = []
    for seed in seeds:
        others = [one for one in seeds if one != seed]
        points = greedy_choice(results, others), exhaustive_choice(results, others)
        greedy, exhaustive = (accuracy(results, GRID[point])[seed] for point in points)
        found.append(float(greedy - exhaustive))
    return found


def effects(results: Results) -> dict[str, list[float]]:
    """Return one value a seed for each claim of the plan, by its id; percentage points."""
    good = accuracy(results, GOOD)
    found = {
        f"good_over_{name}": (good - accuracy(results, arm)).tolist()
        for name, arm in SOURCES.items()
        if arm is not GOOD
    }
    again = (good - accuracy(results, AGAIN)).tolist()
    return {**found, "good_over_itself": again, "greedy_over_exhaustive": search_effects(results)}


def verdicts(results: Results) -> list[Claim]:
    """Judge the effects without a plan: is each above 0?"""
    return [judge(name.replace("_", " "), values) for name, values in effects(results).items()]


def ranking(scores: Mapping[str, np.ndarray], seeds: int) -> dict[str, Any]:
    """Return how sources were ranked by the first half of the seeds, judged by the second half.

    Args:
        scores: accuracy of each source in percent, ``[seeds]``.
        seeds: number of them.

    Returns:
        ``pairs``: a sentence on each two; ``reversed``: those that differ by more than ``GAP`` in
        the second half and are called the wrong way round by the first; ``tau``: Kendall's, of the
        orders of both halves, with a 90% interval over seeds.
    """
    half = seeds // 2
    first = {name: values[:half] for name, values in scores.items()}
    second = {name: values[half:] for name, values in scores.items()}
    true = {name: float(values.mean()) for name, values in second.items()}
    pairs = rank_pairs(first)
    tau = kendall(*(np.stack(list(part.values()), axis=1) for part in (first, second)))
    said = [
        f"{one.first} against {one.second}: {one.better or 'tie'} "
        f"({one.difference.effect:+.1f}; other seeds {true[one.first] - true[one.second]:+.1f})"
        for one in pairs
    ]
    wrong = [f"{one.first}, {one.second}" for one in pairs if one.is_reversed(true, GAP)]
    return {
        "means": {name: round(float(values.mean()), 1) for name, values in scores.items()},
        "pairs": said,
        "reversed": wrong,
        "tau": [tau.effect, *tau.interval],
    }


def findings(results: Results) -> dict[str, Any]:
    """Return the ranking of the sources, the verdict on equal recipes, and what searches choose."""
    seeds = len(results[GOOD.name][METRIC])
    sources = {name: accuracy(results, arm) for name, arm in SOURCES.items()}
    equal = {arm.name: accuracy(results, arm) for arm in (GOOD, AGAIN)}
    same = choose(equal, dict.fromkeys(equal, 0.0))
    greedy, exhaustive = (
        search(results, range(seeds)) for search in (greedy_choice, exhaustive_choice)
    )
    return {
        "ranking": ranking(sources, seeds),
        "equal_recipes": {"verdict": same.verdict, "p": next(iter(same.p.values()))},
        "greedy": list(greedy),
        "exhaustive": list(exhaustive),
        "searches_agree": greedy == exhaustive,
    }


def figure(results: Results) -> Figure:
    """Draw the accuracy of the sources, and of the grid, a mark a seed."""
    drawn, (sources, grid) = panels(2)
    groups = [(sources, [*SOURCES.values(), AGAIN]), (grid, list(GRID.values()))]
    for axes, arms in groups:
        for row, arm in enumerate(arms):
            values = accuracy(results, arm)
            [line] = axes.plot(values.mean(), row, "o")
            axes.plot(values, [row] * len(values), "|", color=line.get_color(), alpha=0.6)
        axes.set_yticks(range(len(arms)), [arm.name for arm in arms])
        axes.invert_yaxis()
        axes.set(xlabel="accuracy (percent)", xlim=(0, 100))
    return drawn
