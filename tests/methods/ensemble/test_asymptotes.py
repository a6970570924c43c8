"""The published limits through the public API: the paper's tables in, its asymptotes out."""

import json
from pathlib import Path

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.laws import Curve, EnsembleLaw, PowerLaw, data_efficiency, effective_tokens
from lit_research.laws.published import (
    JOINT_RECIPE,
    MUENNIGHOFF_C4,
    REGULARIZED_RECIPE,
    STANDARD_RECIPE,
)
from lit_research.methods.ensemble import Measured, read_points, study

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "scaling_points.json"
SIZES = [0.15, 0.3, 0.6, 1.4]
TOKENS = [0.2097152, 0.4194304, 0.8388608, 1.6777216]
# Limits in K for each N at each D, and the joint limits that they give (exact table of the paper's
# code; see papers/ensemble.md for the last two, whose published values are of later runs).
LIMITS = [
    [3.494941417720857, 3.2729813419904183, 3.2122277662817145, 3.173966150932168],
    [3.399930198165533, 3.1503966937866053, 3.0519037696079496, 3.002520844567612],
    [3.357577868802383, 3.1018990697199413, 2.9058312693222317, 2.8680140499504847],
    [3.2995859709652104, 3.0172424035912697, 2.8262327566492838, 2.752375695327966],
]
JOINT = [3.169, 2.980, 2.789, 2.657]
# Loss of the tuned standard recipe at 209M tokens, for each N.
STANDARD_200M = [3.83752, 3.78538, 3.74974, 3.76432]


def ensembles(D, limits, gain=0.3):
    """Return points whose K-curve ends in the given limits."""
    members = np.arange(1, 6)
    curves = [Curve(EnsembleLaw(), {"E": E, "A": gain, "alpha": 1.0}) for E in limits]
    return [
        Measured("regularised", N, D, 16, tuple(map(float, curve.predict(members))))
        for N, curve in zip(SIZES, curves, strict=True)
    ]


@pytest.mark.parametrize("place", range(4))
def test_joint_limits_of_the_published_table(place):
    D = TOKENS[place]
    found = study(ensembles(D, LIMITS[place]))
    law = found.fits[f"joint regularised D={D:.4g}"]
    assert law.params["E"] == pytest.approx(JOINT[place], abs=0.002)
    for N, E in zip(SIZES, LIMITS[place], strict=True):
        members = found.fits[f"members regularised N={N:.4g} D={D:.4g}"]
        assert members.params["E"] == pytest.approx(E, abs=1e-5)


def test_the_law_in_data_through_the_joint_limits():
    points = [p for D, row in zip(TOKENS, LIMITS, strict=True) for p in ensembles(D, row)]
    law = study(points).fits["data regularised, all members"]
    # papers/ensemble.md, re-fit of the four limits: .962 / D^.228 + 1.798
    assert law.params["A"] == pytest.approx(0.962, abs=0.02)
    assert law.params["alpha"] == pytest.approx(0.228, abs=0.005)
    assert law.params["E"] == pytest.approx(1.798, abs=0.02)


@pytest.mark.parametrize(
    ("law", "published", "own"), [(REGULARIZED_RECIPE, 2.27, 3.43), (JOINT_RECIPE, 5.08, 3.17)]
)
def test_data_efficiency_of_the_rounded_laws(law, published, own):
    D = TOKENS[0]
    rounded = float(data_efficiency(own, STANDARD_RECIPE, baseline_loss=STANDARD_RECIPE.predict(D)))
    assert rounded == pytest.approx(published, rel=0.03)
    assert float(law.predict(D)) == pytest.approx(own, abs=0.015)


def test_gains_of_a_study_are_against_the_standard_recipe():
    standard = [
        Measured("standard", N, TOKENS[0], 8, (loss,))
        for N, loss in zip(SIZES, STANDARD_200M, strict=True)
    ]
    found = study([*ensembles(TOKENS[0], LIMITS[0]), *standard], standard=STANDARD_RECIPE)
    # The standard recipe's value is its best size, where its loss turns up again.
    assert float(data_efficiency(3.74974, STANDARD_RECIPE, baseline_loss=3.74974)) == 1.0
    joint = found.gains["regularised, all members", TOKENS[0]]
    assert joint == pytest.approx(5.08, rel=0.05)
    assert not any(recipe == "standard" for recipe, _ in found.gains)
    assert "no law of data standard: 1 point" in found.report()


def test_a_study_of_too_little_says_what_is_missing():
    found = study([Measured("mine", 1e5, 3e4, 16, (1.8, 1.7))])
    assert not found.fits
    assert set(found.refused) == {
        "members mine N=1e+05 D=3e+04",
        "parameters mine D=3e+04",
    }
    text = found.report()
    assert "2 points" in text
    assert "16 passes over 3e+04 tokens are worth" in text


def test_of_one_setting_the_best_loss_counts():
    twice = [Measured("mine", N, 1.0, 8, (3.0 + 0.1 / N + bad,)) for N in SIZES for bad in (0, 0.5)]
    law = study(twice).fits["parameters mine D=1"]
    assert law.params["E"] == pytest.approx(3.0, abs=1e-4)


def test_repeated_tokens_lose_their_worth():
    R_D = MUENNIGHOFF_C4.params["R_D"]
    assert float(effective_tokens(100.0, 1, R_D)) == 100.0
    assert float(effective_tokens(100.0, 4, R_D)) == pytest.approx(373, abs=2)  # nearly fresh
    assert float(effective_tokens(100.0, 1e6, R_D)) == pytest.approx(100 * (1 + R_D))
    with pytest.raises(UserError, match="must be at least 1"):
        effective_tokens(100.0, 0.5, R_D)


def test_points_are_read_and_bad_ones_named(tmp_path):
    file = tmp_path / "points.jsonl"
    good = {"recipe": "a", "N": 10, "D": 20, "epochs": 2, "losses": [3, 2.5]}
    file.write_text(json.dumps(good) + "\n")
    assert read_points(file) == [Measured("a", 10.0, 20.0, 2.0, (3.0, 2.5))]
    for bad in ("{", '{"recipe": "a"}', json.dumps({**good, "losses": 3})):
        file.write_text(json.dumps(good) + "\n" + bad + "\n")
        with pytest.raises(UserError, match=r"line 2 of .*points.jsonl"):
            read_points(file)


@pytest.mark.skipif(not SHARED.exists(), reason="the project's shared points are not here")
def test_typed_points_are_those_of_the_shared_file():
    shared = json.loads(SHARED.read_text())["infinite_compute"]
    table = shared["ensemble_K_to_inf_asymptotes_per_N_and_D"]
    assert [table[key] for key in ("D0.2097", "D0.4194", "D0.8389", "D1.6777")] == LIMITS
    assert shared["standard_200M_loss_vs_N"]["loss"] == STANDARD_200M
    for name, law in (("standard", STANDARD_RECIPE), ("joint", JOINT_RECIPE)):
        assert shared["loss_vs_D"][f"{name}_fit"] == dict(law.params)
    assert isinstance(STANDARD_RECIPE.law, PowerLaw)
