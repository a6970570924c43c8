"""The published tables of the study, typed, so that they can be analysed and compared with.

Source: the raw data in the repository of the paper (github.com/NoviScl/AI-Researcher, commit
e5dd05a, MIT licence, Copyright 2024 Chenglei Si), ``data_points_all_execution.json`` and
``data_points_all_anonymized.json``, from which the numbers here were computed; they equal the
paper's tables 3, 4 and 5 (Si, Hashimoto, Yang 2025, arXiv 2506.20803). The reviews themselves are
not in the package: ``ReviewFiles`` reads them where you have them.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from lit_research.methods.idea_study.comparisons import Comparison, Moments
from lit_research.methods.idea_study.core import scores_and_controls
from lit_research.methods.idea_study.reviews import SHARED_METRICS, Reviews
from lit_research.methods.idea_study.study import Study, make_study

# Means of an idea's reviews before and after, of novelty, excitement, effectiveness and overall.
# They are means of 2 to 5 whole scores, so two digits give them back exactly (``_exact``).
_IDEAS = """
Bias_1_Human           1.50 3.75  2.50 3.00  4.50 1.75  3.00 3.25
Bias_2_Human           5.50 4.75  2.50 4.25  3.00 3.50  2.50 3.00
Bias_3_Human           4.00 4.25  4.50 4.00  5.00 5.50  4.50 4.00
Bias_1_AI              6.50 6.00  5.50 5.50  5.50 4.25  5.50 3.75
Bias_2_AI              5.50 5.25  4.00 4.25  6.50 5.75  4.00 4.25
Bias_3_AI              6.00 5.50  6.33 5.00  6.00 4.50  6.00 4.00
Bias_4_AI              5.50 4.50  5.00 4.75  7.00 4.00  5.00 3.75
Coding_1_Human         5.00 4.20  5.00 2.40  4.50 5.40  5.00 2.40
Coding_5_Human         5.50 4.60  6.00 5.40  5.50 5.20  6.00 4.20
Coding_9_Human         7.00 5.20  6.33 4.60  7.00 4.40  6.67 4.40
Coding_3_AI            6.50 2.50  6.50 2.50  6.50 4.50  7.50 2.50
Coding_7_AI            6.00 4.75  6.00 3.75  7.00 5.00  6.00 3.75
Coding_8_AI            6.00 2.00  6.00 1.75  6.50 2.25  6.00 1.75
Factuality_1_Human     6.50 4.40  6.00 5.00  5.00 5.80  6.50 4.00
Factuality_3_Human     5.33 4.00  5.33 4.00  6.00 4.75  5.00 4.00
Factuality_4_Human     4.00 5.50  4.33 4.50  5.33 2.75  5.00 3.75
Factuality_5_Human     2.67 6.00  4.00 5.80  3.67 6.00  3.33 5.40
Factuality_8_Human     6.67 4.00  6.33 3.40  6.00 3.20  6.33 3.00
Factuality_6_AI        5.00 4.75  4.50 3.00  5.50 1.75  4.50 2.75
Factuality_8_AI        6.00 6.25  6.00 5.50  5.00 4.75  6.00 5.00
Factuality_9_AI        5.00 4.00  6.00 4.00  4.50 3.50  4.50 2.25
Factuality_10_AI       6.67 5.00  6.33 3.50  6.33 5.25  6.33 3.75
Factuality_11_AI       3.50 4.25  3.50 3.50  4.50 1.00  4.00 2.00
Math_1_Human           6.00 5.60  4.00 3.80  3.00 2.60  4.00 3.00
Math_3_AI              5.50 4.75  5.50 3.00  5.50 3.25  5.50 3.25
Multilingual_2_Human   5.00 6.00  4.33 6.40  4.67 7.80  5.00 6.20
Multilingual_6_Human   3.00 5.25  4.00 4.75  5.00 6.00  4.00 4.75
Multilingual_8_Human   6.50 3.25  3.00 4.00  5.00 2.25  5.00 3.00
Multilingual_2_AI      5.50 3.50  6.50 3.00  7.00 3.75  5.00 3.25
Multilingual_5_AI      7.00 3.00  7.00 3.00  6.50 7.00  7.50 3.25
Multilingual_7_AI      7.00 5.25  7.00 4.25  6.00 3.00  6.00 4.00
Multilingual_8_AI      5.50 3.25  7.00 2.75  7.50 3.75  5.00 2.50
Safety_4_Human         5.50 6.00  5.50 5.25  4.00 7.00  4.50 5.25
Safety_5_Human         4.67 6.40  4.00 6.60  5.33 7.20  4.33 5.80
Safety_1_AI            6.00 5.50  4.00 4.75  5.50 5.75  4.00 4.50
Safety_2_AI            7.50 5.25  7.00 3.25  7.00 2.75  6.50 3.00
Safety_4_AI            5.50 5.25  6.00 5.00  5.00 6.50  5.00 4.75
Safety_5_AI            5.00 5.00  4.50 4.50  5.50 5.75  4.50 4.25
Uncertainty_2_Human    3.33 4.50  2.00 3.00  4.00 5.25  2.00 2.50
Uncertainty_5_Human    5.67 5.50  4.00 5.00  5.33 4.50  4.67 3.50
Uncertainty_2_AI       5.00 5.25  5.00 4.00  6.25 4.00  5.00 3.50
Uncertainty_4_AI       6.00 6.25  6.00 3.50  5.00 2.25  5.33 2.25
Uncertainty_6_AI       5.00 6.50  4.50 5.50  6.50 4.75  4.50 3.75
"""

_COUNTS = (85, 96)
# Mean and s.d. (with n in the denominator) of the reviews of human ideas, and of those of the AI's.
_REVIEW_LEVEL = {
    "novelty": (4.9294, 1.6146, 4.7292, 1.7469),
    "excitement": (4.5176, 1.8382, 3.8958, 1.7528),
    "soundness": (5.3765, 1.7217, 4.7292, 1.8170),
    "effectiveness": (4.8353, 2.1135, 4.1250, 1.9432),
    "overall": (4.0000, 1.5867, 3.4062, 1.4619),
    "faithfulness": (6.4824, 2.0327, 6.4167, 1.5590),
    "codebase": (3.5765, 0.9378, 3.5833, 0.8858),
}

LLM_JUDGED = (
    "Uncertainty_2_AI",
    "Multilingual_5_AI",
    "Bias_4_AI",
    "Factuality_8_AI",
    "Uncertainty_6_AI",
    "Multilingual_8_AI",
)
"""Ideas whose human evaluation was replaced by that of a language model; left out in T-E."""

MIXED_MODEL = MappingProxyType(
    {"novelty": -1.049, "excitement": -1.856, "effectiveness": -1.822, "overall": -1.375}
)
"""Stage by arm in the mixed model of the released reviews, by metric; it needs the reviews."""

FIRST_STUDY = MappingProxyType(
    {
        "novelty": (4.84, 5.64, 5.81),
        "excitement": (4.55, 5.19, 5.46),
        "feasibility": (6.61, 6.34, 6.44),
        "effectiveness": (5.13, 5.47, 5.55),
        "overall": (4.68, 4.85, 5.34),
    }
)
"""Means of all 119, 109 and 109 reviews of the first study: Human, AI, AI_Rerank."""


def published_study() -> Study:
    """Return the 43 executed ideas, with the mean of each idea's reviews as its only score.

    What is computed over ideas (T-B to T-E, ANCOVA) is that of the reviews; what needs the single
    reviews is not in it.
    """
    rows = [line.split() for line in _IDEAS.strip().splitlines()]
    ideas = tuple(row[0] for row in rows)
    scores = np.array([[_exact(cell) for cell in row[1:]] for row in rows])  # [N, 2 M]
    stages = (
        Reviews(
            ideas=ideas,
            arms=tuple(idea.rsplit("_", 1)[1] for idea in ideas),
            scores={metric: scores[:, 2 * k + at] for k, metric in enumerate(SHARED_METRICS)},
            topics=tuple(idea.split("_")[0] for idea in ideas),
            are_means=True,
        )
        for at in (0, 1)
    )
    return make_study(*stages, where="in the published tables")


def published_by_review() -> tuple[list[Comparison], list[Comparison]]:
    """Return T-A of the published means and standard deviations: scores, and controls."""
    found = {}
    for metric, numbers in _REVIEW_LEVEL.items():
        arms = zip(_COUNTS, (numbers[:2], numbers[2:]), strict=True)
        reference, treatment = (
            Moments(n, mean, sd * (n / (n - 1)) ** 0.5) for n, (mean, sd) in arms
        )
        found[metric] = (reference, treatment)
    return scores_and_controls(found)


def _exact(cell: str) -> float:
    """Return the mean of 2 to 5 whole scores that is printed as ``cell``."""
    printed = float(cell)
    near = [
        round(printed * n) / n
        for n in (2, 3, 4, 5)
        if abs(round(printed * n) / n - printed) < 0.0051
    ]
    return min(near, key=lambda mean: abs(mean - printed))
