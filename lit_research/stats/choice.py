"""Which of several strategies is best, and whether the data say so at all.

With equal strategies the best mean always wins, and a bootstrap over the items of one exam names it
a "winner" in a third of the cases among five: it resamples items, not trainings, and compares the
best of many as if it had been chosen beforehand. Here the unit is the seed, which draws data,
initial weights and order for all strategies, and being the best means beating every other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.ranges import check_range
from lit_research.stats.corrections import holm
from lit_research.stats.means import paired_t
from lit_research.stats.result import LEVEL, Inference, sample


@dataclass(frozen=True)
class Choice:
    """Which strategy goes on, and why.

    Attributes:
        name: of the strategy.
        verdict: ``winner``: the data show it to be better than the incumbent, or without one than
            every other; ``tie``: they do not, and it is the cheapest of those not shown worse.
        tied: the strategies that are not shown to be worse than the best, by cost.
        compared_with: whose difference from each strategy is tested: the incumbent, or the best.
        differences: each other strategy minus it, the interval corrected for their number.
        p: Holm's adjusted p-values of these.
    """

    name: str
    verdict: Literal["winner", "tie"]
    tied: tuple[str, ...]
    compared_with: str
    differences: Mapping[str, Inference]
    p: Mapping[str, float]

    def table(self, scores: Mapping[str, ArrayLike], costs: Mapping[str, float]) -> str:
        """Return all strategies as Markdown, the best mean first.

        Args:
            scores: as for ``choose``.
            costs: as there.
        """
        means = {name: float(np.mean(np.asarray(values))) for name, values in scores.items()}
        against = self.compared_with
        lines = [
            f"| strategy | mean | minus {against} [interval] | p (Holm) | cost | |",
            "|---|--:|--:|--:|--:|---|",
        ]
        for name in sorted(means, key=lambda one: -means[one]):
            difference, p = "-", "-"
            if name in self.differences:
                found = self.differences[name]
                low, high = found.interval
                difference = f"{found.effect:+.4g} [{low:.4g}, {high:.4g}]"
                p = f"{self.p[name]:.3g}"
            mark = self.verdict if name == self.name else ""
            cost = f"{costs[name]:g}"
            lines.append(f"| {name} | {means[name]:.4g} | {difference} | {p} | {cost} | {mark} |")
        return "\n".join(lines)


def choose(
    scores: Mapping[str, ArrayLike],
    costs: Mapping[str, float],
    *,
    incumbent: str | None = None,
    alpha: float = 0.05,
) -> Choice:
    """Choose among strategies, each scored with the same seeds.

    Against an incumbent, every other strategy is compared with it by a paired t-test (two-sided,
    Holm over the strategies: Dunnett's question, answered without his assumption of independent
    arms). Those that are better are winners; of several, the choice is made among them as without
    an incumbent. Without one, the strategy with the best mean is compared with every other, and
    wins if it beats them all, which the largest p-value decides. In both cases equal strategies
    give a false winner with a probability of at most alpha, if the differences are normal.

    Args:
        scores: of each strategy, one a seed in the same order of seeds, ``[S]``; higher is better.
        costs: of each strategy, in tokens of the teacher, say.
        incumbent: the strategy that stays unless another is better; the cost is then no matter.
        alpha: chance of a false winner.

    Raises:
        UserError: strategies have other seeds than the first, no cost, or there is only one; the
            incumbent is none of them.
    """
    check_range(LEVEL, "in choose", alpha=alpha)
    values = _checked(scores, costs, incumbent)
    means = {name: float(one.mean()) for name, one in values.items()}
    if incumbent is None:
        return _best(values, means, costs, alpha)
    others = [name for name in values if name != incumbent]
    tests, adjusted = _against(values, incumbent, others, alpha)
    better = [name for name in others if adjusted[name] < alpha and means[name] > means[incumbent]]
    if not better:
        shown_worse = {name for name in others if adjusted[name] < alpha}
        tied = _by_cost([name for name in values if name not in shown_worse], costs)
        return Choice(incumbent, "tie", tied, incumbent, tests, adjusted)
    name, tied = better[0], (better[0],)
    if len(better) > 1:
        among = _best({one: values[one] for one in better}, means, costs, alpha)
        name, tied = among.name, among.tied
    return Choice(name, "winner", tied, incumbent, tests, adjusted)


def _best(
    values: Mapping[str, np.ndarray],
    means: Mapping[str, float],
    costs: Mapping[str, float],
    alpha: float,
) -> Choice:
    """Choose without an incumbent."""
    # Of equal means the cheaper, so that the order of a config does not matter.
    best = min(values, key=lambda name: (-means[name], costs[name], name))
    others = [name for name in values if name != best]
    tests, adjusted = _against(values, best, others, alpha)
    tied = _by_cost([best, *(name for name in others if not adjusted[name] < alpha)], costs)
    return Choice(tied[0], "winner" if len(tied) == 1 else "tie", tied, best, tests, adjusted)


def _against(
    values: Mapping[str, np.ndarray], one: str, others: list[str], alpha: float
) -> tuple[dict[str, Inference], dict[str, float]]:
    """Return the tests of the others minus ``one``, and their adjusted p-values; 1 for none."""
    confidence = 1 - alpha / len(others)
    tests = {name: paired_t(values[name] - values[one], confidence=confidence) for name in others}
    # Differences that are all 0 have the p-value 1; one seed has none.
    raw = [1.0 if np.isnan(tests[name].p) else tests[name].p for name in others]
    return tests, dict(zip(others, holm(raw).tolist(), strict=True))


def _by_cost(names: list[str], costs: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (costs[name], name)))


def _checked(
    scores: Mapping[str, ArrayLike], costs: Mapping[str, float], incumbent: str | None
) -> dict[str, np.ndarray]:
    values = {name: sample(name, one) for name, one in scores.items()}
    if len(values) < 2:
        raise UserError(f"there is only {', '.join(values) or 'nothing'}, in choose; give two")
    sizes = {name: len(one) for name, one in values.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise UserError(f"the strategies have {sizes} scores, in choose; give one for each seed")
    if missing := [name for name in values if name not in costs]:
        raise UserError(f"{', '.join(missing)} have no cost, in choose; give one for each strategy")
    if incumbent is not None and incumbent not in values:
        raise UserError(
            f"the incumbent {incumbent!r} is none of {', '.join(values)}, in choose; give its "
            "scores too"
        )
    return values
