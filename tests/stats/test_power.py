"""The power of the paired test is what simulation finds, and the seeds needed are the fewest."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.stats import paired_t, seeds_needed, smallest_effect, t_power
from tests.stats.simulate import SETS, normals, within_three_errors


@pytest.mark.parametrize(
    ("effect", "n", "side"), [(0.8, 8, "greater"), (-1.0, 5, "two-sided"), (-0.7, 6, "less")]
)
def test_the_power_is_what_simulation_finds(effect, n, side):
    rows = 2.0 * (normals(SETS, n) + effect)
    found = np.mean([paired_t(row, alternative=side).p < 0.05 for row in rows])
    assert within_three_errors(found, t_power(2.0 * effect, 2.0, n, alternative=side))


def test_without_an_effect_the_power_is_the_level():
    for side in ("two-sided", "greater", "less"):
        assert t_power(0.0, 1.0, 6, alpha=0.02, alternative=side) == pytest.approx(0.02)


def test_numbers_of_the_literature():
    # Cohen's d of 0.5, two-sided at 0.05: 34 pairs for a power of 0.8, 44 for 0.9 (G*Power).
    assert seeds_needed(0.5, 1.0, power=0.8, alternative="two-sided") == 34
    assert seeds_needed(0.5, 1.0, power=0.9, alternative="two-sided") == 44
    assert smallest_effect(3) == pytest.approx(2.8, abs=0.05)


@pytest.mark.parametrize("effect", [0.3, 0.9, 3.0, 40.0])
def test_the_seeds_needed_are_the_fewest(effect):
    n = seeds_needed(effect, 1.0)
    assert t_power(effect, 1.0, n) >= 0.9
    assert n == 2 or t_power(effect, 1.0, n - 1) < 0.9
    assert smallest_effect(n) <= effect
    assert seeds_needed(-effect, 1.0, alternative="less") == n


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: t_power(1.0, 0.0, 5), "sd 0.0"),
        (lambda: t_power(1.0, 1.0, 1), "n is 1"),
        (lambda: seeds_needed(-1.0, 1.0), "10000 seeds do not find an effect of -1"),
        (lambda: seeds_needed(1.0, 1.0, power=90), "power is 90"),
    ],
)
def test_what_has_no_power_is_refused(call, says):
    with pytest.raises(UserError, match=says):
        call()
