"""Which of two ideas is better: judges, asked in both orders, and a Swiss tournament of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lit_research.errors import UserError
from lit_research.methods.idea_study.ideas import Idea
from lit_research.methods.idea_study.judges import Choice, PairJudge
from lit_research.stats import wilson


@dataclass(frozen=True)
class Judgement:
    """What a judge says of two ideas in both orders.

    Attributes:
        a: id of one idea.
        b: id of the other.
        score: of ``a``: 1 or 0 where both orders agree, 0.5 where they do not, or one is
            unreadable.
        choices: with ``a`` first, and with ``b`` first.
    """

    a: str
    b: str
    score: float
    choices: tuple[Choice, Choice]

    @property
    def is_consistent(self) -> bool:
        """Whether the same idea is preferred in both orders."""
        return self.score != 0.5


def judge_pairs(judge: PairJudge, pairs: Sequence[tuple[Idea, Idea]]) -> list[Judgement]:
    """Ask a judge about pairs in both orders, in one call.

    Raises:
        UserError: the judge answers another number of pairs than it was asked.
    """
    asked = [(a.text, b.text) for a, b in pairs] + [(b.text, a.text) for a, b in pairs]
    choices = judge.choose(asked)
    if len(choices) != len(asked):
        raise UserError(
            f"{type(judge).__name__} returns {len(choices)} choices for {len(asked)} pairs, in "
            "judge_pairs; must be one for each"
        )
    found = []
    for (a, b), one, other in zip(pairs, choices, choices[len(pairs) :], strict=False):
        wins = {("first", "second"): 1.0, ("second", "first"): 0.0}
        found.append(Judgement(a.id, b.id, wins.get((one, other), 0.5), (one, other)))
    return found


@dataclass(frozen=True)
class Position:
    """How far a judge goes by the order.

    Attributes:
        first: share of readable choices that took the first text; 0.5 without bias.
        interval: 95%, Wilson's; of choices as if independent.
        consistent: share of the pairs with the same choice in both orders.
        unreadable: share of the choices.
    """

    first: float
    interval: tuple[float, float]
    consistent: float
    unreadable: float


def position(judgements: Sequence[Judgement]) -> Position:
    """Return a judge's bias for a position.

    Raises:
        UserError: there is no judgement, or no choice is readable.
    """
    choices = [choice for one in judgements for choice in one.choices]
    read = [choice for choice in choices if choice != "unreadable"]
    if not read:
        raise UserError(
            f"none of {len(choices)} choices is readable, in position; must be one or more"
        )
    count = read.count("first")
    return Position(
        count / len(read),
        wilson(count, len(read)),
        sum(one.is_consistent for one in judgements) / len(judgements),
        1 - len(read) / len(choices),
    )
