"""Rewards and selection, every formula on its whole table."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.methods.self_play.core import stp_weight
from lit_research.methods.self_play.problems import Sample
from lit_research.methods.self_play.rewards import (
    conjecturer_rewards,
    easiest_allowed,
    expert_targets,
    guide_score,
    in_solver_range,
    is_interior,
    min_max,
    overlong_weight,
    overlong_weights,
    select_conjectures,
    select_stp_conjectures,
    uses_try,
)
from lit_research.methods.self_play.state import PlayState

EIGHTHS = [c / 8 for c in range(9)]


@pytest.mark.parametrize(("length", "weight"), [(79, None), (80, None), (90, -0.5), (100, -1.0)])
def test_overlong_texts_have_the_negative_value(length, weight):
    assert overlong_weight(length, 100) == pytest.approx(weight)


def test_overlong_weights_go_from_0_to_minus_1_and_stop_there():
    lengths = range(9001)
    weights = overlong_weights(lengths, 8192)
    assert weights[:6554] == [None] * 6554  # 0.8 * 8192 = 6553.6
    assert weights[6554] == pytest.approx(-0.4 / 1638.4)
    for length in range(6554, 8193):
        assert weights[length] == pytest.approx(-(length - 6553.6) / 1638.4, abs=1e-12)
    assert set(weights[8192:]) == {-1.0}
    assert overlong_weight(100, 100, start=1.0) is None


@pytest.mark.parametrize(("limit", "start"), [(0, 0.8), (10, -0.1), (10, 1.1)])
def test_an_overlong_limit_out_of_range_is_refused(limit, start):
    with pytest.raises(ValueError, match="overlong penalty"):
        overlong_weight(5, limit, start)


def test_each_objective_learns_from_its_own_solve_rates():
    assert in_solver_range(EIGHTHS) == [False] + [True] * 4 + [False] * 4
    assert in_solver_range(EIGHTHS, high=1.0) == [False] + [True] * 8
    assert is_interior(EIGHTHS) == [False] + [True] * 7 + [False]


@pytest.mark.parametrize(
    ("proof", "word", "letters"),
    [
        ("try simp", True, True),
        ("intro h\n  try (exact h)", True, True),
        ("constructor <;> try rfl", True, True),
        ("·try simp", True, True),
        ("(try omega)", True, True),
        ("exact symmetry h", False, True),
        ("simp [geometry, entry]", False, True),
        ("exact first_try", False, True),
        ("exact h.try", False, True),
        ("exact try' h", False, True),
        ("try? ", False, True),
        ("exact h -- try simp", False, False),
        ("/- try\n that -/ exact h", False, False),
        ("exact h", False, False),
        ("", False, False),
    ],
)
def test_try_is_a_word_unless_the_official_substring_is_asked_for(proof, word, letters):
    assert uses_try(proof) is word
    assert uses_try(proof, substring=True) is letters


@pytest.mark.parametrize(
    ("rates", "threshold", "chosen"),
    [
        ([], None, []),
        ([0.0, 1.0, 1.0], None, []),
        ([0.5], 0.5, [0]),
        ([1.0, 0.875, 0.0], 0.875, [1]),
        ([0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0, 1, 0.875], 0.75, [0, 1, 2, 3, 4, 5]),
        # Ties: the rate at the threshold stays, however many have it.
        ([0.125] * 3 + [0.875] * 7, 0.875, list(range(10))),
        ([0.125] * 8 + [0.875] * 2, 0.125, list(range(8))),
        ([0.5] * 7 + [0.625] * 3, 0.625, list(range(10))),
        ([0.5] * 8 + [0.625] * 3 + [1.0], 0.5, list(range(8))),
    ],
)
def test_the_easiest_conjectures_are_not_paid_for(rates, threshold, chosen):
    assert easiest_allowed(rates) == threshold
    assert select_conjectures(rates) == chosen


@given(st.lists(st.sampled_from(EIGHTHS), max_size=40), st.floats(0, 1))
def test_never_one_that_is_always_or_never_solved_is_selected(rates, quantile):
    chosen = select_conjectures(rates, quantile)
    assert all(0 < rates[i] < 1 for i in chosen)
    assert bool(chosen) == any(0 < rate < 1 for rate in rates)
    left = [rates[i] for i in range(len(rates)) if i not in chosen and 0 < rates[i] < 1]
    assert not left or max(rates[i] for i in chosen) < min(left)
    assert not left or quantile < 1


@pytest.mark.parametrize(
    ("rewards", "stretched"),
    [([], []), ([3.0], [1.0]), ([0.0, 0.0], [1.0, 1.0]), ([2.0, 6.0, 3.0], [0.0, 1.0, 0.25])],
)
def test_min_max_stretches_to_the_unit_interval(rewards, stretched):
    assert min_max(rewards) == stretched


def test_the_conjecturer_is_paid_for_hardness_times_the_guides_score():
    rates, scores = [0.125, 0.5, 0.25], [8, 2, 4]  # products 7, 1, 3
    assert conjecturer_rewards(rates, scores) == pytest.approx([1.0, 0.0, 1 / 3])
    assert conjecturer_rewards(rates) == pytest.approx([1.0, 0.0, 2 / 3])
    late = [None, -0.5, None]
    assert conjecturer_rewards(rates, scores, late) == pytest.approx([1.0, -0.5, 1 / 3])
    # The one that is too long takes part in the stretching.
    late = [-1.0, None, None]
    assert conjecturer_rewards(rates, scores, late) == pytest.approx([-1.0, 0.0, 1 / 3])
    assert conjecturer_rewards([0.5], [0]) == [1.0]
    assert conjecturer_rewards([], []) == []


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_conjecture_that_is_never_selected_has_no_reward(rate):
    with pytest.raises(ValueError, match="must be those of selected"):
        conjecturer_rewards([0.5, rate])


# By hand: relevance + (2 - complexity) + (1 - redundancy).
GUIDE = {
    (0, 0): [3, 4, 5, 6, 7, 8],
    (0, 1): [2, 3, 4, 5, 6, 7],
    (0, 2): [1, 2, 3, 4, 5, 6],
    (1, 0): [2, 3, 4, 5, 6, 7],
    (1, 1): [1, 2, 3, 4, 5, 6],
    (1, 2): [0, 1, 2, 3, 4, 5],
}


def test_the_guides_score_on_all_60_grades():
    for relevance, redundancy, complexity in itertools.product(range(6), range(2), range(5)):
        expected = GUIDE[redundancy, complexity][relevance] if complexity < 3 else 0
        assert guide_score(relevance, redundancy, complexity) == expected


@pytest.mark.parametrize("grade", [(6, 0, 0), (-1, 0, 0), (0, 2, 0), (0, 0, 5), (0.5, 0, 0)])
def test_grades_out_of_range_are_refused(grade):
    with pytest.raises(ValueError, match="in a Guide's grade; must be"):
        guide_score(*grade)


def test_stp_keeps_seldom_solved_statements_that_are_not_inelegant():
    rates = [0.0, 0.125, 0.125, 0.2, 0.2, 0.125, 0.25, 0.5]
    proofs = [0, 10, 50, 40, 30, 20, 9, 9]
    statements = [100] * 8
    assert select_stp_conjectures(rates, proofs, statements) == [2, 3, 4, 5]
    assert select_stp_conjectures(rates, proofs, statements, drop=0.0) == [1, 2, 3, 4, 5]
    # A group of one keeps its one.
    groups = ["a", "a", "a", "b", "a", "a", "a", "a"]
    assert select_stp_conjectures(rates, proofs, statements, groups, drop=0.5) == [2, 3, 4]
    assert select_stp_conjectures([], [], []) == []


def test_stp_weights_prefer_short_proofs_that_lean_checks_fast():
    assert stp_weight(0) == 1.0
    assert stp_weight(1000) == pytest.approx(math.exp(-1))
    assert stp_weight(500, 50.0) == pytest.approx(math.exp(-1))


def test_expert_iteration_samples_what_lacks_proofs_and_learns_from_three_rounds():
    assert expert_targets([0, 15, 16, 17]) == [0, 1]
    state = PlayState()
    late = Sample((1,), (2, 3), -0.5, group=7)  # overlong: it stays so in the rounds after
    for round_ in range(1, 6):
        found = state.with_recent(round_, [Sample((1,), (round_,)), late][: 1 + (round_ == 4)], 3)
    assert [tuple(sample.written) for sample in found] == [(3,), (4,), (2, 3), (5,)]
    assert (found[2].weight, found[2].group) == (-0.5, 7)
    assert PlayState.from_plain(state.as_plain()) == state
