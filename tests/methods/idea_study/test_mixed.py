"""The mixed models of the released reviews, and the likelihood against a direct computation."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.methods.idea_study import (
    MIXED_MODEL,
    Reviews,
    make_study,
    mixed,
    mixed_models,
    published_study,
    random_intercept,
    read_reviews,
)
from tests.methods.idea_study import golden
from tests.methods.idea_study.golden import is_printed, rows
from tests.methods.idea_study.released import FILES

needs_reviews = pytest.mark.skipif(not FILES, reason="the released reviews are not here")


@pytest.fixture(params=["statsmodels", "no package"])
def package(request, monkeypatch):
    if request.param == "statsmodels":
        pytest.importorskip("statsmodels")
    else:
        monkeypatch.setattr(mixed, "has_statsmodels", lambda: False)
    return request.param


@needs_reviews
def test_the_mixed_models_of_the_released_reviews(package):
    found = {(m.model, m.metric): m for m in mixed_models(make_study(*map(read_reviews, FILES)))}
    assert all("converged" in one.note for one in found.values())
    assert not any(one.fit.on_boundary for one in found.values())
    expected = "profile likelihood" if package == "no package" else "powell"
    assert {one.fit.optimizer for one in found.values()} == {expected}
    for metric, (effect, p) in rows(golden.INTERACTION).items():
        one = found["stage x arm", metric]
        assert one.effect == pytest.approx(float(effect), abs=1e-3)
        assert one.p < float(p)
        assert MIXED_MODEL[metric] == float(effect)
    for metric, (effect, p) in rows(golden.MIXED_AFTER).items():
        one = found["after", metric]
        assert is_printed(one.effect, effect)
        assert is_printed(one.p, p)


def draw(seed, ideas=12, variance=1.0):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(ideas), rng.integers(1, 5, ideas))
    design = np.column_stack([np.ones(len(groups)), groups % 2, rng.normal(size=len(groups))])
    deviations = variance**0.5 * rng.normal(size=ideas)
    return design @ [4, 1, 0.5] + deviations[groups] + rng.normal(size=len(groups)), design, groups


def restricted(y, design, groups, group_variance, residual_variance):
    """Return -2 log restricted likelihood, by the whole covariance matrix."""
    same = (groups[:, None] == groups[None]).astype(float)
    V = group_variance * same + residual_variance * np.eye(len(y))
    inverse = np.linalg.inv(V)
    information = design.T @ inverse @ design
    beta = np.linalg.solve(information, design.T @ inverse @ y)
    r = y - design @ beta
    logs = np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1]
    return logs + r @ inverse @ r, beta, np.sqrt(np.diag(np.linalg.inv(information)))


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_the_maximum_of_the_restricted_likelihood(seed):
    y, design, groups = draw(seed)
    fit = random_intercept(y, design, groups)
    best, beta, errors = restricted(y, design, groups, fit.group_variance, fit.residual_variance)
    assert fit.beta == pytest.approx(beta)
    assert fit.errors == pytest.approx(errors)
    for a in (0.9, 1.0, 1.1):
        for b in (0.9, 1.0, 1.1):
            other = restricted(
                y, design, groups, a * fit.group_variance, b * fit.residual_variance
            )[0]
            assert other >= best - 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_statsmodels_finds_the_same(seed):
    pytest.importorskip("statsmodels")
    from lit_research.methods.idea_study.mixed import _by_statsmodels

    y, design, groups = draw(seed, ideas=30)
    ours, theirs = (fit(y, design, groups) for fit in (random_intercept, _by_statsmodels))
    assert ours.beta == pytest.approx(theirs.beta, abs=1e-4)
    # Ours are those at the variances found; statsmodels' are of the Hessian of all parameters.
    assert ours.errors == pytest.approx(theirs.errors, rel=5e-2)
    assert ours.group_variance == pytest.approx(theirs.group_variance, rel=2e-2, abs=1e-3)


def test_a_variance_on_the_boundary_is_said(package):
    # Reviews of one idea differ more than ideas do.
    n = 8
    ideas = tuple(np.repeat([f"i{k}" for k in range(n)], 2).tolist())
    arms = tuple(np.repeat(["Human"] * 4 + ["AI"] * 4, 2).tolist())
    rng = np.random.default_rng(0)
    noise = rng.normal(size=n)
    scores = np.column_stack([5 + noise, 5 - noise]).ravel()
    part = Reviews(ideas, arms, {"overall": scores})
    after = [m for m in mixed_models(make_study(part, part)) if m.model == "after"]
    assert "on its boundary, 0" in after[0].note
    assert after[0].fit.group_variance == pytest.approx(0, abs=1e-4)


def test_means_of_ideas_have_no_mixed_model():
    with pytest.raises(UserError, match="single reviews"):
        mixed_models(published_study())
