"""Every number of the study that was recomputed from its reviews comes out again.

From the reviews where they are on this machine, next to the repository; what is computed over
ideas also from the means that are typed into the package.
"""

import math
from collections import Counter

import pytest

from lit_research.errors import UserError
from lit_research.methods.idea_study import (
    FIRST_STUDY,
    LLM_JUDGED,
    Study,
    ancova,
    by_idea,
    by_review,
    change_scores,
    change_scores_without,
    correlations,
    falls,
    make_study,
    other_metrics,
    published_by_review,
    published_study,
    read_reviews,
    resample,
)
from tests.methods.idea_study import golden
from tests.methods.idea_study.golden import is_printed, rows
from tests.methods.idea_study.released import FILES

needs_reviews = pytest.mark.skipif(not FILES, reason="the released reviews are not here")


def released() -> Study:
    return make_study(*map(read_reviews, FILES))


@pytest.fixture(scope="module", params=["typed", pytest.param("reviews", marks=needs_reviews)])
def study(request):
    return published_study() if request.param == "typed" else released()


@pytest.fixture(scope="module")
def reviews():
    return released()


def check(table, found):
    """Compare a printed table with rows of numbers, by metric."""
    expected = rows(table)
    assert list(expected) == list(found)
    for metric, texts in expected.items():
        assert len(texts) == len(found[metric])
        for text, value in zip(texts, found[metric], strict=True):
            assert is_printed(value, text), (metric, text, value)


def review_level(tables):
    return {
        c.metric: [
            c.reference.mean,
            c.reference.population_sd,
            c.treatment.mean,
            c.treatment.population_sd,
            c.t,
            c.p["one-sided"]["none"],
            c.p["one-sided"]["bh"],
            c.p["two-sided"]["none"],
        ]
        for table in tables
        for c in table
    }


def in_printed_order(found):
    return {metric: found[metric] for metric in rows(golden.REVIEW_LEVEL)}


@needs_reviews
def test_by_review(reviews):
    found = review_level(by_review(reviews))
    check(golden.REVIEW_LEVEL, in_printed_order(found))
    assert Counter(reviews.after.arms) == {"Human": 85, "AI": 96}
    assert Counter(reviews.before.arms) == {"Human": 47, "AI": 53}


def test_by_review_from_printed_moments():
    # t from means and deviations of four digits is known to three.
    found = review_level(published_by_review())
    for metric, texts in rows(golden.REVIEW_LEVEL).items():
        assert found[metric] == pytest.approx([float(text) for text in texts], abs=6e-4)


def test_by_idea(study):
    before, after = by_idea(study, "before"), by_idea(study, "after")
    found = {}
    for b, a in zip(before, after, strict=True):
        found[b.metric] = [
            b.reference.mean,
            b.treatment.mean,
            b.effect,
            b.p["two-sided"]["none"],
            a.reference.mean,
            a.treatment.mean,
            a.effect,
            a.t,
            a.p["two-sided"]["none"],
            a.p["two-sided"]["bh"],
        ]
    check(golden.IDEA_LEVEL, found)


@needs_reviews
def test_what_is_scored_after_execution_only(reviews):
    found = {c.metric: c for c in other_metrics(reviews)}
    check(golden.AFTER_ONLY, {m: [c.reference.mean, c.treatment.mean] for m, c in found.items()})
    assert is_printed(found["soundness"].p["two-sided"]["none"], ".046")


def test_change_scores(study):
    table = change_scores(study)
    found = {
        c.metric: [
            c.reference.mean,
            c.reference.sd,
            c.treatment.mean,
            c.treatment.sd,
            c.effect,
            c.t,
            c.p["one-sided"]["none"],
            c.p["one-sided"]["bh"],
            c.p["two-sided"]["none"],
            c.p["two-sided"]["bonferroni"],
            c.d,
        ]
        for c in table
    }
    check(golden.CHANGES, found)
    for c, text in zip(table, golden.CHANGES_TWO_SIDED_BH.split(), strict=True):
        assert is_printed(c.p["two-sided"]["bh"], text)
    assert (table[0].reference.n, table[0].treatment.n) == (19, 24)


def test_permutation_and_bootstrap():
    printed = rows(golden.RESAMPLED)
    found = resample(published_study(), resamples=100_000)
    for one, exact in zip(found, golden.PERMUTATION, strict=True):
        p, low, high = map(float, printed[one.metric])
        error = math.sqrt(exact * (1 - exact))
        assert abs(one.one_sided - exact) <= 3 * error / math.sqrt(100_000), one
        # How many draws are behind the printed numbers is not known; 10,000 would do.
        half = 0.5 * 10.0 ** -len(printed[one.metric][0].partition(".")[2])
        assert abs(one.one_sided - p) <= 3 * error / math.sqrt(10_000) + half, one
        assert one.interval == pytest.approx((low, high), abs=3 * 0.013 + 0.005)


def test_who_fell(study):
    found = {}
    for metric in study.metrics:
        ai, human = [fall for fall in falls(study) if fall.metric == metric]
        assert (human.arm, ai.arm) == ("Human", "AI")
        found[metric] = [human.p, ai.p, human.fell, ai.fell]
    check(golden.FALLS, found)


def test_without_the_ideas_that_a_model_judged(study):
    table = change_scores_without(study, LLM_JUDGED)
    check(
        golden.WITHOUT_SIX,
        {c.metric: [c.treatment.mean, c.p["one-sided"]["none"]] for c in table},
    )
    assert table[0].treatment.n == 18


def test_correlations(study):
    found, significant = {}, []
    for one in correlations(study):
        found.setdefault(one.metric, []).append(one.r)
        significant += [one] if one.r_p < 0.05 else []
        if (one.metric, one.group) == ("excitement", "AI"):
            assert is_printed(one.rho, golden.EXCITEMENT_SPEARMAN_AI)
    check(golden.CORRELATIONS, found)
    assert significant == []


def test_ancova(study):
    found = {one.metric: [one.effect, one.p, one.slope] for one in ancova(study)}
    check(golden.ANCOVA, found)
    assert all(one.slope_p > 0.5 for one in ancova(study))


@needs_reviews
def test_the_typed_means_are_those_of_the_reviews(reviews):
    typed = published_study()
    assert typed.ideas == reviews.ideas
    assert typed.before.arms == tuple(idea.rsplit("_", 1)[1] for idea in typed.before.ideas)
    for metric in golden.METRICS:
        for ours, theirs in ((typed.before, reviews.before), (typed.after, reviews.after)):
            means = theirs.idea_means(metric, reviews.ideas)
            assert ours.idea_means(metric, typed.ideas) == pytest.approx(means, abs=1e-12)
    assert Counter(Counter(reviews.after.ideas).values()) == {4: 34, 5: 9}
    assert Counter(Counter(reviews.before.ideas).values()) == {2: 30, 3: 12, 4: 1}


@needs_reviews
def test_the_first_study_and_its_two_arms_of_the_model():
    first = read_reviews(FILES[0])
    assert Counter(first.arms) == {"Human": 119, "AI": 109, "AI_Rerank": 109}
    assert not any(" " in idea for idea in first.ideas)
    arms = {arm: first.only([own == arm for own in first.arms]) for arm in set(first.arms)}
    for metric, texts in rows(golden.FIRST_STUDY).items():
        for arm, text in zip(("Human", "AI", "AI_Rerank"), texts, strict=True):
            assert is_printed(arms[arm].scores[metric].mean(), text)
        assert FIRST_STUDY[metric] == tuple(map(float, texts))
    with pytest.raises(UserError, match="share 41 reviews"):
        make_study(first, first, reference="AI", treatment="AI_Rerank")
