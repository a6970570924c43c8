"""Asymptotes of the loss: limits in members, in parameters, in both, and laws in the data.

From the losses of many ensembles, "Pre-training under infinite compute" (Kim et al. 2025,
arXiv 2509.14786) fits, always ``E + A / x^alpha``:

- members: over K at one (N, D); its limit is ``E_{N,D}``;
- parameters: over N at one D, for the mean member's loss: the limit of a single model;
- joint: over N at one D, for ``E_{N,D}``: the limit in members, then in parameters;
- data: over D, one value per recipe; and how much more data the standard recipe would need.

For comparison: the value of repeated data by the law of Muennighoff et al. (2023).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lit_research.errors import UserError
from lit_research.laws import Curve, Fit, data_efficiency, effective_tokens, fit
from lit_research.laws.published import MUENNIGHOFF_C4

STANDARD = "standard"


@dataclass(frozen=True)
class Measured:
    """The losses of one ensemble, as a line of a points file holds them.

    Attributes:
        recipe: name of the recipe; the others are compared with ``standard``.
        N: parameters of a member.
        D: unique training tokens.
        epochs: passes over them.
        losses: losses of 1, ..., K members in nats, ``[K]``; the first is the mean member's.
    """

    recipe: str
    N: float
    D: float
    epochs: float
    losses: tuple[float, ...]


@dataclass
class Study:
    """All laws that the points allow, by name, and why the others could not be fitted.

    Attributes:
        fits: ``members NAME``, ``parameters NAME``, ``joint NAME`` and ``data NAME``.
        refused: the reason for each law that could not be fitted, by the same names.
        gains: data efficiency against the standard recipe's law by (recipe, D).
        worths: value of repeated tokens in fresh ones, as a multiple of D, by (D, epochs).
    """

    fits: dict[str, Fit] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    gains: dict[tuple[str, float], float] = field(default_factory=dict)
    worths: dict[tuple[float, float], float] = field(default_factory=dict)

    def report(self) -> str:
        """Return a plain-text table of limits with intervals, then gains and reasons."""
        rows = [f"{'law':<44} {'limit':>8}  {'interval':<20} {'alpha':>6}  residual s.d."]
        rows += [_row(name, law) for name, law in self.fits.items()]
        for (recipe, D), gain in self.gains.items():
            rows.append(
                f"{recipe} on {D:.4g} tokens: the standard recipe needs {gain:.3g}x as many"
            )
        for (D, epochs), worth in self.worths.items():
            rows.append(
                f"{epochs:g} passes over {D:.4g} tokens are worth {worth:.3g}x fresh ones at most "
                "(Muennighoff et al. 2023)"
            )
        rows += [f"no law of {name}: {reason}" for name, reason in self.refused.items()]
        return "\n".join(rows)


def _row(name: str, law: Fit) -> str:
    low, high = law.interval("E") if law.inference else (float("nan"), float("nan"))
    doubt = "" if not law.doubts else f"  ! {law.doubts[0]}"
    E, alpha = law.params["E"], law.params["alpha"]
    return (
        f"{name:<44} {E:>8.4f}  {f'[{low:.4f}, {high:.4f}]':<20} {alpha:>6.3f}  "
        f"{law.residual_sd:.2g}{doubt}"
    )


def study(points: Iterable[Measured], *, standard: Curve | Fit | None = None) -> Study:
    """Fit every law that the points allow.

    Args:
        points: points of any recipes, sizes and data; the best loss of each (recipe, N, D) is used.
        standard: the standard recipe's law in D, if the points do not include it.
    """
    result, best = Study(), _best(points)
    limits: dict[str, dict[float, dict[float, float]]] = defaultdict(lambda: defaultdict(dict))
    for (recipe, N, D), point in best.items():
        limits[recipe][D][N] = point.losses[0]
        if len(point.losses) > 1:
            name = f"members {recipe} N={N:.4g} D={D:.4g}"
            law = _fit(result, name, "ensemble", _sizes(point), point.losses)
            if law is not None and not law.doubts:
                limits[f"{recipe}, all members"][D][N] = law.params["E"]
    values_by_D = {recipe: _in_size(result, recipe, by_D) for recipe, by_D in limits.items()}
    for recipe, values in values_by_D.items():
        if values:
            _fit(result, f"data {recipe}", "power", list(values), list(values.values()))
    baseline = standard or result.fits.get(f"data {STANDARD}")
    if baseline is not None:
        _compare(result, values_by_D, baseline)
    for point in best.values():
        if point.epochs > 1:
            R_D = MUENNIGHOFF_C4.params["R_D"]
            worth = float(effective_tokens(point.D, point.epochs, R_D)) / point.D
            result.worths[point.D, point.epochs] = worth
    return result


def _best(points: Iterable[Measured]) -> dict[tuple[str, float, float], Measured]:
    """Return the point with the lowest final loss for each (recipe, N, D), in ascending order."""
    best: dict[tuple[str, float, float], Measured] = {}
    for point in points:
        key = (point.recipe, point.N, point.D)
        if key not in best or point.losses[-1] < best[key].losses[-1]:
            best[key] = point
    return dict(sorted(best.items()))


def _sizes(point: Measured) -> list[int]:
    return list(range(1, len(point.losses) + 1))


def _in_size(
    result: Study, recipe: str, by_D: Mapping[float, Mapping[float, float]]
) -> dict[float, float]:
    """Return one loss per D: the limit in N; for the standard recipe, the loss of the best N.

    The standard recipe's loss rises again with N: it has no limit, so its minimum is used.
    """
    values = {}
    for D, losses in sorted(by_D.items()):
        if recipe == STANDARD:
            values[D] = min(losses.values())
            continue
        law_name = "joint" if recipe.endswith(", all members") else "parameters"
        name = f"{law_name} {recipe.removesuffix(', all members')} D={D:.4g}"
        law = _fit(result, name, "power", list(losses), list(losses.values()))
        if law is not None:
            values[D] = law.params["E"]
    return values


def _fit(result: Study, name: str, law: str, x: Sequence[float], y: Sequence[float]) -> Fit | None:
    """Fit by least squares, as the paper does; record the reason if the fit is refused."""
    try:
        if len(x) < 3:
            raise UserError(
                f"{len(x)} point{'s' * (len(x) != 1)} for 3 parameters; must be at least 3"
            )
        result.fits[name] = fit(law, x, y, method="ls")
    except UserError as refusal:
        result.refused[name] = str(refusal)
    return result.fits.get(name)


def _compare(
    result: Study, values_by_D: Mapping[str, Mapping[float, float]], baseline: Curve | Fit
) -> None:
    for recipe, values in values_by_D.items():
        if recipe == STANDARD:
            continue
        for D, loss in values.items():
            try:
                loss_at_D = values_by_D.get(STANDARD, {}).get(D)
                against = {"D": D} if loss_at_D is None else {"baseline_loss": loss_at_D}
                result.gains[recipe, D] = float(data_efficiency(loss, baseline, **against))
            except UserError as refusal:
                result.refused[f"gain {recipe} D={D:.4g}"] = str(refusal)


def read_points(file: Path) -> list[Measured]:
    """Read a points file, one JSON object per line.

    Raises:
        UserError: a line is malformed.
    """
    points = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        try:
            row: dict[str, Any] = json.loads(line)
            numbers = {key: float(row[key]) for key in ("N", "D", "epochs")}
            losses = tuple(float(np.float64(loss)) for loss in row["losses"])
            points.append(Measured(recipe=str(row["recipe"]), losses=losses, **numbers))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"malformed point ({type(error).__name__}: {error}), in line {number} of {file}; "
                "give objects with recipe, N, D, epochs, losses, as `lit-research test` writes them"
            ) from error
    return points
