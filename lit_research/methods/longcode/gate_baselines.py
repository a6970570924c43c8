"""Rules that answer by question and options alone, and how far from chance they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lit_research.errors import UserError
from lit_research.methods.longcode.items import LETTERS, QuestionItem
from lit_research.methods.longcode.question_overlap import HELD_OUT, OVERLAPS
from lit_research.stats import wilson

CHANCE = 1 / len(LETTERS)
MARGIN = 0.04
"""How far from chance an accuracy may be that counts as equal to it."""

Score: TypeAlias = Callable[[str, str], float]


@dataclass(frozen=True)
class Baseline:
    """How well a rule that sees question and options, and no code, does.

    Attributes:
        name: of the rule.
        kind: of the questions; ``all`` for all together.
        n: questions.
        right: how many it answers rightly; of equally good options each is chosen in part.
        interval: Wilson's 95% interval of the accuracy.
        p_above: of the exact one-sided test against chance, not corrected.
        p_equal: of two exact one-sided tests that the accuracy is within ``MARGIN`` of chance.
    """

    name: str
    kind: str
    n: int
    right: float
    interval: tuple[float, float]
    p_above: float
    p_equal: float

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.n


def baselines(items: Sequence[QuestionItem]) -> list[Baseline]:
    """Return what each rule scores on each kind of question, and on all.

    The rules: the longest option; the option with the most in common with the question, by each
    measure; the option of the type that most right answers of the kind have.

    Args:
        items: the questions.

    Raises:
        UserError: there are none.
    """
    if not items:
        raise UserError("there are no questions, in baselines; must have at least one")
    rules = _rules(items)
    found = []
    for name, score in rules.items():
        outcomes = [_right(item, score) for item in items]
        for kind in [*dict.fromkeys(item.kind for item in items), "all"]:
            chosen = [
                right
                for item, right in zip(items, outcomes, strict=True)
                if kind in (item.kind, "all")
            ]
            found.append(_baseline(name, kind, len(chosen), sum(chosen)))
    return found


def options_report(found: Iterable[Baseline]) -> dict[str, Any]:
    """Return what ``baselines`` found as plain data for a card."""
    found = list(found)
    rows = [
        {
            "rule": one.name,
            "kind": one.kind,
            "n": one.n,
            "accuracy": round(one.accuracy, 4),
            "interval": [round(end, 4) for end in one.interval],
            "p_above": one.p_above,
            "p_equal": one.p_equal,
        }
        for one in found
    ]
    best: dict[str, Baseline] = {}
    for one in found:
        best[one.kind] = max(one, best.get(one.kind, one), key=lambda row: row.accuracy)
    equal = {one.name: one.p_equal < 0.05 for one in found if one.kind == "all"}
    return {
        "margin": MARGIN,
        "rules": rows,
        "best": {kind: one.name for kind, one in best.items()},
        "equal_to_chance": equal,
    }


def _rules(items: Sequence[QuestionItem]) -> Mapping[str, Score]:
    types: dict[str, int] = {}
    for item in items:
        type_ = type_of(item.options[item.answer])
        types[type_] = types.get(type_, 0) + 1
    return {
        "longest option": lambda question, option: float(len(option)),
        "most frequent type": lambda question, option: float(types.get(type_of(option), 0)),
        **OVERLAPS,
        **HELD_OUT,
    }


def type_of(option: str) -> str:
    """Return what an option looks like: a number, a text, a container, a path, a name."""
    first = option.strip()[:1]
    if first in "'\"":
        return "text"
    if first in "([{":
        return "container"
    if first.isdigit() or first in "-.":
        return "float" if "." in option or "e" in option.lower() else "integer"
    if "/" in option or option.endswith(".py"):
        return "path"
    return "qualified name" if "." in option else "name" if option.isidentifier() else "other"


def _right(item: QuestionItem, score: Score) -> float:
    """Return 1 for the right option, a share of it where several are best, else 0."""
    scores = [score(item.question, option) for option in item.options]
    return (scores[item.answer] == max(scores)) / scores.count(max(scores))


def _baseline(name: str, kind: str, n: int, right: float) -> Baseline:
    from scipy.stats import binom

    # Shares vary less than whole answers, and are rounded to the side that rejects less.
    down, up = math.floor(right + 1e-9), math.ceil(right - 1e-9)
    above = float(binom.sf(down - 1, n, CHANCE))
    equal = max(binom.sf(down - 1, n, CHANCE - MARGIN), binom.cdf(up, n, CHANCE + MARGIN))
    low, high = wilson(down, n)[0], wilson(up, n)[1]
    return Baseline(name, kind, n, right, (low, high), above, float(equal))
