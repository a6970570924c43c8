"""One step of a recipe after the other, each strategy tried with the earlier winners.

Pure: the scores of arms come from ``evaluate``. OpenThoughts (Guha et al. 2025, arXiv 2506.04178)
finds its recipe in this way, and takes the best mean at each step; here a strategy wins only if the
seeds say so (``lit_research.stats.choose``), and else the cheapest of the tied goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lit_research.errors import UserError
from lit_research.stats import Choice, choose

Options = Mapping[str, Any]
"""Dotted keys of an arm's config, and their values."""
Steps = Mapping[str, Mapping[str, Options]]
"""The strategies of each step, by name; the first one is the baseline."""


@dataclass(frozen=True)
class Scored:
    """What is known of an arm.

    Attributes:
        scores: one a seed, higher is better.
        cost: of its data, in tokens of the teacher, say.
        rows: that it trained on, one a seed; empty where that is not known.
    """

    scores: tuple[float, ...]
    cost: float
    rows: tuple[float, ...] = ()


@dataclass(frozen=True)
class Compared:
    """A step whose strategies have been compared.

    Attributes:
        step: its name.
        arms: what is known of each strategy, by name.
        choice: which one goes on, and why.
        chosen: the strategy of every step so far.
        uncontrolled: strategies that are shown and cannot be chosen.
    """

    step: str
    arms: Mapping[str, Scored]
    choice: Choice
    chosen: Mapping[str, str]
    uncontrolled: tuple[str, ...] = ()

    @property
    def controlled(self) -> dict[str, Scored]:
        """The strategies that are compared."""
        return {name: arm for name, arm in self.arms.items() if name not in self.uncontrolled}

    def table(self) -> str:
        """Return the strategies as Markdown, the best mean first; those not compared at the end."""
        costs = {name: arm.cost for name, arm in self.arms.items()}
        scores = {name: arm.scores for name, arm in self.controlled.items()}
        lines = [self.choice.table(scores, costs)]
        for name in self.uncontrolled:
            mean = sum(self.arms[name].scores) / len(self.arms[name].scores)
            mark = "not compute-controlled"
            lines.append(f"| {name} | {mean:.4g} | - | - | {costs[name]:g} | {mark} |")
        return "\n".join(lines)


Evaluate = Callable[[Mapping[str, Options]], Mapping[str, Scored]]
"""Scores arms, given the options of each by name; arms of one call can be run in parallel."""


def check_steps(steps: Steps, where: str) -> None:
    """Refuse steps that are no comparison, or that change the same keys.

    Raises:
        UserError: a step has fewer than two strategies, or two equal ones, or a key of another.
    """
    if not steps:
        raise UserError(f"there are no steps, {where}; give at least one, with its strategies")
    owners: dict[str, str] = {}
    for step, strategies in steps.items():
        if len(strategies) < 2:
            raise UserError(
                f"the step {step!r} has {len(strategies)} strategies, {where}; give two or more, "
                "the baseline first"
            )
        values = [dict(options) for options in strategies.values()]
        if any(one in values[:place] for place, one in enumerate(values)):
            raise UserError(
                f"two strategies of the step {step!r} have the same options, {where}; one of them "
                "has no effect"
            )
        for key in dict.fromkeys(key for options in values for key in options):
            for other, owner in owners.items():
                if f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}."):
                    raise UserError(
                        f"the steps {owner!r} and {step!r} both set {other!r}, {where}; each "
                        "must have keys of its own, or one would undo the other"
                    )
        owners |= {key: step for options in values for key in options}


def options_of(steps: Steps, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a recipe; a step that is not in ``chosen`` has its baseline."""
    found: dict[str, Any] = {}
    for step, strategies in steps.items():
        found |= strategies[chosen.get(step, next(iter(strategies)))]
    return found


def greedy(
    steps: Steps,
    evaluate: Evaluate,
    *,
    alpha: float = 0.05,
    against_baseline: bool = False,
    uncontrolled: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Compared]:
    """Yield each step with its choice.

    Args:
        steps: in order. A later step stays at its baseline until it is its turn.
        evaluate: called once a step.
        alpha: chance of a false winner in a step.
        against_baseline: the baseline of a step stays unless another strategy is better, whatever
            it costs; else the best must beat every other, and a tie goes to the cheapest.
        uncontrolled: strategies of a step that are scored and cannot be chosen.
    """
    chosen: dict[str, str] = {}
    for step, strategies in steps.items():
        arms = {name: options_of(steps, {**chosen, step: name}) for name in strategies}
        scored = evaluate(arms)
        beside = tuple((uncontrolled or {}).get(step, ()))
        compared = [name for name in strategies if name not in beside]
        choice = choose(
            {name: scored[name].scores for name in compared},
            {name: scored[name].cost for name in compared},
            incumbent=next(iter(strategies)) if against_baseline else None,
            alpha=alpha,
        )
        chosen = {**chosen, step: choice.name}
        arms_of_step = {name: scored[name] for name in strategies}
        yield Compared(step, arms_of_step, choice, chosen, beside)
