"""``Study``: the same ideas of two arms, reviewed before and after execution; checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.reviews import SHARED_METRICS, Reviews

FEWEST = 3  # ideas of an arm


SHARED_REVIEWS = 0.1  # of the smaller arm; a few short reviews are equal by chance


@dataclass(frozen=True)
class Study:
    """The same ideas of two arms, reviewed before and after their execution.

    Attributes:
        before: reviews of the ideas, as texts.
        after: reviews of the same ideas, executed.
        reference: name of the arm that the other is compared with: Human.
        treatment: name of that other arm: AI.
        left_out: what was read and is not compared, in words.
    """

    before: Reviews
    after: Reviews
    reference: str = "Human"
    treatment: str = "AI"
    left_out: tuple[str, ...] = field(default=(), compare=False)

    @property
    def ideas(self) -> tuple[str, ...]:
        """The ideas, sorted, N of them."""
        return tuple(sorted(set(self.after.ideas)))

    @property
    def is_treatment(self) -> np.ndarray:
        """Whether each idea is of the treatment arm, ``[N]``."""
        arm = dict(zip(self.after.ideas, self.after.arms, strict=True))
        return np.array([arm[idea] == self.treatment for idea in self.ideas])

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics of both stages: the paper's first, in its order."""
        both = [metric for metric in self.after.scores if metric in self.before.scores]
        return tuple(sorted(both, key=_paper_order))

    def without(self, ideas: Iterable[str]) -> Study:
        """Return the study without some ideas.

        Raises:
            UserError: one of them is not in the study, or an arm is left with too few.
        """
        gone = set(ideas)
        if unknown := sorted(gone - set(self.ideas)):
            raise UserError(
                f"{_some(unknown)} is to be excluded and is not an idea of the study, in exclude; "
                f"must be among its ideas, such as {_some(self.ideas)}"
            )
        parts = [
            part.only([idea not in gone for idea in part.ideas])
            for part in (self.before, self.after)
        ]
        return make_study(*parts, reference=self.reference, treatment=self.treatment)


def _paper_order(metric: str) -> int:
    return SHARED_METRICS.index(metric) if metric in SHARED_METRICS else len(SHARED_METRICS)


def make_study(
    before: Reviews,
    after: Reviews,
    *,
    reference: str = "Human",
    treatment: str = "AI",
    where: str = "in the reviews",
) -> Study:
    """Return a study of two arms, checked; other arms, and ideas not executed, are left out.

    Two arms are compared and none is pooled: in the released files the arms AI and AI_Rerank share
    reviews under different idea ids.

    Args:
        before: reviews of the first stage, of more arms and ideas too.
        after: reviews of the second stage.
        reference: the arm that the other is compared with.
        treatment: that other arm.
        where: names the source in error messages.

    Raises:
        UserError: the two arms have one name, an arm is not there or has fewer than 3 ideas, an
            executed idea was not reviewed before, an idea is in two arms, or there is no metric of
            both stages.
    """
    _check_arms(before, after, reference, treatment, where)
    left_out: list[str] = []
    arms = (reference, treatment)
    parts: list[Reviews] = []
    for name, part in (("before", before), ("after", after)):
        others = Counter(arm for arm in part.arms if arm not in arms)
        left_out += [f"{count} reviews {name} of the arm {arm}" for arm, count in others.items()]
        parts.append(part.only([arm in arms for arm in part.arms]))
    before, after = parts
    executed = set(after.ideas)
    if missing := sorted(executed - set(before.ideas)):
        raise UserError(
            f"{len(missing)} executed ideas have no review before execution ({_some(missing)}), "
            f"{where}; must be reviewed in both stages under one idea id"
        )
    if other := len(set(before.ideas) - executed):
        left_out.append(f"{other} ideas that were not executed")
        before = before.only([idea in executed for idea in before.ideas])
    study = Study(before, after, reference, treatment, tuple(left_out))
    _check_ideas(study, where)
    _check_shared(study, where)
    return study


def _check_arms(
    before: Reviews, after: Reviews, reference: str, treatment: str, where: str
) -> None:
    if reference == treatment:
        raise UserError(
            f"reference and treatment are both {reference!r}, {where}; must be two arms"
        )
    names = sorted({*before.arms, *after.arms})
    alike: dict[str, str] = {}
    for name in names:
        if (other := alike.setdefault(name.strip().casefold(), name)) != name:
            raise UserError(
                f"two arms are called {other!r} and {name!r}, {where}; must be one name for one arm"
            )
    for stage, part in (("before", before), ("after", after)):
        for arm in (reference, treatment):
            if arm not in part.arms:
                raise UserError(
                    f"there is no review of the arm {arm!r} {stage} execution, {where}; must be "
                    f"among {', '.join(sorted(set(part.arms))) or 'none'}"
                )


def _check_ideas(study: Study, where: str) -> None:
    pairs = {
        pair
        for part in (study.before, study.after)
        for pair in zip(part.ideas, part.arms, strict=True)
    }
    twice = sorted(idea for idea, n in Counter(idea for idea, _ in pairs).items() if n > 1)
    if twice:
        raise UserError(
            f"{_some(twice)} is in the arms {study.reference!r} and {study.treatment!r}, {where}; "
            "must be in one, with another id if it is another idea"
        )
    for arm in (study.reference, study.treatment):
        count = len({idea for idea, own in pairs if own == arm})
        if count < FEWEST:
            raise UserError(
                f"the arm {arm!r} has {count} ideas, {where}; must have {FEWEST} or more: the idea "
                "is the unit, however many reviews it has"
            )
    if not study.metrics:
        raise UserError(
            f"no metric is scored in both stages ({', '.join(study.before.scores)} before, "
            f"{', '.join(study.after.scores)} after), {where}; must have one in common"
        )
    if study.before.are_means != study.after.are_means:
        raise UserError(
            f"one stage has reviews and the other means of ideas, {where}; must be of one kind"
        )


def _check_shared(study: Study, where: str) -> None:
    """Refuse arms with the same reviews, such as AI and AI_Rerank of the released files."""
    for part in (study.before, study.after):
        first, second = (
            Counter(
                content
                for content, own in zip(part.contents, part.arms, strict=bool(part.contents))
                if own == arm
            )
            for arm in (study.reference, study.treatment)
        )
        shared = (first & second).total()
        if shared > SHARED_REVIEWS * min(first.total(), second.total()):
            raise UserError(
                f"the arms {study.reference!r} and {study.treatment!r} share {shared} reviews, "
                f"{where}; must be arms of different ideas: these are neither pooled nor compared"
            )


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
