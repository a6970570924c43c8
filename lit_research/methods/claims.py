"""Claims of a paper, as a method's ``replica.py`` declares and judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from lit_research.methods.arms import Arm, Results
from lit_research.stats import paired_t

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Verdict = Literal["reproduced", "unresolved", "contradicted"]
Role = Literal["primary", "secondary", "exploratory"]


@dataclass(frozen=True)
class Claim:
    """What a replica says of one claim of the paper.

    Args:
        claim: the claim in one sentence.
        verdict: ``reproduced``, ``unresolved`` (this scale cannot tell) or ``contradicted``.
        effect: the number that decides, in the unit that the claim names.
        interval: its interval, (low, high).
        seeds: number of seeds behind it.
        role: ``primary`` or ``secondary`` in a plan that was made before the runs, else
            ``exploratory``.
        alpha: level at which a planned claim was decided.
        smallest: what a planned effect was tested against: the smallest of interest, or minus the
            margin.
        plan: hash of the plan.
    """

    claim: str
    verdict: Verdict
    effect: float
    interval: tuple[float, float]
    seeds: int
    role: Role = "exploratory"
    alpha: float | None = None
    smallest: float | None = None
    plan: str | None = None


def paired_interval(effects: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the 90% interval of the mean of one effect a seed (Student's t); nan for one seed."""
    return paired_t(effects).interval


def pooled_stderr(values: np.ndarray) -> float | None:
    """Return the standard error of a mean over seeds, pooled over points; None for one seed.

    Args:
        values: one for each seed and point, ``[seeds, points]``.
    """
    seeds = len(values)
    return float(np.sqrt(values.var(axis=0, ddof=1).mean() / seeds)) if seeds > 1 else None


def judge(claim: str, effects: Sequence[float] | np.ndarray) -> Claim:
    """Judge a claim whose effect is above 0 where it holds, one value a seed.

    Reproduced if its interval is above 0, contradicted if it is below, else unresolved.
    """
    low, high = paired_interval(effects)
    verdict: Verdict = "reproduced" if low > 0 else "contradicted" if high < 0 else "unresolved"
    return Claim(claim, verdict, float(np.mean(effects)), (low, high), len(effects))


class Replica(Protocol):
    """What a method's ``replica.py`` declares.

    It may also have ``findings(results)``, which returns as plain JSON data what is no claim: an
    order of arms, a choice. They are printed and written beside the claims.
    """

    ARMS: list[Arm]

    def verdicts(self, results: Results) -> list[Claim]:
        """Judge the claims from the arms' metrics, where there is no plan."""

    def effects(self, results: Results) -> dict[str, list[float]]:
        """Return one value a seed for each claim of the plan, by its id."""

    def figure(self, results: Results) -> Figure:
        """Draw the arms."""
