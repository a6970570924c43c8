"""Greedy choices over steps: what is chosen when every score is known."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.experiments.greedy_steps import Scored, check_steps, greedy, options_of

STEPS = {
    "filter": {"random": {"f": 0}, "hard": {"f": 1}},
    "answers": {"one": {"a": 1}, "many": {"a": 16}},
}


def scored(value, cost=1.0, noise=0.0, seed=0):
    return Scored(tuple(value + noise * np.random.default_rng(seed).normal(size=4)), cost)


def test_each_step_is_compared_with_the_winners_before_it():
    seen = []

    def evaluate(arms):
        seen.append({name: dict(options) for name, options in arms.items()})
        return {
            name: scored(o["f"] + (o["a"] > 1) * (1 if o["f"] else -1), noise=0.01, seed=place)
            for place, (name, o) in enumerate(arms.items())
        }

    first, second = greedy(STEPS, evaluate)
    assert seen == [
        {"random": {"f": 0, "a": 1}, "hard": {"f": 1, "a": 1}},
        {"one": {"f": 1, "a": 1}, "many": {"f": 1, "a": 16}},
    ]
    assert (first.choice.name, first.choice.verdict) == ("hard", "winner")
    assert dict(second.chosen) == {"filter": "hard", "answers": "many"}
    assert options_of(STEPS, second.chosen) == {"f": 1, "a": 16}
    assert "| hard |" in first.table()


def test_a_tie_goes_to_the_cheaper_and_a_baseline_stays_in_spite_of_it():
    def evaluate(arms):
        return {
            name: scored(0.5, cost=10.0 - place, noise=0.1, seed=place)
            for place, name in enumerate(arms)
        }

    cheap = list(greedy(STEPS, evaluate))[-1]
    assert dict(cheap.chosen) == {"filter": "hard", "answers": "many"}
    stay = list(greedy(STEPS, evaluate, against_baseline=True))[-1]
    assert dict(stay.chosen) == {"filter": "random", "answers": "one"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({}, "there are no steps"),
        ({"filter": {"random": {"f": 0}}}, "the step 'filter' has 1 strategies"),
        ({"filter": {"a": {"f": 0}, "b": {"f": 0}}}, "the same options"),
        (
            {"x": {"a": {"f": 0}, "b": {"f": 1}}, "y": {"a": {"f.g": 0}, "b": {}}},
            "the steps 'x' and 'y' both set 'f'",
        ),
    ],
)
def test_steps_that_compare_nothing_are_refused(steps, message):
    with pytest.raises(UserError, match=message):
        check_steps(steps, "in the test")
    check_steps(STEPS, "in the test")
