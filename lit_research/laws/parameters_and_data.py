"""Laws in parameters and training tokens, fresh or repeated, and the value of data."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lit_research.errors import UserError
from lit_research.laws.base import Array, Law, Parameter, above, positive_coefficients
from lit_research.laws.points import Values
from lit_research.laws.result import Curve, Fit

EXPONENTS = np.array([0.1, 0.2, 0.3, 0.4, 0.55, 0.8, 1.2, 2.0])


@dataclass(frozen=True)
class Chinchilla(Law):
    """``L(N, D) = E + A / N^alpha + B / D^beta`` (Hoffmann et al. 2022, arXiv 2203.15556, Eq. 2).

    ``N`` counts parameters and ``D`` training tokens, in any units: ``A`` and ``B`` follow.
    """

    formula = "E + A / N^alpha + B / D^beta"
    parameters = (
        Parameter("E"),
        Parameter("A", log=True),
        Parameter("alpha", high=20.0),
        Parameter("B", log=True),
        Parameter("beta", high=20.0),
    )
    variables = ("N", "D")
    limit = "E"

    def evaluate(self, x: Mapping[str, Array], theta: Array) -> tuple[Array, Array]:
        """See :meth:`Law.evaluate`."""
        E, A, alpha, B, beta = (theta[..., None, k] for k in range(5))
        log_N, log_D = np.log(x["N"]), np.log(x["D"])
        size = np.exp(np.log(A) - alpha * log_N)
        data = np.exp(np.log(B) - beta * log_D)
        parts = (np.ones_like(size), size / A, -size * log_N, data / B, -data * log_D)
        return E + size + data, np.stack(parts, axis=-1)

    def starts(self, x: Mapping[str, Array], y: Array) -> Array:
        """For each pair of exponents of a grid, ``E``, ``A`` and ``B`` by linear least squares."""
        alpha, beta = (g.reshape(-1) for g in np.meshgrid(EXPONENTS, EXPONENTS))
        size, data = x["N"] ** -alpha[:, None], x["D"] ** -beta[:, None]
        columns = np.stack([np.ones_like(size), size, data], axis=-1)
        E, A, B = positive_coefficients(columns, y).T
        return np.column_stack([E, A, alpha, B, beta])

    def invert(self, y: Array, params: Mapping[str, float], known: Mapping[str, Array]) -> Array:
        """Tokens ``D`` that a model of size ``N`` needs for loss ``y``; or ``N`` given ``D``."""
        terms = {"N": ("A", "alpha"), "D": ("B", "beta")}
        unknown = self.unknown(known)
        (given,) = known
        scale, power = terms[given]
        floor = params["E"] + params[scale] * known[given] ** -params[power]
        rest = above(y, floor, f"the limit at this {given}")
        scale, power = terms[unknown]
        return np.asarray((params[scale] / rest) ** (1.0 / params[power]))


DECAYS = np.array([2.0, 6.0, 16.0, 50.0])


@dataclass(frozen=True)
class DataConstrained(Law):
    """``L = E + A / N'^alpha + B / D'^beta`` with effective parameters and data.

    Muennighoff et al. 2023 (arXiv 2305.16264), Eq. 5 and 6. Of ``U`` unique tokens seen for
    ``epochs`` passes, and ``N`` parameters:

    - ``D' = U + U R_D (1 - exp(-(epochs - 1) / R_D))``;
    - ``U_N = min(N, N_opt(U))``, where ``N_opt`` is the compute-optimal size for ``U`` tokens
      under the same law without repetition: ``(alpha A / (beta B))^(1/alpha) U^(beta/alpha)``;
    - ``N' = U_N + U_N R_N (1 - exp(-(N / U_N - 1) / R_N))``.

    ``epochs`` is at least 1 (within the first pass, ``U`` counts the tokens seen). ``R_D``
    (``R_N``) at its upper bound means that, as far as the points can tell, repeated tokens (excess
    parameters) are worth as much as fresh ones.
    """

    formula = "E + A / N'^alpha + B / D'^beta"
    parameters = (
        Parameter("E"),
        Parameter("A", log=True),
        Parameter("alpha", low=0.01, high=20.0),
        Parameter("B", log=True),
        Parameter("beta", low=0.01, high=20.0),
        Parameter("R_D", low=0.01, high=1e4, log=True),
        Parameter("R_N", low=0.01, high=1e4, log=True),
    )
    variables = ("N", "U", "epochs")
    limit = "E"
    least = {"epochs": 1.0}

    def evaluate(self, x: Mapping[str, Array], theta: Array) -> tuple[Array, Array]:
        """See :meth:`Law.evaluate`; the gradient runs through ``N_opt``."""
        E, A, alpha, B, beta, R_D, R_N = (theta[..., None, k] for k in range(7))
        log_U = np.log(x["U"])
        log_base, by_opt = _unique_parameters(np.log(x["N"]), log_U, A, alpha, B, beta)
        excess = np.exp(np.log(x["N"]) - log_base)
        worth_N, slope_N, per_R_N = _worth(excess - 1.0, R_N)
        worth_D, _, per_R_D = _worth(x["epochs"] - 1.0, R_D)
        log_N, log_D = log_base + np.log(worth_N), log_U + np.log(worth_D)
        size = np.exp(np.log(A) - alpha * log_N)
        data = np.exp(np.log(B) - beta * log_D)
        # d log N' / d log U_N: growing the base also takes away from the excess.
        through = -alpha * size * (1.0 - slope_N * excess / worth_N)
        parts = (
            np.ones_like(size),
            size / A + through * by_opt[0],
            -size * log_N + through * by_opt[1],
            data / B + through * by_opt[2],
            -data * log_D + through * by_opt[3],
            -beta * data * per_R_D / worth_D,
            -alpha * size * per_R_N / worth_N,
        )
        return E + size + data, np.stack(parts, axis=-1)

    def starts(self, x: Mapping[str, Array], y: Array) -> Array:
        """Chinchilla's starts with decayed data, for a grid of decays."""
        starts = []
        for R_D in DECAYS:
            worth, _, _ = _worth(x["epochs"] - 1.0, np.asarray(R_D))
            plain = Chinchilla().starts({"N": x["N"], "D": x["U"] * worth}, y)
            for R_N in DECAYS:
                decays = np.broadcast_to([R_D, R_N], (len(plain), 2))
                starts.append(np.column_stack([plain, decays]))
        return np.concatenate(starts)

    def invert(self, y: Array, params: Mapping[str, float], known: Mapping[str, Array]) -> Array:
        """Epochs over ``U`` tokens that a model of ``N`` parameters needs for loss ``y``."""
        if self.unknown(known) != "epochs":
            return super().invert(y, params, known)
        theta = np.array([params[name] for name in self.names])
        once, _ = self.evaluate({**known, "epochs": np.ones_like(known["U"])}, theta)
        fresh = params["B"] * known["U"] ** -params["beta"]
        rest = above(y, once - fresh, "the limit at this N")
        worth = np.maximum((params["B"] / rest) ** (1.0 / params["beta"]) / known["U"], 1.0)
        left = 1.0 - (worth - 1.0) / params["R_D"]
        if not np.all(left > 0):
            raise UserError(
                f"loss {float(np.min(y)):.6g} is never reached by repeating, since U tokens are "
                f"worth at most {1.0 + params['R_D']:.4g} U; give a larger loss or more unique "
                "tokens"
            )
        return np.asarray(1.0 - params["R_D"] * np.log(left))


def effective_tokens(U: Values, epochs: Values, R_D: float) -> Array:
    """Return ``D' = U + U R_D (1 - exp(-(epochs - 1) / R_D))``: fresh tokens of the same worth.

    Muennighoff et al. 2023 (arXiv 2305.16264), Eq. 5; ``published.MUENNIGHOFF_C4`` has their
    ``R_D`` of 15.4. However often ``U`` tokens are repeated, they are worth at most
    ``(1 + R_D) U``.
    """
    repeats = np.asarray(epochs, dtype=float) - 1.0
    if np.any(repeats < 0):
        raise UserError(
            f"epochs holds {np.min(repeats) + 1:g}, in effective_tokens; must be at least 1"
        )
    worth, _, _ = _worth(repeats, np.asarray(R_D, dtype=float))
    return np.asarray(np.asarray(U, dtype=float) * worth)


def _worth(repeats: Array, R: Array) -> tuple[Array, Array, Array]:
    """``1 + R (1 - exp(-r/R))`` and its derivatives with respect to ``r`` and ``R``."""
    fade = np.exp(-repeats / R)
    gone = -np.expm1(-repeats / R)
    return 1.0 + R * gone, fade, gone - fade * repeats / R


def _unique_parameters(
    log_N: Array, log_U: Array, A: Array, alpha: Array, B: Array, beta: Array
) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    """``log U_N`` and its derivatives with respect to ``A, alpha, B, beta``."""
    ratio = np.log(alpha) + np.log(A) - np.log(beta) - np.log(B)
    log_opt = (ratio + beta * log_U) / alpha
    scarce = log_opt < log_N
    by_alpha = (1.0 / alpha - log_opt) / alpha
    by_beta = (log_U - 1.0 / beta) / alpha
    gradients = (1.0 / (alpha * A), by_alpha, -1.0 / (alpha * B), by_beta)
    masked = tuple(np.where(scarce, g, 0.0) for g in gradients)
    return np.minimum(log_opt, log_N), (masked[0], masked[1], masked[2], masked[3])


def data_efficiency(
    loss: Values,
    baseline: Curve | Fit,
    D: Values | None = None,
    *,
    baseline_loss: Values | None = None,
) -> Array:
    """``D_eff(loss) / D``: 2 means that the baseline needs twice the data for that loss.

    ``baseline`` is a law in the number of tokens; ``D_eff`` is where it reaches ``loss``:
    ``(A / (loss - E))^(1/alpha)`` for a :class:`PowerLaw` (Kim et al. 2025). The reference
    is given in one of two ways:

    - ``D``: the tokens that were used, in the unit of the baseline's law;
    - ``baseline_loss``: the loss that the baseline was measured to have on these tokens, so that
      its own gain is exactly 1 even where its law misses it a little (the paper's choice).

    A baseline that is a :class:`Fit` with a parameter on its bound refuses to be inverted outside
    its points; ``fit.curve`` is the same law without that check.

    Raises:
        UserError: both or neither of the two are given, or the baseline never reaches the loss.
    """
    if D is not None and baseline_loss is None:
        used = np.asarray(D, dtype=float)
    elif baseline_loss is not None and D is None:
        used = baseline.invert(baseline_loss)
    else:
        raise UserError(
            f"D is {D} and baseline_loss is {baseline_loss}, in data_efficiency, whose gain is "
            "relative to one of them; give the tokens used as D, or the baseline's loss on them"
        )
    return np.asarray(baseline.invert(loss) / used)[()]
