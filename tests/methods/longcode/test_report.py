"""The report of an exam, judged by what it recovers of solvers whose truth is known."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lit_research.errors import UserError
from lit_research.methods.longcode.comparisons import compare
from lit_research.methods.longcode.flip_test import flip_p
from lit_research.methods.longcode.length_effects import area, drops, effective_length
from lit_research.methods.longcode.outcomes import Outcomes
from lit_research.methods.longcode.records import Graded
from lit_research.methods.longcode.report import by_depth, letter_biases, report_of, task_report
from lit_research.methods.longcode.share_intervals import mean_share
from lit_research.methods.longcode.simulated_solvers import (
    SimulatedSolver,
    records_of,
    shared_for,
)
from lit_research.stats import mcnemar, wilson

CURVE = [0.95, 0.8, 0.5]
LENGTHS = (1024, 2048, 4096)
STEP = [0.9, 0.9, 0.9, 0.4, 0.4, 0.4]  # 4,096 is the last effective length
ITEMS = 300
# Exams of a quick test and of a long one.
EXAMS = pytest.mark.parametrize(
    "exams", [400, pytest.param(2000, marks=pytest.mark.replica)], ids=["quick", "whole"]
)


def error(share, exams):
    """Return three Monte-Carlo errors of a share; none for the whole number of exams."""
    return 0.0 if exams == 2000 else 3 * math.sqrt(share * (1 - share) / exams)


@EXAMS
@pytest.mark.parametrize(
    "options",
    [{}, {"rotations": 4, "within": 0.2}, {"no_answer": 0.1, "infrastructure": 0.2}],
    ids=["once", "rotated", "failing"],
)
def test_intervals_of_accuracies_drops_and_area_cover_the_truth(options, exams):
    solver = SimulatedSolver(CURVE, LENGTHS, **options)
    truth = solver.true_accuracies()
    whole = (truth[0] / 2 + truth[1] + truth[2] / 2) / 2
    hits = []
    for seed in range(exams):
        outcomes = solver.take(ITEMS, seed)
        shares = [mean_share(column) for column in outcomes.item_shares.T]
        hit = [s.low <= t <= s.high for s, t in zip(shares, truth, strict=True)]
        steps = zip(drops(outcomes), truth[:-1] - truth[1:], strict=True)
        hit += [d.low <= t <= d.high for d, t in steps]
        _, low, high = area(outcomes)
        hits.append([*hit, low <= whole <= high])
    covered = np.mean(hits, axis=0)
    assert (covered >= 0.93 - error(0.95, exams)).all(), covered
    assert (covered <= 0.97 + error(0.95, exams)).all(), covered


def test_one_answer_an_item_is_wilson_and_mcnemar():
    outcomes = SimulatedSolver([0.8, 0.7], LENGTHS[:2]).take(ITEMS, 1)
    first, second = outcomes.item_shares.T
    share = mean_share(first)
    assert (share.low, share.high) == pytest.approx(wilson(int(first.sum()), ITEMS), abs=1e-12)
    [step] = drops(outcomes)
    assert step.p == pytest.approx(mcnemar(first, second, alternative="greater").p, rel=1e-9)
    two_sided = mcnemar(first, second).p
    assert flip_p(first - second, one_sided=False) == pytest.approx(two_sided, rel=1e-9)


def test_rotated_items_that_agree_with_themselves_are_worth_one_answer_each():
    once = SimulatedSolver([0.7], LENGTHS[:1], shared=1.0).take(ITEMS, 2)
    four = SimulatedSolver([0.7], LENGTHS[:1], shared=1.0, rotations=4).take(ITEMS, 2)
    a, b = mean_share(once.item_shares[:, 0]), mean_share(four.item_shares[:, 0])
    assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.02)
    free = SimulatedSolver([0.7], LENGTHS[:1], shared=0.0, rotations=4).take(ITEMS, 2)
    c = mean_share(free.item_shares[:, 0])
    assert c.high - c.low == pytest.approx((a.high - a.low) / 2, rel=0.1)


@pytest.mark.parametrize("one_sided", [True, False])
def test_the_exact_test_counts_all_flips(one_sided):
    differences = np.array([0.5, 0.25, -0.25, 1 / 3, 0.75, 0.0, -0.5, 1.0, 0.5])
    found = scipy_stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=np.inf,
        alternative="greater" if one_sided else "two-sided",
    )
    assert flip_p(differences, one_sided=one_sided) == pytest.approx(found.pvalue, abs=1e-12)
    assert flip_p(np.zeros(5), one_sided=one_sided) == 1.0
    assert flip_p(-np.ones(5), one_sided=True) == 1.0


@EXAMS
@pytest.mark.parametrize("options", [{}, {"rotations": 4, "within": 0.2}], ids=["once", "rotated"])
def test_false_alarms_of_all_steps_together_are_at_most_one_in_twenty(options, exams):
    solver = SimulatedSolver([0.7] * 6, **options)
    alarms = [min(d.p_holm for d in drops(solver.take(ITEMS, n))) <= 0.05 for n in range(exams)]
    assert np.mean(alarms) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / exams)


def exact_power(items, up, down, alpha):
    """Return the power of the exact one-sided test of two lengths."""
    power = 0.0
    for discordant in range(1, items + 1):
        wins = np.arange(discordant + 1)
        rejected = scipy_stats.binom.sf(wins - 1, discordant, 0.5) <= alpha
        chances = scipy_stats.binom.pmf(wins, discordant, up / (up + down))
        weight = scipy_stats.binom.pmf(discordant, items, up + down)
        power += weight * float(chances[rejected].sum())
    return power


@EXAMS
def test_a_planned_drop_of_ten_points_is_found(exams):
    """300 items of which 30% are right at one length alone: 20% against 10%."""
    shared = shared_for(0.7, 0.6, 0.3)
    solver = SimulatedSolver([0.7, 0.6], LENGTHS[:2], shared=shared)
    steps = [drops(solver.take(ITEMS, seed), [LENGTHS[:2]])[0] for seed in range(exams)]
    assert np.mean([(d.wins + d.losses) / d.n for d in steps]) == pytest.approx(0.3, abs=0.01)
    power = exact_power(ITEMS, 0.2, 0.1, 0.05)
    assert power == pytest.approx(0.928, abs=0.001)
    found = np.mean([step.p_holm <= 0.05 for step in steps])
    assert found == pytest.approx(power, abs=3 * math.sqrt(power * (1 - power) / exams))
    assert found >= 0.9 - error(0.9, exams)


@EXAMS
def test_the_effective_length_is_right_or_undetermined(exams):
    solver = SimulatedSolver(STEP)
    found = [effective_length(solver.take(ITEMS, seed)).length for seed in range(exams)]
    assert {*found} <= {4096, None}
    assert np.mean([length == 4096 for length in found]) >= 0.9


@EXAMS
@pytest.mark.parametrize("items", [50, 300])
@pytest.mark.parametrize("below", [0.7649, 0.7651])
def test_a_curve_at_the_threshold_is_undetermined_and_rarely_wrong(below, items, exams):
    """0.85 of 0.9 is 0.765: the truth is on either side, by less than any exam can tell."""
    solver = SimulatedSolver([0.9, 0.9, below, below, below, below])
    right = 2048 if below < 0.765 else 32768
    found = [effective_length(solver.take(items, seed)).length for seed in range(exams)]
    assert np.mean([length not in (right, None) for length in found]) <= 0.05
    assert np.mean([length is None for length in found]) >= 0.9


def test_a_solver_that_guesses_has_no_effective_length():
    outcomes = SimulatedSolver([0.26] * 6).take(ITEMS, 0)
    found = effective_length(outcomes, chance=0.25)
    assert found.length is found.at_least is None
    assert "not above chance" in str(found)
    report = task_report(SimulatedSolver([0.9, 0.4], LENGTHS[:2]).take(ITEMS, 0))
    assert (report.effective.length, report.effective.below) == (1024, 2048)


def dip(depths):
    """Return what is lost in the middle."""
    return -0.4 * 4 * depths * (1 - depths)


@EXAMS
def test_the_curve_by_depth_is_recovered_within_its_intervals(exams):
    solver = SimulatedSolver([0.9] * 3, LENGTHS, by_depth=dip)
    edges = np.linspace(0, 1, 6)
    truth = [
        solver.accuracy(np.linspace(a, b, 2001))[:, 0].mean() for a, b in itertools.pairwise(edges)
    ]
    hits = []
    for seed in range(exams // 2):
        parts = by_depth(solver.take(ITEMS, seed))
        pairs = zip(parts, truth, strict=True)
        hits.append([part.accuracy.low <= t <= part.accuracy.high for part, t in pairs])
    assert np.mean(hits) >= 0.93
    assert (np.mean(hits, axis=0) >= 0.93 - 3 * math.sqrt(0.05 * 0.95 / len(hits))).all()


@EXAMS
def test_the_bias_of_letters_is_recovered(exams):
    solver = SimulatedSolver([0.5] * 3, LENGTHS, letters=(0.4, 0.3, 0.2, 0.1), no_answer=0.1)
    truth, hits = solver.true_letter_bias(), []
    assert truth[0] > 0.05 > -0.05 > truth[3]
    for seed in range(exams // 2):
        biases = letter_biases(solver.take(ITEMS, seed))
        hits.append([b.low <= t <= b.high for b, t in zip(biases, truth, strict=True)])
    assert np.mean(hits) >= 0.93


def test_failures_of_the_infrastructure_never_change_an_accuracy():
    """Neither by being counted nor by which samples are left."""
    solver = SimulatedSolver(CURVE, LENGTHS, infrastructure=0.3, rotations=4, within=0.2)
    records = records_of(solver.take(100, 0))
    left = [record for record in records if record.status != "infrastructure"]
    [whole], [part] = report_of(records).tasks, report_of(left).tasks
    assert [at.accuracy for at in whole.lengths] == [at.accuracy for at in part.lengths]
    assert (whole.area, whole.drops) == (part.area, part.drops)
    assert sum(at.statuses["infrastructure"] for at in whole.lengths) == len(records) - len(left)
    found = [np.nanmean(solver.take(ITEMS, n).item_shares, axis=0) for n in range(100)]
    np.testing.assert_allclose(np.mean(found, axis=0), CURVE, atol=0.01)


def test_a_sample_that_failed_and_was_asked_again_counts_once():
    good = records_of(SimulatedSolver(CURVE, LENGTHS).take(20, 0))
    failed = [replace(r, status="infrastructure", right=None, letter=None) for r in good[:9]]
    expected = report_of(good).as_json()
    assert report_of([*failed, *good]).as_json() == expected
    assert report_of([*good, *failed]).as_json() == expected
    with pytest.raises(UserError, match="graded twice"):
        report_of([*good, good[0]])
    with pytest.raises(UserError, match="must be None where"):
        report_of([replace(good[0], right=None)])
    with pytest.raises(UserError, match="records is empty"):
        report_of([])


def test_records_and_columns_say_the_same():
    solver = SimulatedSolver(CURVE, LENGTHS, infrastructure=0.1, no_answer=0.1, rotations=4)
    outcomes = solver.take(50, 3)
    back = Outcomes.of(records_of(outcomes))
    assert task_report(back).lengths == task_report(outcomes).lengths
    assert task_report(back).letters == task_report(outcomes).letters


def record(item, bucket, right, **more):
    return Graded(item, "repair", "release", bucket, bucket, None, 0, 0, "answered", right, **more)


def test_questions_and_repairs_are_reported_apart():
    questions = records_of(SimulatedSolver(CURVE, LENGTHS, no_answer=0.1).take(50, 3))
    repairs = [record(f"fault {n}", 1024, n % 3 == 0) for n in range(30)]
    report = report_of([*questions, *repairs])
    assert [task.task for task in report.tasks] == ["question", "repair"]
    assert report.tasks[1].lengths[0].accuracy.value == pytest.approx(1 / 3)
    assert report.tasks[1].depths == report.tasks[1].letters == []
    metrics = report.metrics()
    assert metrics["repair/accuracy_at_1024"] == pytest.approx(1 / 3)
    assert 0 < metrics["question/no_answer_share_at_1024"] < 0.3
    assert set(report.figures()) == {"question/by_length", "question/by_depth", "repair/by_length"}
    text = report.table()
    for words in ("effective length", "no answer", "p, Holm", "chosen more often than right"):
        assert words in text
    assert json.loads(json.dumps(report.as_json(), allow_nan=False))["tasks"][1]["task"] == "repair"


def test_every_figure_can_be_drawn():
    solver = SimulatedSolver(CURVE, LENGTHS, by_depth=dip)
    figures = report_of(records_of(solver.take(40, 0))).figures()
    for draw in figures.values():
        [axes] = draw().axes
        assert axes.get_ylabel() == "accuracy (share of 1)"
        assert axes.get_ylim() == (0.0, 1.02)


def test_lengths_with_other_items_are_compared_on_none():
    """As in the released benchmark, whose lengths have repositories of their own."""
    records = [
        record(f"{length} {n}", length, n < 20) for length in (1024, 2048) for n in range(30)
    ]
    report = report_of(records).tasks[0]
    assert (report.drops[0].n, report.drops[0].p) == (0, 1.0)
    assert report.area[0] == pytest.approx(2 / 3)
    assert report.effective.length is None


def test_a_length_at_which_all_failed_says_nothing():
    good = [record(f"{n}", 1024, n < 20) for n in range(30)]
    bad = [replace(r, bucket=2048, status="infrastructure", right=None) for r in good]
    report = report_of([*good, *bad])
    assert report.tasks[0].lengths[1].accuracy.n == 0
    assert report.tasks[0].effective.length is None
    assert "repair/accuracy_at_2048" not in report.metrics()
    assert report.tasks[0].area[0] == pytest.approx(2 / 3)
    json.dumps(report.as_json(), allow_nan=False)
    report.figures()["repair/by_length"]()
    assert report.table()


def test_planned_steps_are_those_that_are_corrected_for():
    outcomes = SimulatedSolver(STEP).take(ITEMS, 0)
    [step] = drops(outcomes, [(4096, 8192)])
    assert step.p_holm == step.p < drops(outcomes)[2].p_holm
    with pytest.raises(UserError, match="5000 is planned"):
        drops(outcomes, [(1024, 5000)])


@EXAMS
def test_the_difference_of_two_exams_on_the_same_items_is_covered(exams):
    """The first two lengths of one solver stand for two exams."""
    solver, hits = SimulatedSolver([0.75, 0.65], LENGTHS[:2], rotations=4, shared=0.6), []
    for seed in range(exams // 4):
        records = records_of(solver.take(60, seed))
        first = [r for r in records if r.bucket == 1024]
        second = [replace(r, bucket=1024) for r in records if r.bucket == 2048]
        [found] = compare(first, second, ("rotated", "not"))
        hits.append(found.whole.low <= 0.1 <= found.whole.high)
    assert np.mean(hits) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(hits))
    assert "rotated minus not" in found.table()


def test_exams_without_common_items_cannot_be_compared():
    records = records_of(SimulatedSolver(CURVE, LENGTHS).take(10, 0))
    others = [replace(r, item=f"other {r.item}") for r in records]
    with pytest.raises(UserError, match="no item at a common length"):
        compare(records, others)
    [same] = compare(records, records)
    assert (same.whole.effect, same.whole.p) == (0.0, 1.0)
    assert same.whole.low < 0 < same.whole.high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accuracies": [0.5]}, "1 accuracies and 6 lengths"),
        ({"accuracies": [1.5] * 6}, "accuracies"),
        ({"accuracies": [0.5] * 6, "shared": 0.8, "within": 0.3}, "shared \\+ within"),
    ],
)
def test_impossible_solvers_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        SimulatedSolver(**options)
    with pytest.raises(UserError, match="discordant"):
        shared_for(0.9, 0.5, 0.1)
