"""Permutation tests by enumeration; the bootstrap by the variance of what it imitates."""

from itertools import combinations, product
from math import isnan

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.stats import crossed_bootstrap, permutation, ratio_bootstrap, sign_flips
from lit_research.stats.resampling import _resampled_means
from tests.stats.simulate import normals, within_three_errors

VALUES = np.array([0.9, -0.3, 1.4, 0.7, 0.2, 1.1])


def test_all_sign_flips_are_taken_where_they_are_few():
    flipped = [np.mean(VALUES * signs) for signs in product((1, -1), repeat=len(VALUES))]
    share = np.mean(np.array(flipped) >= VALUES.mean() - 1e-12)
    found = sign_flips(VALUES, alternative="greater")
    assert found.p == pytest.approx(share)
    assert found.effect == pytest.approx(VALUES.mean())
    assert all(isnan(end) for end in found.interval)
    assert sign_flips(VALUES).p == pytest.approx(2 * share)
    assert sign_flips([1.0] * 5, alternative="greater").p == 1 / 32


def test_all_divisions_are_taken_where_they_are_few():
    a, b = VALUES[:4], VALUES[4:] - 1.0
    pool = np.concatenate([a, b])
    effects = []
    for chosen in combinations(range(6), 4):
        others = [k for k in range(6) if k not in chosen]
        effects.append(pool[list(chosen)].mean() - pool[others].mean())
    share = np.mean(np.array(effects) >= a.mean() - b.mean() - 1e-12)
    assert permutation(a, b, alternative="greater").p == pytest.approx(share)


def test_many_units_are_flipped_at_random_and_the_seed_decides():
    values = normals(40) + 0.2
    first, again = (sign_flips(values, resamples=499, seed=s).p for s in (1, 1))
    assert first == again
    assert first != sign_flips(values, resamples=499, seed=2).p
    assert sign_flips(values + 100, resamples=499, alternative="greater").p == 1 / 500


def test_the_size_of_the_exact_test_is_the_nominal_one():
    # Of the 32 flips of five values a level of 2/32 is met exactly, even by skewed magnitudes.
    rows = normals(1_000, 5) ** 3
    found = np.mean([sign_flips(row, alternative="greater").p <= 2 / 32 for row in rows])
    assert within_three_errors(found, 2 / 32, 1_000)


def test_resampled_means_have_the_variance_of_the_pigeonhole():
    # Owen 2007: variance of the rows' means / S, of the columns' / I, of the cells / (S I).
    table = normals(6, 1) + 2 * normals(1, 9, seed=1) + normals(6, 9, seed=2)
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    cells = table - rows[:, None] - columns[None] + table.mean()
    expected = rows.var() / 6 + columns.var() / 9 + cells.var() / 54
    means = _resampled_means(table, 200_000, seed=0)
    assert means.mean() == pytest.approx(table.mean(), abs=0.01)
    assert means.var() == pytest.approx(expected, rel=0.02)


def test_noise_of_training_is_no_finding_and_an_effect_is():
    seeds, items = normals(8, 1), normals(1, 300, seed=1)
    noise = crossed_bootstrap(seeds + items)
    assert noise.interval[0] < 0 < noise.interval[1]
    assert noise.p > 0.1
    # Over items alone, half a deviation of eight seeds is "significant" by far.
    assert abs((seeds + items).mean()) > 3 * (seeds + items).mean(axis=0).std() / np.sqrt(300)
    effect = crossed_bootstrap(seeds + items + 3.0, alternative="greater")
    assert effect.interval[0] > 0
    assert effect.p < 0.01
    assert effect.n == 8
    assert crossed_bootstrap(seeds + items) == noise


def test_the_p_value_of_the_bootstrap_belongs_to_its_interval():
    table = normals(5, 30) + normals(5, 1, seed=1)
    low, high = crossed_bootstrap(table).interval
    for end, side in ((low, "greater"), (high, "less")):
        for null, is_found in ((end - 0.02, side == "greater"), (end + 0.02, side == "less")):
            found = crossed_bootstrap(table, null=null, alternative=side)
            assert (found.p < 0.05) == is_found


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sign_flips([1.0]), "differences has 1 values"),
        (lambda: sign_flips([1.0, 2.0], resamples=10), "resamples is 10"),
        (lambda: permutation([1.0], [1.0, 2.0]), "a has 1 values and b 2"),
        (lambda: crossed_bootstrap([[1.0, 2.0]]), r"shape \[1, 2\]"),
        (lambda: crossed_bootstrap([[1.0, np.nan], [1.0, 2.0]]), "1 that are not finite"),
    ],
)
def test_what_cannot_be_drawn_again_is_refused(call, says):
    with pytest.raises(UserError, match=says):
        call()


def test_a_ratio_of_means_has_the_interval_of_its_delta_method():
    a, b = 0.5 + 0.1 * normals(400), 1 + 0.1 * normals(400, seed=1)
    found = ratio_bootstrap(a, b, null=0.5, alternative="greater")
    assert found.effect == pytest.approx(a.mean() / b.mean())
    error = np.std(a - found.effect * b, ddof=1) / b.mean() / 20
    half = (found.interval[1] - found.interval[0]) / 2
    assert half == pytest.approx(1.6487 * error, rel=0.03)
    assert ratio_bootstrap(a, b).p == pytest.approx(2 / 10_000, rel=0.3)
    with pytest.raises(UserError, match="mean denominator above 0"):
        ratio_bootstrap(a, -b)
    with pytest.raises(UserError, match="2 values and denominators 3"):
        ratio_bootstrap(a[:2], b[:3])
