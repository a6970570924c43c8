"""Every law: its gradient, its limits, its inverse, and the numbers its paper states."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.laws import (
    LAWS,
    Chinchilla,
    Curve,
    DataConstrained,
    EnsembleLaw,
    PowerLaw,
    Sigmoid,
    anchor,
    as_law,
)
from lit_research.laws.published import CHINCHILLA_REFIT, MUENNIGHOFF_C4

COUNTS = np.geomspace(1e7, 1e10, 6)
CASES = {
    "power": (PowerLaw(), {"x": COUNTS}, [1.8, 400.0, 0.3]),
    "ensemble": (EnsembleLaw(), {"K": np.arange(1.0, 9.0)}, [3.3, 0.2, 1.05]),
    "chinchilla": (
        Chinchilla(),
        {"N": COUNTS, "D": COUNTS[::-1] * 20},
        [1.8, 482.0, 0.35, 2085.0, 0.37],
    ),
    "sigmoid": (Sigmoid(R0=0.1), {"C": COUNTS}, [0.671, 1.3e8, 0.585]),
    # The first models are below the optimal size for their tokens, the last far above it.
    "data_constrained": (
        DataConstrained(),
        {"N": COUNTS, "U": np.full(6, 4e9), "epochs": np.array([1.0, 2.0, 4.0, 9.0, 30.0, 100.0])},
        [1.87, 521.0, 0.35, 1488.0, 0.36, 15.4, 5.3],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient_agrees_with_differences(name):
    law, x, theta = CASES[name]
    theta = np.array(theta)
    _, gradient = law.evaluate(x, theta)
    for k in range(theta.size):
        step = np.zeros_like(theta)
        step[k] = 1e-5 * theta[k]
        above, below = (law.evaluate(x, theta + s * step)[0] for s in (1, -1))
        slope = (above - below) / (2 * step[k])
        np.testing.assert_allclose(gradient[:, k], slope, rtol=1e-6, atol=1e-9 / theta[k])


@pytest.mark.parametrize("name", CASES)
def test_a_batch_of_parameters_gives_each_row_its_own_curve(name):
    law, x, theta = CASES[name]
    batch = np.array(theta) * np.array([[1.0], [1.1], [0.9]])
    value, gradient = law.evaluate(x, batch)
    for row in range(3):
        alone, alone_gradient = law.evaluate(x, batch[row])
        np.testing.assert_allclose(value[row], alone, rtol=1e-14)
        np.testing.assert_allclose(gradient[row], alone_gradient, rtol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_laws_are_found_by_class_instance_and_name(name):
    law, _, _ = CASES[name]
    assert type(as_law(name)) is type(law)
    assert type(as_law(type(law).__name__.upper())) is type(law)
    assert type(as_law(type(law))) is type(law)
    assert as_law(law) is law
    assert set(law.bounds) == set(law.names)
    assert law.limit in law.names


def test_every_law_has_a_case():
    assert set(CASES) == set(LAWS)


@pytest.mark.parametrize("name", ["power", "ensemble", "sigmoid"])
def test_inverse_undoes_prediction(name):
    law, x, theta = CASES[name]
    curve = Curve(law, dict(zip(law.names, theta, strict=True)))
    (column,) = x.values()
    np.testing.assert_allclose(curve.invert(curve.predict(x)), column, rtol=1e-9)


def test_chinchilla_inverts_in_either_variable():
    loss = CHINCHILLA_REFIT.predict({"N": 7e9, "D": 1.4e11})
    assert CHINCHILLA_REFIT.invert(loss, N=7e9) == pytest.approx(1.4e11, rel=1e-9)
    assert CHINCHILLA_REFIT.invert(loss, D=1.4e11) == pytest.approx(7e9, rel=1e-9)


def test_epochs_for_a_loss_are_the_epochs_that_give_it():
    epochs = np.array([1.0, 3.0, 20.0])
    loss = MUENNIGHOFF_C4.predict({"N": 1e9, "U": 2e9, "epochs": epochs})
    np.testing.assert_allclose(MUENNIGHOFF_C4.invert(loss, N=1e9, U=2e9), epochs, rtol=1e-6)
    with pytest.raises(UserError, match="never reached by repeating"):
        MUENNIGHOFF_C4.invert(loss[-1] - 0.1, N=1e9, U=2e9)
    with pytest.raises(UserError, match="no inverse for unknown U"):
        MUENNIGHOFF_C4.invert(loss[0], N=1e9, epochs=1.0)


def test_one_epoch_at_the_optimal_size_is_chinchillas_law():
    params = MUENNIGHOFF_C4.params
    plain = Curve(Chinchilla(), {name: params[name] for name in Chinchilla().names})
    U = 1e10
    x = {"N": 0.051 * U, "U": U, "epochs": 1.0}  # U_N = 0.051 U_D: appendix A of the paper
    assert MUENNIGHOFF_C4.predict(x) == pytest.approx(
        plain.predict({"N": x["N"], "D": U}), rel=1e-5
    )


def test_repeats_are_worth_at_most_one_plus_r_d_fresh_passes():
    params = MUENNIGHOFF_C4.params
    plain = Curve(Chinchilla(), {name: params[name] for name in Chinchilla().names})
    U, N = 1e10, 1e7
    repeated = MUENNIGHOFF_C4.predict({"N": N, "U": U, "epochs": 1e6})
    fresh = plain.predict({"N": N, "D": U * (1 + params["R_D"])})
    assert repeated == pytest.approx(fresh, rel=1e-9)


def test_sigmoid_runs_from_r0_through_half_to_a():
    curve = Curve(Sigmoid(R0=0.2), {"A": 0.8, "Cmid": 1e6, "B": 0.7})
    assert curve.predict(1e6) == pytest.approx(0.5)
    assert curve.predict(1e-12) == pytest.approx(0.2, abs=1e-9)
    assert curve.predict(1e30) == pytest.approx(0.8, abs=1e-9)
    assert curve.asymptote == 0.8
    with pytest.raises(UserError, match=r"runs from R0=0.2 to A=0.8"):
        curve.invert(0.9)


def test_anchor_drops_early_points_and_measures_from_the_first_kept():
    C = np.array([5e4, 4e5, 1.5e5, 2e5])
    rate = np.array([0.1, 0.5, 0.3, 0.4])
    law, rest, rates = anchor(C, rate)
    assert law == Sigmoid(R0=0.3)
    np.testing.assert_array_equal(rest, [5e4, 2.5e5])
    np.testing.assert_array_equal(rates, [0.4, 0.5])
    with pytest.raises(UserError, match="drop_below"):
        anchor(C, rate, drop_below=3e5)


def test_curve_wants_exactly_the_laws_parameters():
    with pytest.raises(UserError, match=r"must be a value for each of \['E', 'A', 'alpha'\]"):
        Curve(PowerLaw(), {"E": 1.0, "A": 1.0})


def test_a_loss_below_the_asymptote_is_never_reached():
    curve = Curve(PowerLaw(), {"E": 1.89, "A": 1.3, "alpha": 0.23})
    with pytest.raises(
        UserError, match=r"loss 1.8 is never reached, since the asymptote E is 1.89"
    ):
        curve.invert([2.0, 1.8])
    with pytest.raises(UserError, match="give all of them but one"):
        curve.invert(2.0, N=3.0)
    flat = Curve(PowerLaw(), {"E": 1.0, "A": 0.5, "alpha": 0.0})
    with pytest.raises(UserError, match="not reached at any finite scale"):
        flat.invert(1.2)
