"""Diagnostics of a metagradient: is it exact, is the training deterministic, is it predictive?

A metagradient may be exact and useless: where training is chaotic, the derivative at w says nothing
about a finite change. ``metasmoothness`` measures that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lit_research.metagrad.forward import Run, train
from lit_research.metagrad.reverse import Metric, metagradient
from lit_research.metagrad.training import Training


@dataclass(frozen=True)
class Audit:
    """A directional derivative, computed in two ways.

    Args:
        exact: by the metagradient.
        difference: by central differences of training runs.
    """

    exact: float
    difference: float

    @property
    def relative_error(self) -> float:
        """Their absolute difference, relative to the larger one."""
        return abs(self.exact - self.difference) / max(
            abs(self.exact), abs(self.difference), 1e-300
        )


def audit(
    training: Training, metric: Metric, *, size: float = 1e-4, seed: int = 0
) -> tuple[Audit, list[Tensor]]:
    """Compare the metagradient with central differences in a random direction of the weights.

    The differences are of fourth order, from training runs with w + h v, w + 2 h v, w - h v and
    w - 2 h v. In float32, rounding is about 1e-3 of the metric's change: audit in float64.

    Args:
        training: what to audit; it is run five times.
        metric: Phi.
        size: step size h of the differences.
        seed: of the direction v, whose components are standard normal.

    Returns:
        The comparison, and the metagradient's weights.
    """
    result = metagradient(train(training), metric)
    direction = _normal(result.weights, seed)
    exact = sum(float((w * d).sum()) for w, d in zip(result.weights, direction, strict=True))

    def value(steps: int) -> float:
        weights = [1 + steps * size * d for d in direction]
        return value_at(train(training, weights), metric)

    near, far = value(1) - value(-1), value(2) - value(-2)
    return Audit(exact, (8 * near - far) / (12 * size)), result.weights


def _normal(like: Sequence[Tensor], seed: int) -> list[Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(x.shape, generator=draw, dtype=torch.float64).to(x) for x in like]


@torch.no_grad()
def value_at(run: Run, metric: Metric) -> float:
    """Return the metric at a run's theta_T, without its gradient."""

    def total(model: object) -> float:
        result = metric(model)
        terms = [result] if isinstance(result, Tensor) else result
        return sum(float(term) for term in terms)

    return float(run.steps.after(run.layout.split(run.theta), total))


def replays_exactly(training: Training) -> bool:
    """Return whether two runs of the training end at the same parameters, bit for bit.

    Where they do not (atomic additions on a GPU), recomputed steps differ from the original ones,
    and the error of the metagradient is as large as that difference.
    """
    first, again = train(training).theta, train(training).theta
    return bool(torch.equal(first, again))


def metasmoothness(
    training: Training, direction: Sequence[Tensor] | None = None, *, size: float = 0.1
) -> float:
    """Return how far two equal changes of the weights move the parameters the same way, -1 to 1.

    The agreement in sign of theta(w + hv) - theta(w) and theta(w + 2hv) - theta(w + hv), weighted
    by the size of theta(w + 2hv) - theta(w) (Engstrom et al. 2025, definition 2; bergson computes
    the same). Near 1 a metagradient predicts what finite changes do; lower learning rates, a
    larger eps_root, warm-up and clipping raise it.

    With this weight, a parameter that returns to its first value does not count. Weighting by the
    first difference alone would give lower scores.

    Args:
        training: what to measure; it is run three times.
        direction: v, a tensor for each step's weights; None draws a standard normal one.
        size: step size h.
    """
    base = train(training)
    if direction is None:
        direction = _normal([base.steps.losses(base.theta, t) for t in range(base.length)], 0)
    once, twice = (train(training, [1 + n * size * v for v in direction]).theta for n in (1, 2))
    return sign_agreement(base.theta, once, twice)


def sign_agreement(base: Tensor, once: Tensor, twice: Tensor) -> float:
    """Return the metasmoothness of three equally spaced results of training, -1 to 1.

    Args:
        base: theta(w), ``[P]``.
        once: theta(w + hv), ``[P]``.
        twice: theta(w + 2hv), ``[P]``.
    """
    moved = (twice - base).abs()
    total = moved.sum()
    agree = (once - base).sign() * (twice - once).sign()
    return float((moved * agree).sum() / total) if total > 0 else 1.0
