"""SGS's recipe for its law, and the report on how much a fit hangs on its points."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from lit_research.errors import UserError
from lit_research.laws import Curve, Sigmoid, anchor, fit
from lit_research.laws.published import SGS_ASYMPTOTES, SGS_RATE, SGS_SUBSETS, SGS_TAIL_DROPS
from lit_research.laws.robustness import robustness

CMID, B = SGS_RATE.params["Cmid"], SGS_RATE.params["B"]
FIRST, R0 = 104_000.0, 0.42


def run(asymptote, noise=0.0, seed=0, points=60):
    """Return generations and solve rates of a run that follows the law from its first kept point.

    The points before 100 000 generations follow no law.
    """
    C = np.concatenate([[8e3, 4e4, 9.9e4], np.geomspace(FIRST, 9e6, points)])
    truth = Curve(Sigmoid(R0=R0), {"A": asymptote, "Cmid": CMID, "B": B})
    rate = np.full(C.size, 0.1)
    rate[3] = R0
    rate[4:] = truth.predict(C[4:] - FIRST)
    rate[4:] += noise * np.random.default_rng(seed).standard_normal(points - 1)
    return C, rate


@pytest.mark.parametrize("name", SGS_ASYMPTOTES)
def test_the_papers_recipe_recovers_the_published_laws(name):
    law, C, rate = anchor(*run(SGS_ASYMPTOTES[name]))
    assert law.R0 == R0
    found = fit(law, C, rate, method="ls", interval_method=None)
    truth = {"A": SGS_ASYMPTOTES[name], "Cmid": CMID, "B": B}
    assert found.params == pytest.approx(truth, rel=0.01)
    assert not found.doubts


def test_the_recipe_is_the_papers_curve_fit():
    law, C, rate = anchor(*run(0.671, noise=0.002))

    def sigmoid(x, A, mid, steepness):
        return R0 + (A - R0) / (1 + (mid / x) ** steepness)

    theirs, _ = curve_fit(sigmoid, C, rate, p0=(0.7, 1e6, 0.6), xtol=1e-14, ftol=1e-14)
    ours = fit(law, C, rate, method="ls", interval_method=None).params
    np.testing.assert_allclose([ours[n] for n in ("A", "Cmid", "B")], theirs, rtol=1e-3)


def test_with_noise_the_truth_lies_within_the_interval_and_the_spread_is_told():
    law, C, rate = anchor(*run(0.671, noise=0.002))
    found = robustness(law, C, rate, subsets=40, intervals=0.99)
    low, high = found.full.interval("A")
    assert low < 0.671 < high
    assert high - low > 0.01  # a noise of 0.002 in the rate is far more in the asymptote
    assert 0.001 < found.std["A"] < 0.1
    assert found.mean["A"] == pytest.approx(found.full.params["A"], abs=3 * found.std["A"])


def test_refits_are_fits_of_the_points_that_are_left():
    law, C, rate = anchor(*run(0.671, noise=0.002))
    shuffled = np.random.default_rng(1).permutation(C.size)
    found = robustness(law, C[shuffled], rate[shuffled], subsets=5, share=0.5)
    for share, refit in found.dropped.items():
        left = C.size - round(share * C.size)
        alone = fit(law, C[:left], rate[:left], method="ls", interval_method=None)
        assert refit.params == pytest.approx(alone.params, rel=1e-6)
    assert found.subsets.shape == (5, 3)
    again = robustness(law, C, rate, subsets=5, share=0.5)
    np.testing.assert_allclose(again.subsets, found.subsets, rtol=1e-9)
    other = robustness(law, C, rate, subsets=5, share=0.5, seed=1)
    assert not np.allclose(other.subsets, found.subsets)


def test_points_of_the_law_itself_are_robust():
    law, C, rate = anchor(*run(0.671))
    found = robustness(law, C, rate, subsets=10)
    for refit in found.dropped.values():
        assert refit.params == pytest.approx(found.full.params, rel=1e-3)
    assert found.std["A"] < 1e-4
    assert found.doubtful == 0


def test_the_report_holds_every_refit_and_what_is_wrong():
    law, C, rate = anchor(*run(0.671, noise=0.002))
    text = robustness(law, C, rate, subsets=4, interval_method=None).report()
    for part in ("Sigmoid", "all 59", "without the last 10%", "without the last 30%", "±"):
        assert part in text
    assert "4 subsets of 50%" in text
    C = C[::6]
    endless = R0 + 1e-4 * C**0.5  # no asymptote anywhere
    text = robustness(law, C, endless, subsets=3, interval_method=None).report()
    assert "of 3 subsets do not determine the law" in text
    assert "warning: without the last 10%" in text


def test_without_subsets_there_is_no_spread():
    law, C, rate = anchor(*run(0.671))
    found = robustness(law, C, rate, subsets=0, drop=(), interval_method=None)
    assert np.isnan(found.mean["A"])
    assert np.isnan(found.std["A"])
    assert "subsets" not in found.report()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop": (1.0,)}, "drop is 1.0"),
        ({"share": 0.0}, "share is 0.0"),
        ({"subsets": -1}, "subsets is -1"),
        ({"noise": [0.1] * 59}, "noise is an array"),
        ({"share": 0.03}, "too few points: 2 distinct x"),
    ],
)
def test_options_without_meaning_are_refused(options, message):
    law, C, rate = anchor(*run(0.671))
    with pytest.raises(UserError, match=message):
        robustness(law, C, rate, **options)


def test_a_law_of_several_variables_has_no_last_points():
    with pytest.raises(UserError, match="no end to drop"):
        robustness("chinchilla", {"N": [1.0], "D": [1.0]}, [1.0])


def test_the_typed_table_agrees_with_itself():
    assert SGS_ASYMPTOTES["sgs"] == SGS_RATE.params["A"] == SGS_TAIL_DROPS[0.0]
    assert abs(SGS_SUBSETS[0] - SGS_ASYMPTOTES["sgs"]) < SGS_SUBSETS[1]
