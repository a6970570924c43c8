"""``fit``: from a law and points to a :class:`Fit`; for repeated data also in two stages."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.laws.base import Array, Law, PartlyFixed
from lit_research.laws.diagnosis import diagnose, interval_warnings, on_bounds
from lit_research.laws.objective import HUBER_DELTA, Method, Objective, minimise
from lit_research.laws.parameters_and_data import Chinchilla, DataConstrained
from lit_research.laws.points import Points, Values, as_columns, gather
from lit_research.laws.registry import AnyLaw, as_law
from lit_research.laws.result import Curve, Fit
from lit_research.laws.uncertainty import Best, IntervalMethod, find_intervals, standard_errors
from lit_research.ranges import COUNT, Range, check_range

CHOICES = {
    "method": ("huber_log", "ls"),
    "interval_method": ("auto", "profile", "parametric_bootstrap", "case_bootstrap", None),
}


def fit(
    law: AnyLaw,
    x: Values | Mapping[str, Values],
    y: Values,
    *,
    method: Method = "huber_log",
    noise: Values | None = None,
    intervals: float = 0.9,
    interval_method: IntervalMethod | None = "auto",
    n_boot: int = 200,
    seed: int = 0,
    starts: int = 12,
    delta: float = HUBER_DELTA,
    fixed: Mapping[str, float] | None = None,
) -> Fit:
    """Fit a law to points, with intervals.

    Args:
        law: a law, its class, its name (``"power"``, ``"ensemble"``, ``"chinchilla"``,
            ``"sigmoid"``, ``"data_constrained"``), or the class path of your own, see ``as_law``.
        x: positive numbers ``[n]`` in any unit; for a law of several variables a dict of them.
        y: losses (or rates) ``[n]``.
        method: ``"huber_log"``: sum of Huber terms of ``log(law) - log(y)``, which a few bad runs
            do not move (Hoffmann et al. 2022); ``"ls"``: least squares on ``y`` (Kim et al. 2025).
        noise: the s.d. of ``y`` from run to run, one number or one for every point, when it is
            known from seeds. It weights least squares and sets the width of the intervals.
        intervals: confidence level of the intervals, between 0 and 1.
        interval_method: ``"profile"`` (``"auto"`` means this): all values of a parameter for which
            the others can make up. The threshold is that of chi-square (noise given) or F (noise
            unknown, from the residuals) for ``"ls"``, and found by simulation for ``"huber_log"``.
            ``"parametric_bootstrap"``: refits of simulated points, needs ``noise``.
            ``"case_bootstrap"``: refits of resampled points, needs 15 of them. None: no intervals.
        n_boot: number of simulated data sets, where there are any.
        seed: seed of the simulations.
        starts: from how many of the law's starts to search; more, as long as the best end is
            reached from one of them alone.
        delta: residuals of log loss beyond this count linearly under ``"huber_log"``. Published
            fits differ in it: 1e-3 in Hoffmann et al. 2022, but averaged losses and early stops
            made it another one in effect.
        fixed: parameters that are known, by name; the others are fitted.

    Raises:
        UserError: points that no law can be fitted to, too few of them, or an interval method
            that they do not allow.
    """
    whole, known = as_law(law), dict(fixed or {})
    form = PartlyFixed(whole, known) if known else whole
    _check(method, interval_method, intervals, n_boot, starts)
    if not delta > 0 or (method == "ls" and delta != HUBER_DELTA):
        raise UserError(
            f"delta={delta} given to fit with method={method!r}: give a number above 0, and only "
            "for 'huber_log'"
        )
    points = gather(form, x, y, noise, method)
    best = _search(_objective(form, points, method, delta), points, starts)
    bounds = on_bounds(best)
    diagnosis = diagnose(best, points, bounds)
    inference = None
    if interval_method is not None:
        inference = find_intervals(best, points, interval_method, intervals, n_boot, seed)
    theta = best.objective.theta(best.coords)
    params = {name: float(v) for name, v in zip(form.names, theta, strict=True)} | bounds
    params = {name: (params | known)[name] for name in whole.names}
    errors = dict(zip(form.names, map(float, standard_errors(best, points)), strict=True))
    found = Fit(
        Curve(whole, params),
        points,
        method,
        diagnosis.doubts,
        diagnosis.warnings,
        fixed=known,
        standard_errors={name: errors.get(name, 0.0) for name in whole.names},
    )
    if inference is None:
        return found
    ends = _natural(best.objective, inference.parameters(), bounds)
    warnings = diagnosis.warnings + tuple(interval_warnings(form.parameters, ends, bounds))
    ends |= {name: (value, value) for name, value in known.items()}
    return replace(found, intervals=ends, inference=inference, warnings=warnings)


def _check(
    method: str, interval_method: str | None, level: float, n_boot: int, starts: int
) -> None:
    for name, value in (("method", method), ("interval_method", interval_method)):
        if value not in CHOICES[name]:
            raise UserError(f"{name}={value!r} given to fit: give one of {CHOICES[name]}")
    if not 0.0 < level < 1.0:
        raise UserError(f"intervals={level} given to fit: it is a confidence level; give e.g. 0.9")
    check_range(Range(at_least=20), "given to fit", n_boot=n_boot)
    check_range(COUNT, "given to fit", starts=starts)


def _objective(law: Law, points: Points, method: Method, delta: float) -> Objective:
    """Least squares counts a point by its noise; Huber's terms all count alike."""
    weight = np.ones((1, len(points)))
    if method == "ls" and points.noise is not None:
        weight = weight / points.noise**2
    return Objective(law, points.x, points.y[None], weight, method, delta)


def _search(objective: Objective, points: Points, starts: int) -> Best:
    """A rough search from the best starts of the law, then a tight one from the best ends.

    An end that is reached from one start alone may not be the lowest: more starts are tried.
    """
    candidates = objective.coords(objective.law.starts(points.x, points.y))
    order = np.argsort(objective.at(candidates).cost, kind="stable")
    while True:
        rough, cost = minimise(objective, candidates[order[:starts]], tolerance=1e-4, max_steps=30)
        coords, cost = minimise(objective, rough[np.argsort(cost, kind="stable")[:3]])
        best = Best(objective, coords[np.argmin(cost)], float(cost.min()))
        again = np.sort(cost)[1] <= best.cost * (1 + 1e-6) if len(cost) > 1 else True
        if again or best.exact or starts >= len(candidates):
            return best
        starts *= 2


def _natural(
    objective: Objective, ends: Array, bounds: dict[str, float]
) -> dict[str, tuple[float, float]]:
    """Intervals in the parameters: an end on the edge of the box is the parameter's bound."""
    low, high = objective.box
    found = {}
    for p, (a, b), bottom, top in zip(objective.law.parameters, ends, low, high, strict=True):
        lower = p.low if a <= bottom else float(np.exp(a) if p.log else a)
        upper = p.high if b >= top else float(np.exp(b) if p.log else b)
        bound = bounds.get(p.name, lower)
        found[p.name] = (min(lower, bound), max(upper, bound))
    return found


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
