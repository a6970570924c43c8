"""The collapse statistics: what degenerate conjectures look like (figure 2 of the paper).

Bailey et al. 2026, arXiv 2604.20209. Without a Guide, the Conjecturer drifts towards long
conclusions that are disjunctions of unrelated claims.

Legend: N problems or conjectures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lit_research.lean.statements import Statement
from lit_research.methods.self_play.problems import Problem
from lit_research.methods.self_play.rewards import is_interior

STATISTICS = ("disjunctive_share", "conclusion_length_tokens", "interior_share")


def disjunctive_share(conjectures: Sequence[Statement]) -> float:
    """Return the share of statements whose conclusion is a disjunction; nan for no statements."""
    return _mean([statement.disjuncts > 1 for statement in conjectures])


def mean_conclusion_length(conjectures: Sequence[Statement]) -> float:
    """Return the mean length of the conclusions in tokens of Lean; nan for no statements."""
    return _mean([statement.conclusion_length for statement in conjectures])


def interior_share(rates: Sequence[float]) -> float:
    """Return the share of partially solved problems, ``0 < s < 1``; nan for no problems.

    Args:
        rates: solve rates, ``[N]``.
    """
    return _mean(is_interior(rates))


def collapse_statistics(conjectures: Sequence[Problem]) -> dict[str, float]:
    """Return the collapse statistics of attempted conjectures, by the names in ``STATISTICS``."""
    statements = [problem.statement for problem in conjectures]
    values = (
        disjunctive_share(statements),
        mean_conclusion_length(statements),
        interior_share([problem.solve_rate for problem in conjectures]),
    )
    return dict(zip(STATISTICS, values, strict=True))


def mean_over_rounds(rounds: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return the collapse statistics of the conjectures of several rounds together.

    Args:
        rounds: ``[number of conjectures, *collapse statistics]`` of each round. Without any
            conjectures the result is empty.
    """
    total = sum(count for count, *_ in rounds)
    return {
        name: sum(row[0] * row[column] for row in rounds) / total
        for column, name in enumerate(STATISTICS, start=1)
        if total
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
