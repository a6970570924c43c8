"""Choosing among strategies: how often equal ones give a winner, and a better one wins."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.stats import choose, t_power

SIMULATED = 1000


def drawn(rng: np.random.Generator, strategies: int, seeds: int) -> dict[str, np.ndarray]:
    """Return accuracies on 300 items: of each seed some for all, more for each training."""
    shared = rng.normal(0, 0.25, seeds)
    logits = shared + rng.normal(0, 0.25, (strategies, seeds))
    shares = rng.binomial(300, 1 / (1 + np.exp(-logits))) / 300
    return {f"s{place}": row for place, row in enumerate(shares)}


@pytest.mark.parametrize("strategies", [2, 5])
@pytest.mark.parametrize("seeds", [2, 5, 10])
@pytest.mark.parametrize("incumbent", [None, "s0"])
def test_equal_strategies_have_a_winner_no_more_often_than_alpha(strategies, seeds, incumbent):
    rng = np.random.default_rng([strategies, seeds])
    found = 0
    for _ in range(SIMULATED):
        scores = drawn(rng, strategies, seeds)
        found += choose(scores, dict.fromkeys(scores, 1.0), incumbent=incumbent).verdict == "winner"
    assert found / SIMULATED <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SIMULATED)


# The effect is twice the s.d. of one training, or of the difference of two on one seed.
@pytest.mark.parametrize("sd_of", ["training", "difference"])
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_a_better_strategy_wins_as_often_as_theory_says(seeds, sd_of):
    rng = np.random.default_rng([seeds, sd_of == "training"])
    sd, wins = 1.0, 0
    training = sd if sd_of == "training" else sd / np.sqrt(2)
    for _ in range(SIMULATED):
        shared = rng.normal(0, 3 * sd, seeds)  # the seed's own: it cancels
        scores = {
            "old": shared + rng.normal(0, training, seeds),
            "new": shared + rng.normal(2 * sd, training, seeds),
        }
        choice = choose(scores, {"old": 1.0, "new": 5.0}, incumbent="old")
        wins += (choice.verdict, choice.name) == ("winner", "new")
    expected = t_power(2 * sd, np.sqrt(2) * training, seeds, alternative="two-sided")
    assert wins / SIMULATED == pytest.approx(expected, abs=0.05)


def test_a_tie_goes_to_the_cheaper_and_names_the_tied():
    scores = {"dear": [0.5, 0.7, 0.6], "cheap": [0.6, 0.6, 0.55], "bad": [0.1, 0.2, 0.12]}
    costs = {"dear": 3.0, "cheap": 1.0, "bad": 0.5}
    choice = choose(scores, costs)
    assert (choice.name, choice.verdict) == ("cheap", "tie")
    assert choice.tied == ("cheap", "dear")
    assert choice.compared_with == "dear"
    table = choice.table(scores, costs)
    assert "| cheap | 0.5833 | -0.01667 [" in table
    assert table.splitlines()[3].endswith("| tie |")


def test_an_incumbent_stays_unless_it_is_beaten():
    scores = {"old": [0.5, 0.6, 0.55], "new": [0.6, 0.5, 0.56], "cheap": [0.5, 0.62, 0.5]}
    costs = {"old": 9.0, "new": 2.0, "cheap": 1.0}
    kept = choose(scores, costs, incumbent="old")
    assert (kept.name, kept.verdict) == ("old", "tie")
    better = {**scores, "new": [0.9, 1.01, 0.95]}
    found = choose(better, costs, incumbent="old")
    assert (found.name, found.verdict, found.tied) == ("new", "winner", ("new",))
    two = {**better, "cheap": [0.91, 1.0, 0.95]}
    among = choose(two, costs, incumbent="old")
    assert (among.name, among.verdict, among.tied) == ("cheap", "winner", ("cheap", "new"))


def test_one_seed_decides_nothing():
    assert choose({"a": [0.1], "b": [0.9]}, {"a": 1, "b": 2}).verdict == "tie"
    assert choose({"a": [0.5, 0.5], "b": [0.5, 0.5]}, {"a": 2, "b": 1}).name == "b"


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ({"a": [1.0]}, {}, "there is only a"),
        ({"a": [1.0], "b": [1.0, 2.0]}, {}, r"\{'a': 1, 'b': 2\} scores"),
        ({"a": [1.0], "c": [1.0]}, {}, "c have no cost"),
        ({"a": [1.0], "b": [1.0]}, {"incumbent": "d"}, "the incumbent 'd' is none of a, b"),
        ({"a": [1.0], "b": [1.0]}, {"alpha": 1.5}, "alpha is 1.5"),
    ],
)
def test_what_cannot_be_compared_is_refused(scores, options, message):
    with pytest.raises(UserError, match=message):
        choose(scores, {"a": 1, "b": 1}, **options)
