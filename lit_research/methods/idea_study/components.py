"""Where the scores of a study come from, and how many there are; fitted to a study."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.intercepts import random_intercept
from lit_research.methods.idea_study.study import FEWEST, Study
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range


@dataclass(frozen=True)
class Components:
    """Where the scores of one metric come from.

    A score is the mean of its arm and stage, plus the idea's deviation in that stage, plus noise of
    the review. The defaults are near what the released reviews give.

    Attributes:
        mean_before: of the reference arm, on the scale of the form.
        mean_after: likewise.
        effect_before: treatment minus reference.
        effect_after: likewise.
        idea_before: s.d. of the ideas' deviations.
        idea_after: likewise.
        noise_before: s.d. of reviews of one idea.
        noise_after: likewise.
        correlation: of an idea's two deviations.
    """

    mean_before: float = 4.6
    mean_after: float = 4.0
    effect_before: float = 0.0
    effect_after: float = 0.0
    idea_before: float = 0.8
    idea_after: float = 0.9
    noise_before: float = 1.5
    noise_after: float = 1.5
    correlation: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        where = "in Components"
        deviations = ("idea_before", "idea_after", "noise_before", "noise_after")
        check_range(NOT_NEGATIVE, where, **{name: getattr(self, name) for name in deviations})
        check_range(Range(at_least=-1, at_most=1), where, correlation=self.correlation)

    def without_effect(self) -> Components:
        """Return the same with arms that do not differ."""
        return replace(self, effect_before=0.0, effect_after=0.0)


@dataclass(frozen=True)
class Design:
    """How many ideas and reviews a study has.

    Attributes:
        reference: ideas of the reference arm.
        treatment: ideas of the treatment arm.
        before: reviews of an idea before execution; every idea in turn takes the next number.
        after: likewise after execution.
    """

    reference: int = 19
    treatment: int = 24
    before: tuple[int, ...] = (2, 2, 3)
    after: tuple[int, ...] = (4, 4, 4, 4, 5)

    def __post_init__(self) -> None:
        """Refuse too few ideas or reviews."""
        fewest = Range(at_least=FEWEST)
        check_range(fewest, "in Design", reference=self.reference, treatment=self.treatment)
        for name in ("before", "after"):
            counts = getattr(self, name)
            if not counts:
                raise UserError(f"{name} is empty, in Design; must be reviews of an idea: [4, 5]")
            check_range(COUNT, "in Design", **{name: min(counts)})

    @property
    def is_treatment(self) -> np.ndarray:
        """Whether each idea is of the treatment arm, ``[N]``."""
        return np.arange(self.reference + self.treatment) >= self.reference

    def counts(self, stage: str) -> np.ndarray:
        """Return the number of reviews of each idea, ``[N]``."""
        return np.resize(getattr(self, stage), self.reference + self.treatment)

    @classmethod
    def of(cls, study: Study) -> Design:
        """Return the design of a study, idea by idea.

        Raises:
            UserError: it has means of ideas, whose reviews are not known.
        """
        _check_single(study)
        order = np.argsort(study.is_treatment, kind="stable")
        ideas = np.array(study.ideas)[order].tolist()
        n = int(study.is_treatment.sum())
        counts = [
            tuple(part.ideas.count(idea) for idea in ideas) for part in (study.before, study.after)
        ]
        return cls(len(ideas) - n, n, *counts)


def fit_components(study: Study, metric: str) -> Components:
    """Return the components of a metric, each stage fitted by a mixed model with the arm.

    The correlation is that of the ideas' deviations, corrected for the noise of their reviews, and
    0 where ideas do not differ.

    Raises:
        UserError: the study has means of ideas.
    """
    _check_single(study)
    numbers: dict[str, float] = {}
    deviations = []
    for name, part in (("before", study.before), ("after", study.after)):
        arm = np.array([float(own == study.treatment) for own in part.arms])
        groups = np.unique(part.ideas, return_inverse=True)[1]
        design = np.column_stack([np.ones(len(arm)), arm])
        found = random_intercept(part.scores[metric], design, groups)
        numbers[f"mean_{name}"], numbers[f"effect_{name}"] = map(float, found.beta)
        numbers[f"idea_{name}"] = found.group_variance**0.5
        numbers[f"noise_{name}"] = found.residual_variance**0.5
        means = part.idea_means(metric, study.ideas)
        for side in (study.is_treatment, ~study.is_treatment):
            means[side] -= means[side].mean()
        deviations.append(means)
    covariance = float(deviations[0] @ deviations[1]) / (len(study.ideas) - 2)
    scale = numbers["idea_before"] * numbers["idea_after"]
    correlation = max(-1.0, min(1.0, covariance / scale)) if scale > 0 else 0.0
    return Components(**numbers, correlation=correlation)


def _check_single(study: Study) -> None:
    if study.after.are_means:
        raise UserError(
            "the study has means of ideas; must have single reviews to know their noise: give "
            "ReviewFiles their paths"
        )
