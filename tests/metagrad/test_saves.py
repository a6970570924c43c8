"""Schedules keep within their room, and their cost is what is computed."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.metagrad import SGD, metagradient, plan, train
from lit_research.metagrad.saves import All, Budget, Every, Tree, cost, parse_save
from tests.metagrad.problem import metric, training

schedules = st.one_of(
    st.just(All()),
    st.integers(1, 12).map(Every),
    st.integers(2, 5).map(Tree),
    st.integers(1, 9).map(Budget),
)


@settings(deadline=None)
@given(schedules, st.integers(0, 50), st.integers(2, 60), st.integers(1, 9))
def test_points_rise_strictly_between(save, start, length, held):
    points = list(save.points(start, start + length, held))
    assert points == sorted(set(points))
    assert all(start < p < start + length - 1 for p in points)


@given(st.integers(1, 9), st.integers(1, 80))
def test_a_budget_is_kept(states, steps):
    assert cost(Budget(states), steps).states <= states + 1


@cache
def fewest(steps, room):
    """Steps computed to reverse ``steps``, with the state at 0 and room for more."""
    if steps <= 1:
        return 0
    if room == 0:
        return steps * (steps - 1) // 2
    splits = range(1, steps)
    return min(m + fewest(steps - m, room - 1) + fewest(m, room) for m in splits)


@pytest.mark.parametrize("states", [1, 2, 3, 5])
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 12, 20, 33])
def test_a_budget_computes_the_fewest_steps(steps, states):
    # The training run itself computes all steps once: what is saved on that way is not repeated.
    again = cost(Budget(states), steps).again
    assert again == max(0, fewest(steps, states - 1) - (steps - 1))


def test_the_table_of_costs():
    assert cost(parse_save("all", 48), 48).again == 0
    root = cost(parse_save("sqrt", 48), 48)
    assert root.states <= 16
    assert root.again < 48
    tree = cost(parse_save("tree", 48), 48)
    assert tree.states <= 8
    assert tree.again < 48 * 3
    sizes = [cost(parse_save("sqrt", steps), steps).states for steps in (16, 64, 256)]
    assert sizes[2] < 2.2 * sizes[1] < 5 * sizes[0]


@pytest.mark.parametrize("save", ["all", "every:3", "sqrt", "tree", "tree:3", "budget:2"])
@pytest.mark.parametrize("steps", [1, 2, 3, 8, 11])
def test_the_cost_is_what_a_run_computes(save, steps):
    given = training(SGD(0.1), steps=steps, save=save)
    run = train(given)
    held = [len(run.kept) + (run.before_last is not None)]
    again, forward = [], run.steps.forward
    run.steps.forward = lambda *at: (again.append(at[2]), forward(*at))[1]
    metagradient(run, metric, progress=lambda step: held.append(len(run.kept) + 1))
    expected = cost(parse_save(save, steps), steps)
    assert len(again) == expected.again
    assert max(held) <= expected.states


def test_a_plan_fits_and_says_what_it_costs():
    given = training(SGD(0.1), steps=20)
    size = 8 * sum(p.numel() for p in given.model.parameters())
    whole = plan(given, 20 * size)
    assert (whole.save, whole.again) == ("all", 0)
    assert whole.passes == pytest.approx(4.0)
    tight = plan(given, 5 * size)
    assert tight.save == "budget:4"
    assert tight.states * tight.state_bytes <= 5 * size
    assert "20 steps are computed again" in str(tight)
    with pytest.raises(ValueError, match="room for two"):
        plan(given, size)
