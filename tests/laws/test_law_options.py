"""Huber's delta, standard errors, parameters that are known, the two stages of repeated data."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from scipy.optimize import minimize

from lit_research.errors import UserError
from lit_research.laws import Chinchilla, DataConstrained, PowerLaw, fit, fit_data_constrained
from lit_research.laws.__main__ import main
from lit_research.laws.published import CHINCHILLA_REFIT, MUENNIGHOFF_C4

X = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
TRUE = {"E": 1.9, "A": 1.3, "alpha": 0.3}


def power(params, x=X):
    return params["E"] + params["A"] / x ** params["alpha"]


def noisy(seed, sd=0.01, x=X):
    draw = np.random.default_rng(seed)
    return power(TRUE, x) * np.exp(sd * draw.standard_normal(len(x)))


@pytest.mark.parametrize("delta", [1e-4, 1e-3, 1e-2, 1.0])
def test_delta_is_huber_s(delta):
    """The minimum is that of the sum of Huber's terms, found by another optimiser."""
    y = noisy(0)
    found = fit("power", X, y, delta=delta, interval_method=None).params

    def cost(theta):
        r = np.abs(np.log(theta[0] + np.exp(theta[1]) / X ** theta[2]) - np.log(y))
        return np.sum(np.where(r <= delta, r * r / 2, delta * (r - delta / 2)))

    ours = cost([found["E"], np.log(found["A"]), found["alpha"]])
    others = [
        minimize(cost, [e, np.log(1.3), a], method="Nelder-Mead", options={"maxiter": 20_000}).fun
        for e in (1.7, 1.9)
        for a in (0.3, 0.6)
    ]
    assert ours <= min(others) * (1 + 1e-6)


def test_a_wide_delta_is_least_squares_of_the_logarithm():
    wide = fit("power", X, noisy(1), delta=10.0, interval_method=None).params
    one_bad = noisy(1)
    one_bad[3] *= 1.3
    moved = {
        delta: abs(
            fit("power", X, one_bad, delta=delta, interval_method=None).params["E"] - wide["E"]
        )
        for delta in (1e-3, 10.0)
    }
    assert moved[1e-3] < 0.2 * moved[10.0]


def test_published_fits_differ_as_their_deltas_do():
    """Two sets of published constants of one law are both within a percent of each other's loss."""
    other = {**CHINCHILLA_REFIT.params, "A": 477.83, "B": 2143.4}
    N, D = np.meshgrid(np.logspace(8, 10, 5), np.logspace(9, 11, 5))
    x = {"N": N.ravel(), "D": D.ravel()}
    y = CHINCHILLA_REFIT.predict(x)
    found = fit(Chinchilla(), x, y, fixed={"A": 477.83, "B": 2143.4}, interval_method=None)
    assert found.params["A"] == other["A"]
    np.testing.assert_allclose(found.curve.predict(x), y, rtol=0.01)
    assert found.params["alpha"] == pytest.approx(0.3478, abs=0.002)


@pytest.mark.parametrize(("method", "noise"), [("ls", None), ("ls", 0.01), ("huber_log", None)])
def test_standard_errors_are_the_spread_of_fits(method, noise):
    x = np.repeat(X, 8)
    draw = np.random.default_rng(2)
    found = []
    for _ in range(120):
        y = power(TRUE, x) + 0.01 * draw.standard_normal(len(x))
        options = {} if method == "ls" else {"delta": 0.003}
        found.append(
            fit("power", x, y, method=method, noise=noise, interval_method=None, **options)
        )
    for name in TRUE:
        spread = np.std([f.params[name] for f in found])
        told = np.median([f.standard_errors[name] for f in found])
        assert told == pytest.approx(spread, rel=0.3), name


def test_known_parameters_are_kept_and_told(tmp_path, capsys):
    y = noisy(3)
    found = fit("power", X, y, fixed={"E": 1.9})
    assert found.params["E"] == 1.9
    assert found.interval("E") == (1.9, 1.9)
    assert found.standard_errors["E"] == 0.0
    assert found.degrees_of_freedom == len(X) - 2
    free = fit("power", X, y)
    assert np.ptp(found.interval("alpha")) < np.ptp(free.interval("alpha"))
    assert re.search(r"^E +1\.9 +fixed$", found.report(), re.MULTILINE)
    low, high = found.predict_interval(100.0)
    assert low < found.predict(100.0) < high
    points = tmp_path / "points.jsonl"
    points.write_text(
        "".join(json.dumps({"x": a, "loss": b}) + "\n" for a, b in zip(X, y, strict=True))
    )
    assert main([str(points), "--x", "x", "--fix", "E=1.9", "--delta", "0.01"]) == 0
    assert "fixed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fixed": {"beta": 1.0}}, r"PowerLaw; must be one of \['E', 'A', 'alpha'\]"),
        ({"fixed": {"E": -1.0}}, "E=-1.0"),
        ({"fixed": TRUE}, "must leave one to fit"),
        ({"delta": 0.0}, "delta is 0.0"),
        ({"delta": 0.1, "method": "ls"}, "given only for 'huber_log'"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words):
    with pytest.raises(UserError, match=words):
        fit(PowerLaw(), X, noisy(0), **options)


def repeated(noise=0.0, seed=0, passes=(1.0, 2.0, 8.0)):
    """Losses of models that are no larger than their data ask for, so that R_N plays no part."""
    draw = np.random.default_rng(seed)
    rows = [(n, u, e) for n in (2e7, 6e7, 2e8) for u in (1e10, 4e10, 1.6e11) for e in passes]
    N, U, epochs = np.array(rows).T
    x = {"N": N, "U": U, "epochs": epochs}
    return x, MUENNIGHOFF_C4.predict(x) * np.exp(noise * draw.standard_normal(len(N)))


def test_repeated_data_in_two_stages():
    x, y = repeated()
    found = fit_data_constrained(x, y, interval_method=None)
    for name in ("E", "alpha", "beta", "R_D"):
        assert found.params[name] == pytest.approx(MUENNIGHOFF_C4.params[name], rel=0.03), name
    assert set(found.fixed) == {"E", "A", "alpha", "B", "beta"}
    many = x["epochs"] > 1
    with pytest.raises(UserError, match="0 of 18 points have one pass"):
        fit_data_constrained({k: v[many] for k, v in x.items()}, y[many])


def test_a_decay_that_the_points_do_not_tell_is_said():
    x, y = repeated(noise=0.02, seed=1, passes=(1.0, 1.5, 2.0))
    found = fit(DataConstrained(), x, y, n_boot=40, method="ls")
    assert any("R_D is hardly identified" in text for text in found.warnings), found.warnings
