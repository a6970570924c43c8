"""Claims of a paper, as a method's ``replica.py`` declares and judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from lit_research.methods.arms import Arm, Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Verdict = Literal["reproduced", "unresolved", "contradicted"]


@dataclass(frozen=True)
class Claim:
    """What a replica says of one claim of the paper.

    Args:
        claim: the claim in one sentence.
        verdict: ``reproduced``, ``unresolved`` (this scale cannot tell) or ``contradicted``.
        effect: the number that decides, in the unit that the claim names.
        interval: its interval, (low, high).
        seeds: number of seeds behind it.
    """

    claim: str
    verdict: Verdict
    effect: float
    interval: tuple[float, float]
    seeds: int


def paired_interval(effects: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the 90% interval of the mean of one effect a seed (Student's t); nan for one seed."""
    from scipy import stats

    values = np.asarray(effects, dtype=float)
    if len(values) < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf(0.95, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


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
    """What a method's ``replica.py`` declares."""

    ARMS: list[Arm]

    def verdicts(self, results: Results) -> list[Claim]:
        """Judge the claims from the arms' metrics."""

    def figure(self, results: Results) -> Figure:
        """Draw the arms."""
