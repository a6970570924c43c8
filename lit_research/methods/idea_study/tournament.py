"""A Swiss tournament of ideas, as in the first study: few judgements for a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.ideas import Idea, check_ideas
from lit_research.methods.idea_study.judges import PairJudge
from lit_research.methods.idea_study.judging import Judgement, judge_pairs
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed


@dataclass(frozen=True)
class Tournament:
    """What a tournament found.

    Attributes:
        scores: points by idea, the best first; ties in an order drawn by lot.
        judgements: of every round.
    """

    scores: dict[str, float]
    judgements: list[list[Judgement]]


def swiss(ideas: Sequence[Idea], judge: PairJudge, rounds: int = 5, seed: int = 0) -> Tournament:
    """Rank ideas by a Swiss tournament, as in the first study: 5 rounds of pairs of equal points.

    Each round pairs neighbours in the order of points that have not met, as far as there are any;
    an odd one out has a point. N ideas take ``rounds * N / 2`` judgements where all pairs would
    take ``N (N - 1) / 2``. The released code asks in one order, takes every reply but "1" for the
    second idea, and may pair two ideas again.

    Args:
        ideas: two or more.
        judge: asked in both orders.
        rounds: fewer than there are ideas.
        seed: of the first pairing, and of the order of ties.

    Raises:
        UserError: there are too few ideas for the rounds.
    """
    ideas = check_ideas(list(ideas), "in swiss")
    check_range(COUNT, "in swiss", rounds=rounds)
    if len(ideas) <= rounds:
        raise UserError(
            f"there are {len(ideas)} ideas and {rounds} rounds, in swiss; must be more ideas: else "
            "pairs meet again"
        )
    rng = np.random.default_rng(derive_seed("swiss", seed))
    points = {idea.id: 0.0 for idea in ideas}
    met: set[frozenset[str]] = set()
    rested: set[str] = set()
    history = []
    for _ in range(rounds):
        order = [ideas[k] for k in rng.permutation(len(ideas))]
        order.sort(key=lambda idea: -points[idea.id])
        if len(order) % 2:
            resting = next(idea for idea in reversed(order) if idea.id not in rested)
            order.remove(resting)
            rested.add(resting.id)
            points[resting.id] += 1
        pairs = _pairs(order, met)
        judgements = judge_pairs(judge, pairs)
        for one in judgements:
            points[one.a] += one.score
            points[one.b] += 1 - one.score
            met.add(frozenset((one.a, one.b)))
        history.append(judgements)
    ids = [ideas[k].id for k in rng.permutation(len(ideas))]
    return Tournament(
        {name: points[name] for name in sorted(ids, key=lambda n: -points[n])}, history
    )


def _pairs(order: list[Idea], met: set[frozenset[str]]) -> list[tuple[Idea, Idea]]:
    """Pair neighbours that have not met; the last ones meet again if nobody else is left."""
    left, pairs = list(order), []
    while left:
        first = left.pop(0)
        new = [k for k, other in enumerate(left) if frozenset((first.id, other.id)) not in met]
        pairs.append((first, left.pop(new[0] if new else 0)))
    return pairs
