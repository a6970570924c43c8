"""Rules that answer by question and options alone, and how far from chance they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.longcode.items import LETTERS, QuestionItem
from lit_research.methods.longcode.question_overlap import HELD_OUT, OVERLAPS
from lit_research.seeds import derive_seed
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
        right: how many it answers rightly; ties are broken at random, with a seed.
        interval: Wilson's 95% interval of the accuracy.
        p_above: of the exact one-sided test against chance, not corrected.
        p_equal: of two exact one-sided tests that the accuracy is within ``MARGIN`` of chance.
    """

    name: str
    kind: str
    n: int
    right: int
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
        outcomes = [_is_right(item, score, name) for item in items]
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


def _is_right(item: QuestionItem, score: Score, name: str) -> bool:
    scores = [score(item.question, option) for option in item.options]
    best = [number for number, one in enumerate(scores) if one == max(scores)]
    rng = np.random.default_rng(derive_seed("ties", name, item.id))
    return int(rng.choice(best)) == item.answer


def _baseline(name: str, kind: str, n: int, right: int) -> Baseline:
    from scipy.stats import binom

    above = float(binom.sf(right - 1, n, CHANCE))
    equal = max(binom.sf(right - 1, n, CHANCE - MARGIN), binom.cdf(right, n, CHANCE + MARGIN))
    return Baseline(name, kind, n, right, wilson(right, n), above, float(equal))
