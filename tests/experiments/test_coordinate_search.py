"""Coordinate descent: it finds the optimum, certifies it, and asks for no point twice."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.experiments import PAPER_GRID, Grid, coordinate_descent
from lit_research.experiments.coordinate_search import check_budget, mean_loss


class Objective:
    """Losses by a function of the values by name; remembers what it was asked for."""

    def __init__(self, grid, loss):
        self.grid, self.loss, self.asked = grid, loss, []

    def __call__(self, points):
        self.asked.append(points)
        return [self.loss(self.grid.named(point)) for point in points]

    @property
    def all_asked(self):
        return [point for points in self.asked for point in points]


def search(grid, start, loss, budget=None):
    objective = Objective(grid, loss)
    return list(coordinate_descent(grid, start, objective, budget)), objective


@st.composite
def problems(draw):
    """A grid, a start, and a bowl along each axis: strictly falling, then strictly rising."""
    axes, bowls, start, best = {}, {}, {}, {}
    for name in "abc"[: draw(st.integers(1, 3))]:
        values = tuple(range(draw(st.integers(1, 7))))
        low = draw(st.sampled_from(values))
        steps = {v: draw(st.integers(1, 5)) for v in values}
        between = {v: range(min(v, low), max(v, low)) for v in values}
        axes[name], best[name] = values, low
        bowls[name] = {v: sum(steps[u] for u in between[v]) for v in values}
        start[name] = draw(st.sampled_from(values))
    return Grid(axes), start, bowls, best


@given(problems())
def test_a_separable_bowl_is_solved_and_certified(problem):
    grid, start, bowls, best = problem
    rounds, objective = search(grid, start, lambda p: sum(bowls[k][v] for k, v in p.items()))
    last = rounds[-1]
    assert grid.named(last.best) == best
    assert last.loss == 0.0
    assert last.certificate
    assert last.interior == all(grid.axes[k][0] < v < grid.axes[k][-1] for k, v in best.items())
    assert len(objective.all_asked) == len(set(objective.all_asked)) == len(last.losses)
    assert all(points for points in objective.asked)
    assert not any(r.done or r.certificate for r in rounds[:-1])
    losses = [r.loss for r in rounds]
    assert losses == sorted(losses, reverse=True)


@given(st.data())
def test_any_losses_at_all_end_with_a_point_that_no_neighbour_betters(data):
    grid = Grid({"a": (0, 1, 2, 3), "b": (0, 1, 2)})
    numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(0, 2).map(float)
    losses = {p: data.draw(numbers) for p in [(a, b) for a in range(4) for b in range(3)]}
    start = {"a": data.draw(st.integers(0, 3)), "b": data.draw(st.integers(0, 2))}
    rounds, objective = search(grid, start, lambda p: losses[p["a"], p["b"]])
    last = rounds[-1]
    score = {p: v if math.isfinite(v) else math.inf for p, v in losses.items()}
    assert all(score[n] >= score[last.best] for n in grid.neighbours(last.best))
    assert last.done
    assert last.certificate == math.isfinite(last.loss)
    assert len(objective.all_asked) == len(set(objective.all_asked))


@given(problems(), st.data())
def test_a_frozen_axis_does_not_move(problem, data):
    grid, start, bowls, best = problem
    if len(grid.axes) == 1:
        return
    frozen = data.draw(st.sampled_from(list(grid.axes)))
    grid = replace(grid, frozen=(frozen,))
    rounds, objective = search(grid, start, lambda p: sum(bowls[k][v] for k, v in p.items()))
    assert {grid.named(p)[frozen] for p in objective.all_asked} == {start[frozen]}
    assert grid.named(rounds[-1].best) == {**best, frozen: start[frozen]}
    assert not any(side.startswith(frozen) for side in rounds[-1].at_edge)


@given(st.data())
def test_a_budget_is_the_number_of_points_whatever_their_losses(data):
    grid = Grid({"a": (0, 1, 2, 3), "b": (0, 1, 2), "c": (5, 6)}, frozen=("c",))
    points = [(a, b, 6) for a in range(4) for b in range(3)]
    losses = {p: data.draw(st.integers(0, 4).map(float) | st.just(math.nan)) for p in points}
    start = {"a": data.draw(st.integers(0, 3)), "b": data.draw(st.integers(0, 2)), "c": 6}
    budget = data.draw(st.integers(1, 12))
    rounds, objective = search(grid, start, lambda p: losses[p["a"], p["b"], p["c"]], budget)
    last, asked = rounds[-1], objective.all_asked
    assert len(asked) == len({*asked}) == len(last.losses) == budget
    assert [r.done for r in rounds] == [False] * (len(rounds) - 1) + [True]
    score = {p: losses[p] if math.isfinite(losses[p]) else math.inf for p in asked}
    assert last.loss == score[last.best] == min(score.values())
    tried = {*grid.neighbours(last.best)} <= {*asked}
    assert last.certificate == (tried and math.isfinite(last.loss))
    # It begins as the search without a budget does.
    free = search(grid, start, lambda p: losses[p["a"], p["b"], p["c"]])[1].all_asked
    both = min(len(free), budget)
    assert asked[:both] == free[:both]


def test_what_is_left_of_a_budget_goes_to_the_nearest_points():
    grid = Grid({"a": (0, 1, 2, 3, 4)})
    _, objective = search(grid, {"a": 0}, lambda p: {3: -1.0}.get(p["a"], p["a"]), budget=4)
    assert objective.all_asked == [(0,), (1,), (2,), (3,)]
    rounds, objective = search(grid, {"a": 0}, lambda p: {3: -1.0}.get(p["a"], p["a"]), budget=5)
    assert objective.all_asked[-1] == (4,)
    assert rounds[-1].best == (3,)
    assert rounds[-1].certificate


def test_ties_end_the_search_where_it_stands():
    rounds, _ = search(PAPER_GRID, {"lr": 1e-3, "weight_decay": 0.8, "epochs": 8}, lambda p: 1.0)
    assert len(rounds) == 1
    assert rounds[0].best == (1e-3, 0.8, 8.0)
    assert rounds[0].certificate
    assert rounds[0].interior
    assert len(rounds[0].losses) == 7


def test_the_edges_of_the_grid_are_named():
    rounds, _ = search(PAPER_GRID, {"lr": 3e-2, "weight_decay": 0.0, "epochs": 8}, lambda p: 1.0)
    assert rounds[0].at_edge == ("lr > 0.03", "weight_decay < 0")
    assert rounds[0].certificate
    assert not rounds[0].interior
    assert len(PAPER_GRID.neighbours(rounds[0].best)) == 4


def test_the_search_leaves_a_start_that_diverged_and_does_not_certify_divergence():
    def loss(p):
        return math.nan if p["lr"] >= 1e-2 else p["lr"] * 100

    grid = Grid({"lr": (1e-4, 1e-3, 1e-2, 3e-2)})
    rounds, _ = search(grid, {"lr": 1e-2}, loss)
    assert rounds[-1].best == (1e-4,)
    assert rounds[0].losses[(1e-2,)] == math.inf
    [lost] = search(grid, {"lr": 3e-2}, loss)[0]
    assert lost.done
    assert not lost.certificate


def test_one_diverged_seed_is_a_diverged_trial():
    assert mean_loss([1.0, 2.0]) == 1.5
    assert mean_loss([1.0, math.nan]) == math.inf
    assert mean_loss([1.0, math.inf, -math.inf]) == math.inf


def test_the_paper_grid_is_the_published_one():
    assert [len(values) for values in PAPER_GRID.axes.values()] == [6, 8, 7]
    assert PAPER_GRID.point({"lr": 3e-3, "weight_decay": 1.6, "epochs": 16}) == (3e-3, 1.6, 16.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Grid({"lr": (1.0, 1.0)}), ["lr", "[1.0, 1.0]", "larger"]),
        (lambda: Grid({"lr": ()}), ["lr", "at least one"]),
        (lambda: Grid({"lr": (1.0,)}, frozen=("lrr",)), ["lrr", "lr"]),
        (lambda: Grid({"lr": (1.0,)}, frozen=("lr",)), ["lr", "leave one axis"]),
        (lambda: PAPER_GRID.point({"lr": 1e-3}), ["start", "weight_decay"]),
        (lambda: check_budget(PAPER_GRID, 337), ["budget is 337", "from 1 to 336"]),
        (lambda: Grid({"lr": (1.0, 3.0)}).point({"lr": 2.0}), ["lr 2", "1, 3"]),
    ],
)
def test_what_is_no_grid_or_no_point_is_refused(make, words):
    with pytest.raises(UserError) as refused:
        make()
    assert all(word in str(refused.value) for word in words)
