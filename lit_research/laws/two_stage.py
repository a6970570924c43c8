"""The law for repeated data in two stages, as it was published."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.laws.chinchilla import Chinchilla
from lit_research.laws.data_constrained import DataConstrained
from lit_research.laws.fitting import fit
from lit_research.laws.points import Values, as_columns
from lit_research.laws.result import Fit


def fit_data_constrained(x: Mapping[str, Values], y: Values, **options: Any) -> Fit:
    """Fit ``R_D`` and ``R_N`` to all points, with the rest of the law from those of one pass.

    Muennighoff et al. 2023 (arXiv 2305.16264), appendix A: first ``E, A, alpha, B, beta`` as a
    Chinchilla law on runs without repetition, then the two constants of decay. Seven parameters at
    once are hardly identified by the points that there usually are.

    Args:
        x: ``N``, ``U`` and ``epochs``, ``[n]`` each.
        y: losses ``[n]``.
        options: of ``fit``, for both stages; ``noise`` is one number.

    Returns:
        The second fit, in which the parameters of the first are ``fixed``: its intervals and
        standard errors take them as known, so they are too narrow by what the first leaves open.

    Raises:
        UserError: fewer than six points have one pass, or no point has more.
    """
    columns = as_columns(DataConstrained(), x)
    losses = np.asarray(y, dtype=float)
    once = columns["epochs"] <= 1.0
    if once.sum() < 6 or once.all():
        raise UserError(
            f"{int(once.sum())} of {len(losses)} points have one pass, given to "
            "fit_data_constrained: give 6 or more of one pass, and some of several"
        )
    single = {"N": columns["N"][once], "D": columns["U"][once]}
    first = fit(Chinchilla(), single, losses[once], **{**options, "interval_method": None})
    return fit(DataConstrained(), columns, losses, **{**options, "fixed": first.params})
