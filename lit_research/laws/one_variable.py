"""Laws in one variable: power laws of a loss, and the sigmoid of a success rate."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lit_research.errors import UserError
from lit_research.laws.base import Array, Law, Parameter, above, positive_coefficients

EXPONENTS = np.array([0.03, 0.06, 0.1, 0.16, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0])


@dataclass(frozen=True)
class PowerLaw(Law):
    """``L(x) = E + A / x^alpha``, with ``E, A, alpha >= 0`` (Kim et al. 2025, arXiv 2509.14786).

    ``A`` depends on the unit of ``x``; ``E`` and ``alpha`` do not.
    """

    formula = "E + A / x^alpha"
    parameters = (Parameter("E"), Parameter("A", log=True), Parameter("alpha", high=20.0))
    variables = ("x",)
    limit = "E"

    def evaluate(self, x: Mapping[str, Array], theta: Array) -> tuple[Array, Array]:
        """See :meth:`Law.evaluate`; computed from logarithms, so that no unit of x overflows."""
        E, A, alpha = (theta[..., None, k] for k in range(3))
        log_x = np.log(x[self.variables[0]])
        # Not A * x^-alpha: either factor may overflow where their product is an ordinary loss.
        term = np.exp(np.log(A) - alpha * log_x)
        gradient = np.stack([np.ones_like(term), term / A, -term * log_x], axis=-1)
        return E + term, gradient

    def starts(self, x: Mapping[str, Array], y: Array) -> Array:
        """For each exponent of a grid, ``E`` and ``A`` by linear least squares."""
        falling = x[self.variables[0]] ** -EXPONENTS[:, None]
        columns = np.stack([np.ones_like(falling), falling], axis=-1)
        return np.column_stack([positive_coefficients(columns, y), EXPONENTS])

    def invert(self, y: Array, params: Mapping[str, float], known: Mapping[str, Array]) -> Array:
        """``x = (A / (y - E))^(1/alpha)``."""
        self.unknown(known)
        rest = above(y, params["E"], "the asymptote E")
        return np.asarray((params["A"] / rest) ** (1.0 / params["alpha"]))


@dataclass(frozen=True)
class EnsembleLaw(PowerLaw):
    """``L(K) = E + A / K^alpha``: loss of the average of ``K`` independently trained members.

    ``E`` is the loss of infinitely many members of this size. The paper's joint limit (members
    to infinity, then parameters) is a :class:`PowerLaw` in ``N`` through the ``E`` of each ``N``.
    """

    formula = "E + A / K^alpha"
    variables = ("K",)


@dataclass(frozen=True)
class Sigmoid(Law):
    """``R(C) = R0 + (A - R0) / (1 + (Cmid / C)^B)``: rate against compute (SGS, section 4.2).

    ``A`` is the rate at infinite compute, ``Cmid`` the compute of half the rise, ``B`` the
    steepness; ``R0`` is the rate without compute, held fixed.
    """

    R0: float = 0.0

    formula = "R0 + (A - R0) / (1 + (Cmid / C)^B)"
    parameters = (
        # Well below Cmid's, which grows as A^(1/B) when the points show no saturation.
        Parameter("A", log=True, horizon=1e30),
        Parameter("Cmid", log=True),
        Parameter("B", high=20.0),
    )
    variables = ("C",)
    limit = "A"

    def evaluate(self, x: Mapping[str, Array], theta: Array) -> tuple[Array, Array]:
        """See :meth:`Law.evaluate`."""
        A, Cmid, B = (theta[..., None, k] for k in range(3))
        log_ratio = np.log(x["C"]) - np.log(Cmid)
        # Both tails in full relative precision: an asymptote far above the points lies in one.
        share = np.exp(-np.logaddexp(0.0, -B * log_ratio))
        rest = np.exp(-np.logaddexp(0.0, B * log_ratio))
        bend = (A - self.R0) * share * rest
        gradient = np.stack([share, -bend * B / Cmid, bend * log_ratio], axis=-1)
        return self.R0 + (A - self.R0) * share, gradient

    def starts(self, x: Mapping[str, Array], y: Array) -> Array:
        """A grid of mid-points and steepnesses, each with its best ``A`` (linear)."""
        C = x["C"]
        mids = np.geomspace(C.min() / 10.0, C.max() * 100.0, 9)
        Cmid, B = (g.reshape(-1) for g in np.meshgrid(mids, [0.25, 0.5, 0.8, 1.3, 2.5, 5.0]))
        share = 1.0 / (1.0 + (Cmid[:, None] / C) ** B[:, None])
        rise = (share @ (y - self.R0)) / np.sum(share**2, axis=-1)
        A = np.maximum(self.R0 + rise, 0.01 * np.max(np.abs(y)))
        return np.column_stack([A, Cmid, B])

    def invert(self, y: Array, params: Mapping[str, float], known: Mapping[str, Array]) -> Array:
        """Compute at which the rate is ``y``."""
        self.unknown(known)
        share = (y - self.R0) / (params["A"] - self.R0)
        if not np.all((share > 0) & (share < 1)):
            raise UserError(
                f"rate {np.asarray(y).tolist()} is never reached, since the law runs from "
                f"R0={self.R0:.6g} to A={params['A']:.6g}; give a rate between them"
            )
        return np.asarray(params["Cmid"] * (share / (1.0 - share)) ** (1.0 / params["B"]))


def anchor(C: Array, rate: Array, drop_below: float = 100_000.0) -> tuple[Sigmoid, Array, Array]:
    """Prepare points as SGS does: drop the early ones, fix ``R0``, measure compute from there.

    The first point with ``C >= drop_below`` (generations) becomes the origin: its rate is ``R0``
    and its compute is subtracted from the later ones (section 4.2 and appendix A: "R0 fixed to
    the first kept observation", the rest "re-centred").

    Returns:
        The law with its ``R0``, and the remaining compute and rates ``[n]``, ready for ``fit``.

    Raises:
        UserError: fewer than two points are left.
    """
    C, rate = np.asarray(C, dtype=float), np.asarray(rate, dtype=float)
    order = np.argsort(C)
    kept = order[C[order] >= drop_below]
    if kept.size < 2:
        raise UserError(
            f"{kept.size} of {C.size} points have C >= drop_below={drop_below:g}, too few for a "
            "sigmoid; give a smaller drop_below or a longer run"
        )
    first, rest = kept[0], kept[1:]
    rest = rest[C[rest] > C[first]]
    return Sigmoid(R0=float(rate[first])), C[rest] - C[first], rate[rest]
