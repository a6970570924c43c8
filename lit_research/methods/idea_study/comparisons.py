"""Welch's test of two arms in many metrics, with every correction for their number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from lit_research.stats import (
    benjamini_hochberg,
    bonferroni,
    holm,
    welch_statistic,
)
from lit_research.stats.result import Array

Side: TypeAlias = Literal["one-sided", "two-sided"]


CONFIDENCE = 0.95  # as in the paper


CORRECTIONS: dict[str, Callable[[Array], Array]] = {
    "none": np.array,
    "bh": benjamini_hochberg,
    "holm": holm,
    "bonferroni": bonferroni,
}
"""What a p-value is adjusted by, for the number of metrics of its table."""


@dataclass(frozen=True)
class Moments:
    """What Welch's test reads of an arm: units, their mean and their s.d. (``n - 1``)."""

    n: int
    mean: float
    sd: float

    @classmethod
    def of(cls, values: Array) -> Moments:
        """Return the moments of values ``[n]``, two or more."""
        return cls(len(values), float(values.mean()), float(values.std(ddof=1)))

    @property
    def population_sd(self) -> float:
        """The s.d. with ``n`` in the denominator, which the paper prints of reviews."""
        return self.sd * math.sqrt((self.n - 1) / self.n)


@dataclass(frozen=True)
class Comparison:
    """Welch's test of one metric.

    Attributes:
        metric: its name.
        reference: moments of the reference arm.
        treatment: moments of the treatment arm.
        effect: difference of the means, with the table's sign.
        interval: 95%, two-sided.
        t: Welch's statistic of the effect; nan where no unit of either arm differs.
        df: Satterthwaite's degrees of freedom.
        d: effect over the pooled s.d.; nan where that is 0.
        p: by side and correction; one-sided in the table's direction. nan where ``t`` is.
    """

    metric: str
    reference: Moments
    treatment: Moments
    effect: float
    interval: tuple[float, float]
    t: float
    df: float
    d: float
    p: Mapping[Side, Mapping[str, float]]


def compare(
    moments: Mapping[str, tuple[Moments, Moments]],
    *,
    direction: Literal["treatment-reference", "reference-treatment"],
    alternative: Literal["greater", "less"],
) -> list[Comparison]:
    """Compare arms in every metric by Welch's test, with the p-values corrected over the metrics.

    Args:
        moments: of each metric, those of the reference arm and of the treatment arm.
        direction: of the effect.
        alternative: direction of the one-sided test.
    """
    metrics = list(moments)
    sign = 1.0 if direction == "treatment-reference" else -1.0
    pairs = [moments[metric] for metric in metrics]
    arms = [[pair[side] for pair in pairs] for side in (1, 0)]
    t, df = welch_statistic(
        *(
            (
                np.array([getattr(m, name) for m in arms[0]]) ** power,
                np.array([getattr(m, name) for m in arms[1]]) ** power,
            )
            for name, power in (("mean", 1), ("sd", 2), ("n", 1))
        )
    )
    t = sign * t
    p = p_values(t, df, alternative)
    corrected = {side: corrections(values) for side, values in p.items()}
    found = []
    for number, (metric, (reference, treatment)) in enumerate(zip(metrics, pairs, strict=True)):
        effect = sign * (treatment.mean - reference.mean)
        found.append(
            Comparison(
                metric,
                reference,
                treatment,
                effect,
                _interval(effect, reference, treatment, float(df[number])),
                float(t[number]),
                float(df[number]),
                _standardised(effect, reference, treatment),
                {
                    side: {name: float(values[number]) for name, values in by_name.items()}
                    for side, by_name in corrected.items()
                },
            )
        )
    return found


def p_values(t: Array, df: Array, alternative: Literal["greater", "less"]) -> dict[Side, Array]:
    """Return one- and two-sided p-values of Student's t, of any shape; nan stays nan."""
    from scipy import special

    one = special.stdtr(df, t if alternative == "less" else -t)
    return {"one-sided": one, "two-sided": 2 * special.stdtr(df, -np.abs(t))}


def corrections(p: Array) -> dict[str, Array]:
    """Return p-values ``[m]`` by every correction; those that are nan do not count as tests."""
    known = np.isfinite(p)
    found: dict[str, Array] = {}
    for name, correct in CORRECTIONS.items():
        found[name] = np.full(len(p), np.nan)
        found[name][known] = correct(p[known])
    return found


def _interval(
    effect: float, reference: Moments, treatment: Moments, df: float
) -> tuple[float, float]:
    from scipy import special

    error = math.sqrt(reference.sd**2 / reference.n + treatment.sd**2 / treatment.n)
    half = float(special.stdtrit(df, (1 + CONFIDENCE) / 2)) * error
    return effect - half, effect + half


def _standardised(effect: float, reference: Moments, treatment: Moments) -> float:
    degrees = [reference.n - 1, treatment.n - 1]
    squares = degrees[0] * reference.sd**2 + degrees[1] * treatment.sd**2
    return effect / math.sqrt(squares / sum(degrees)) if squares else math.nan
