"""What a fit refuses, or warns of, in words."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.laws import Chinchilla, PowerLaw, fit

FALLING = [4.0, 3.6, 3.4, 3.3, 3.25]
# The best power law through these has no floor left.
STEEP = [5.0, 4.0, 3.0, 2.0, 1.0]
X = [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PowerLaw, X[:2], FALLING[:2]), r"too few points: 2 distinct x among 2 .* 3 parameters"),
        ((PowerLaw, [], []), r"too few points: 0 distinct x"),
        ((PowerLaw, [1, 1, 2, 2], FALLING[:4]), r"too few points: 2 distinct x among 4 points"),
        ((PowerLaw, X, FALLING[:4]), r"one-dimensional arrays of the same length"),
        ((PowerLaw, [0.0, *X[1:]], FALLING), r"x\['x'\] holds 0, which is not positive"),
        ((PowerLaw, X, [*FALLING[:4], float("nan")]), r"y holds nan .* runs that failed"),
        ((PowerLaw, X, [*FALLING[:4], "low"]), r"y holds something that is no number"),
        ((PowerLaw, X, [*FALLING[:4], -1.0]), r"y holds -1, .* use method='ls'"),
        ((PowerLaw, {"N": X}, FALLING), r"x has the variables \['N'\]: PowerLaw has \['x'\]"),
        ((Chinchilla, X, FALLING), r"x is a plain array: Chinchilla has .* give a dict"),
        ((Chinchilla, {"N": X, "D": X[:3]}, FALLING), r"have the shapes"),
        (
            ("data_constrained", {"N": X, "U": X, "epochs": 0.5}, FALLING),
            r"x\['epochs'\] holds 0.5: DataConstrained is defined from 1 upwards",
        ),
        (("parabola", X, FALLING), r"no law is called 'parabola'; must be power, ensemble"),
    ],
)
def test_points_that_cannot_be_fitted_are_refused_in_one_line(arguments, message):
    with pytest.raises(UserError, match=message) as refusal:
        fit(*arguments)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "l1"}, "method='l1'"),
        ({"interval_method": "jackknife"}, "interval_method='jackknife'"),
        ({"intervals": 90}, "intervals=90 given to fit: it is a confidence level"),
        ({"noise": 0.0}, "noise holds 0, which is not positive"),
        ({"noise": [0.1, 0.1]}, r"noise has shape \(2,\) for 5 points"),
        ({"n_boot": 3}, "n_boot is 3"),
        ({"starts": 0}, "starts is 0"),
    ],
)
def test_options_without_meaning_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        fit("power", X, FALLING, **options)


@pytest.mark.parametrize("method", ["ls", "huber_log"])
def test_a_parameter_on_its_bound_stops_extrapolation_unless_it_is_asked_for(method):
    found = fit("power", X, STEEP, method=method)
    assert found.params["E"] == 0.0
    assert "E is on its bound 0" in found.warnings
    assert found.interval("E")[0] == 0.0
    # Inside the points it is as good as any curve.
    assert found.predict(3.0) == pytest.approx(3.0, abs=1.0)
    assert 1.0 <= found.invert(3.0) <= 5.0
    for refused in (
        lambda: found.predict(50.0),
        lambda: found.predict([2.0, 0.1]),
        lambda: found.predict_interval(50.0),
        lambda: found.invert(0.2),
        lambda: found.asymptote,
        lambda: found.asymptote_interval,
    ):
        with pytest.raises(UserError, match="refused because E is on its bound 0"):
            refused()
    assert found.predict(50.0, extrapolate=True) < 1.0
    assert found.invert(0.2, extrapolate=True) > 5.0


def test_losses_that_do_not_fall_leave_nothing_to_extrapolate():
    found = fit("power", X, [3.0, 3.1, 3.2, 3.3, 3.5], method="ls")
    assert found.params["A"] == 0.0
    assert any("do not determine A and alpha" in text for text in found.warnings)
    assert found.predict(2.0) == pytest.approx(3.22)
    with pytest.raises(UserError, match="A is on its bound 0"):
        found.predict(10.0)


def test_variables_that_never_vary_leave_their_terms_undetermined():
    rng = np.random.default_rng(0)
    D = np.geomspace(1e9, 1e11, 8)
    loss = 2.0 + 400.0 / D**0.3 + 0.001 * rng.standard_normal(8)
    found = fit(Chinchilla, {"N": np.full(8, 1e8), "D": D}, loss, method="ls")
    assert any("singular Jacobian" in text for text in found.warnings)
    with pytest.raises(UserError, match="refused because"):
        found.predict({"N": 1e9, "D": 1e10})


def test_as_many_points_as_parameters_are_joined_but_not_trusted():
    found = fit("power", X[:3], FALLING[:3])
    np.testing.assert_allclose(found.residuals, 0.0, atol=1e-9)
    assert any("0 degrees of freedom" in text for text in found.warnings)
    with pytest.raises(UserError, match="no intervals"):
        found.interval("E")
    with pytest.raises(UserError, match="too few points: 3 for 3 parameters"):
        found.asymptote  # noqa: B018
    low, high = fit("power", X[:3], FALLING[:3], method="ls", noise=0.02).interval("E")
    assert low < found.params["E"] < high


def test_one_degree_of_freedom_is_said():
    found = fit("power", X[:4], FALLING[:4])
    assert any(text.startswith("1 degree of freedom") for text in found.warnings)
    assert found.asymptote == found.params["E"]


def test_residuals_far_beyond_the_noise_are_said():
    loss = np.add(FALLING, [0, 0.05, 0, -0.05, 0])
    quiet, loud = (fit("power", X, loss, method="ls", noise=noise) for noise in (0.05, 0.002))
    assert not any("times the noise" in text for text in quiet.warnings)
    assert any("times the noise" in text for text in loud.warnings)


def test_unknown_parameters_and_missing_intervals_are_named():
    found = fit("power", X, FALLING, interval_method=None)
    with pytest.raises(UserError, match=r"no parameter 'beta'; give one of \['E', 'A', 'alpha'\]"):
        found.interval("beta")
    with pytest.raises(UserError, match="switched off"):
        found.interval("E")
