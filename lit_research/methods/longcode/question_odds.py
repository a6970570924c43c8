"""Which facts give themselves away, before they have other options."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import comb

import numpy as np

from lit_research.methods.longcode.question_facts import Fact
from lit_research.methods.longcode.question_overlap import OVERLAPS

_RIVALS = 24  # other answers that a fact is compared with
_OTHERS = 3  # wrong options of a question


def plain_facts(facts: Sequence[Fact], target: float, rng: random.Random) -> list[Fact]:
    """Return facts without the fewest that words shared with the question give away.

    Each fact has a chance, for each measure of overlap, to be right in the eyes of whoever takes
    the option with the most overlap, or that with the least, if its other options are drawn at
    random. Facts are dropped until the mean chance is at most ``target`` for each.

    Args:
        facts: of one kind.
        target: mean chance to be reached.
        rng: draws the other answers.
    """
    if not facts:
        return []
    odds = np.array(_odds(facts, rng)).reshape(len(facts), -1)
    kept = np.ones(len(facts), dtype=bool)
    while kept.sum() > _OTHERS:
        beyond = np.maximum(odds[kept].mean(axis=0) - target, 0)
        if not beyond.any():
            break
        gain = (odds - target) @ beyond
        kept[int(np.argmax(np.where(kept, gain, -np.inf)))] = False
    return [fact for fact, keep in zip(facts, kept, strict=True) if keep]


def _odds(facts: Sequence[Fact], rng: random.Random) -> list[list[float]]:
    groups: dict[tuple[str, int], dict[str, None]] = {}
    for fact in facts:
        groups.setdefault((fact.type, fact.length), {})[fact.answer] = None
    answers = {group: list(some) for group, some in groups.items()}
    found = []
    for fact in facts:
        group = answers[fact.type, fact.length]
        rivals = [one for one in rng.sample(group, min(_RIVALS, len(group))) if one != fact.answer]
        row = []
        for measure in OVERLAPS.values():
            own = measure(fact.question, fact.answer)
            differences = [own - measure(fact.question, rival) for rival in rivals]
            row += [_chance(differences), _chance([-one for one in differences])]
        found.append(row)
    return found


def _chance(differences: Sequence[float]) -> float:
    """Return the chance to be above three drawn rivals; equal ones share it."""
    count = max(len(differences), 1)
    below = sum(one > 0 for one in differences) / count
    equal = sum(one == 0 for one in differences) / count
    return sum(
        comb(_OTHERS, n) * equal**n * below ** (_OTHERS - n) / (n + 1) for n in range(_OTHERS + 1)
    )
