"""Mixed models over reviews: an intercept for each idea, fitted by restricted maximum likelihood.

``mixed_models`` takes statsmodels (the extra ``idea_study``), and only a fit that has converged.
``random_intercept`` is the same model by a search over the one ratio of variances: it needs no
package, and is what statsmodels is checked by.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.idea_study.comparisons import CONFIDENCE
from lit_research.methods.idea_study.intercepts import Intercepts, random_intercept
from lit_research.methods.idea_study.reviews import Reviews
from lit_research.methods.idea_study.study import Study
from lit_research.stats.result import Array

OPTIMIZERS = ("lbfgs", "powell", "cg")
"""Optimisers of statsmodels, tried in this order; the first that converges is taken."""


@dataclass(frozen=True)
class Mixed:
    """The effect of the arm in a mixed model over reviews.

    Attributes:
        metric: its name.
        model: ``after``, the arm in reviews after execution; or ``stage x arm``, by how much more
            the treatment changes, in the reviews of both stages.
        effect: treatment minus reference.
        interval: 95%, normal.
        p: two-sided, normal.
        fit: variances and the optimiser; None where the scores of an arm are all alike, or no idea
            has two, and nothing is defined.
    """

    metric: str
    model: str
    effect: float
    interval: tuple[float, float]
    p: float
    fit: Intercepts | None

    @property
    def note(self) -> str:
        """What there is to say about the fit, in words."""
        if self.fit is None:
            return "undefined: equal scores within arms, or one review of each idea"
        boundary = "; the variance of ideas is on its boundary, 0" if self.fit.on_boundary else ""
        return f"{self.fit.optimizer} converged{boundary}"


def has_statsmodels() -> bool:
    """Return whether statsmodels is installed."""
    return importlib.util.find_spec("statsmodels") is not None


def mixed_models(study: Study) -> list[Mixed]:
    """Return the mixed models of every metric, with an intercept for each idea.

    Without statsmodels they are fitted by ``random_intercept``, which ``Mixed.note`` says.

    Raises:
        UserError: the study has means of ideas.
    """
    if study.after.are_means:
        raise UserError(
            "the study has means of ideas, in mixed_models; must have single reviews: give "
            "ReviewFiles their paths"
        )
    found = []
    for metric in study.metrics:
        found.append(_interaction(study, metric))
    for metric in study.after.scores:
        found.append(_after(study, metric))
    return found


def _after(study: Study, metric: str) -> Mixed:
    reviews = study.after
    design = np.column_stack([np.ones(len(reviews)), _is_arm(reviews, study.treatment)])
    return _effect(metric, "after", design, reviews.scores[metric], reviews.ideas)


def _interaction(study: Study, metric: str) -> Mixed:
    parts = (study.before, study.after)
    arm = np.concatenate([_is_arm(part, study.treatment) for part in parts])
    stage = np.repeat([0.0, 1.0], [len(part) for part in parts])
    design = np.column_stack([np.ones(len(arm)), arm, stage, arm * stage])
    y = np.concatenate([part.scores[metric] for part in parts])
    return _effect(metric, "stage x arm", design, y, study.before.ideas + study.after.ideas)


def _is_arm(reviews: Reviews, name: str) -> Array:
    return np.array([float(arm == name) for arm in reviews.arms])


def _effect(metric: str, model: str, design: Array, y: Array, ideas: Sequence[str]) -> Mixed:
    from scipy import special

    groups = np.unique(ideas, return_inverse=True)[1]
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    if np.abs(left).max() < 1e-9 or np.bincount(groups).max() == 1:
        return Mixed(metric, model, math.nan, (math.nan, math.nan), math.nan, None)
    fit = _by_statsmodels if has_statsmodels() else random_intercept
    found = fit(y, design, groups)
    effect, error = float(found.beta[-1]), float(found.errors[-1])
    half = float(special.ndtri((1 + CONFIDENCE) / 2)) * error
    p = 2 * float(special.ndtr(-abs(effect) / error))
    return Mixed(metric, model, effect, (effect - half, effect + half), p, found)


def _by_statsmodels(y: Array, design: Array, groups: np.ndarray) -> Intercepts:
    """Fit by the first optimiser of statsmodels that converges; by the profile if none does."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    failures = []
    for optimizer in OPTIMIZERS:
        with warnings.catch_warnings():  # of the boundary, which is looked at below
            warnings.simplefilter("ignore")
            try:
                result: Any = MixedLM(y, design, groups).fit(reml=True, method=optimizer)
            except np.linalg.LinAlgError as error:
                failures.append(f"{optimizer}: {error}")
                continue
        errors = np.asarray(result.bse_fe, dtype=np.float64)
        if result.converged and np.isfinite(errors).all():
            variance = float(np.asarray(result.cov_re).item())
            beta = np.asarray(result.fe_params, dtype=np.float64)
            return Intercepts(beta, errors, variance, float(result.scale), optimizer)
        failures.append(f"{optimizer}: not converged")
    found = random_intercept(y, design, groups)
    return replace(found, optimizer=f"{found.optimizer} ({'; '.join(failures)})")
