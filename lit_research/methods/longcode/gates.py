"""Gates: what can be answered without the code is no question about the code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from lit_research.errors import UserError
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.gate_baselines import CHANCE, baselines, options_report
from lit_research.methods.longcode.items import LETTERS, QuestionItem
from lit_research.methods.longcode.question_overlap import HELD_OUT
from lit_research.ranges import Range, check_range
from lit_research.stats import holm

Answerer: TypeAlias = Callable[[str, str, tuple[str, ...]], str]
"""Answers a question: the question, the repository's name, the options as shown; a letter."""


def gate_options(items: ItemSet, *, alpha: float = 0.05) -> ItemSet:
    """Drop kinds of question that a rule without code answers above chance.

    Above chance is a kind for which one of the rules is, after Holm's correction over all kinds and
    rules, by an exact binomial test. Measures in ``HELD_OUT``, which the builder does not see, are
    reported only.

    Args:
        items: the questions; repairs stay as they are.
        alpha: chance to drop any kind though all are at chance.

    Returns:
        What is left; ``options_only`` in its card holds each rule's accuracy with its interval, the
        best rule of each kind, what was dropped, and whether all rules equal chance over all.

    Raises:
        UserError: there is no question, or none is left.
    """
    check_range(Range(above=0, below=1), "in gate_options", alpha=alpha)
    found = baselines(items.questions)
    tested = [one for one in found if one.kind != "all" and one.name not in HELD_OUT]
    adjusted = holm([one.p_above for one in tested])
    dropped = {one.kind for one, p in zip(tested, adjusted, strict=True) if p < alpha}
    kept = [one for one in items.items if getattr(one, "options", None) is None]
    left = [item for item in items.questions if item.kind not in dropped]
    if not left:
        raise UserError(
            f"all kinds of question are answered above chance without code: {sorted(dropped)}, in "
            "gate_options; must be other questions"
        )
    report = options_report(found if not dropped else baselines(left))
    report |= {"alpha": alpha, "dropped_kinds": sorted(dropped)}
    order = {item.id: n for n, item in enumerate(items.items)}
    merged = sorted([*left, *kept], key=lambda item: order[item.id])
    return ItemSet(merged, items.trees, {**items.card, "options_only": report})


def gate_closed_book(items: ItemSet, answer: Answerer, *, name: str) -> ItemSet:
    """Drop questions that are answered without code in all four rotations.

    By chance that is one of 256.

    Args:
        items: the questions; repairs stay as they are.
        answer: called with the question, the name of the package and the four options as shown;
            returns a letter. What is no letter is a wrong answer.
        name: of who answers, for the card.

    Returns:
        What is left; ``closed_book`` in its card says how many were asked and dropped, and the
        accuracy over all rotations.
    """
    dropped: list[str] = []
    right = 0
    for item in items.questions:
        hits = 0
        for rotation in range(len(LETTERS)):
            options, correct = item.rotated(rotation)
            hits += answer(item.question, item.origin.package, options) == LETTERS[correct]
        right += hits
        if hits == len(LETTERS):
            dropped.append(item.id)
    count, gone = len(items.questions), set(dropped)
    card = {
        "by": name,
        "asked": count,
        "dropped": dropped,
        "accuracy": right / (len(LETTERS) * count) if count else None,
        "expected_by_chance": count * CHANCE ** len(LETTERS),
    }
    left = [item for item in items.items if item.id not in gone]
    return ItemSet(_balanced(left), items.trees, {**items.card, "closed_book": card})


def _balanced(items: Sequence[Any]) -> list[Any]:
    """Rotate options again so that right letters are even, where questions have been dropped."""
    made, number = [], 0
    for item in items:
        if isinstance(item, QuestionItem):
            options, answer = item.rotated(number % len(LETTERS) - item.answer)
            item = replace(item, options=options, answer=answer)
            number += 1
        made.append(item)
    return made
