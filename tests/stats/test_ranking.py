"""Pairs of arms are told apart by their seeds; equal ones seldom, and never the wrong way."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.stats import paired_t, rank_pairs
from tests.stats.simulate import normals

SETS = 400
TRUE = {"best": 50.0, "good": 48.0, "bad": 20.0}


def drawn(seeds, noise=2.0):
    values = normals(len(TRUE), seeds)
    return {name: TRUE[name] + noise * one for name, one in zip(TRUE, values, strict=True)}


def test_every_two_arms_are_compared_once():
    scores = drawn(8)
    pairs = rank_pairs(scores)
    assert [(pair.first, pair.second) for pair in pairs] == [
        ("best", "good"),
        ("best", "bad"),
        ("good", "bad"),
    ]
    for pair in pairs:
        alone = paired_t(np.subtract(scores[pair.first], scores[pair.second]))
        assert pair.difference.effect == alone.effect
        assert pair.p >= alone.p
    better = {(pair.first, pair.second): pair.better for pair in pairs}
    assert (better["best", "bad"], better["good", "bad"]) == ("best", "good")


def test_a_pair_is_reversed_if_the_worse_is_called_better():
    pairs = rank_pairs({"up": [9.0, 9.5, 9.1, 9.2], "down": [1.0, 1.1, 0.9, 1.2]})
    assert pairs[0].better == "up"
    assert pairs[0].is_reversed({"up": 0.0, "down": 6.0}, gap=5.0)
    assert not pairs[0].is_reversed({"up": 0.0, "down": 4.0}, gap=5.0)
    assert not pairs[0].is_reversed({"up": 6.0, "down": 0.0}, gap=5.0)
    tied = rank_pairs({"up": [9.0, 1.0, 5.0], "down": [1.0, 9.0, 5.5]})
    assert tied[0].better is None
    assert not tied[0].is_reversed({"up": 0.0, "down": 99.0})


def test_equal_arms_are_seldom_told_apart():
    draws = [dict(zip("abcde", values, strict=True)) for values in normals(SETS, 5, 6)]
    false = [any(pair.better for pair in rank_pairs(scores)) for scores in draws]
    assert np.mean(false) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SETS)


def test_one_seed_tells_nothing():
    assert rank_pairs({"a": [1.0], "b": [2.0]})[0].better is None


@pytest.mark.parametrize("scores", [{"a": [1.0, 2.0]}, {"a": [1.0, 2.0], "b": [1.0]}])
def test_arms_that_cannot_be_compared_are_refused(scores):
    with pytest.raises(UserError, match="in rank_pairs; give two arms or more"):
        rank_pairs(scores)
