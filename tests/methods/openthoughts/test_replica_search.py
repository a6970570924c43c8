"""What the search replica says follows from the numbers of its arms; made-up ones here."""

import json
from pathlib import Path

import numpy as np
import pytest

from lit_research.class_paths import make_object
from lit_research.experiments.plan import load_plan
from lit_research.experiments.replicate import load_replica
from lit_research.methods.openthoughts import RowSource
from lit_research.methods.openthoughts import replica_search as replica
from tests.test_configs import Parsed

PLAN = Path(__file__).parents[3] / "replicas/plans/openthoughts_search.yaml"
SEEDS = load_plan(PLAN).seeds
MEANS = {
    "good": 60.0,
    "leaked": 60.0,
    "duplicated": 57.0,
    "mislabelled": 45.0,
    "easy": 30.0,
    "off_domain": 2.0,
}
FILTERS = {"random": 0.0, "easiest": -20.0, "hardest": 6.0}
TEACHERS = {"T1": 20.0, "T2": 60.0, "T3": 50.0}


def results(means=MEANS, teachers=TEACHERS, crossed=0.0, noise=1.0):
    """Return arms whose accuracies are drawn around means, in percent.

    Args:
        means: of the sources.
        teachers: of the teachers, with random questions.
        crossed: what the easiest questions gain with T3 alone, unseen by a search that goes on
            from T1.
        noise: standard deviation of a seed.
    """
    rng = np.random.default_rng(0)

    def arm(mean, cost=1000.0):
        values = (mean + noise * rng.standard_normal(SEEDS)) / 100
        return {replica.METRIC: values.tolist(), replica.COST: [cost] * SEEDS}

    found = {replica.SOURCES[name].name: arm(mean) for name, mean in means.items()}
    found[replica.AGAIN.name] = arm(means["good"])
    for (questions, teacher), one in replica.GRID.items():
        mean = teachers[teacher] + FILTERS[questions]
        mean += crossed * ((questions, teacher) == ("easiest", "T3"))
        found[one.name] = arm(mean)
    return found


def test_planted_gaps_are_reproduced():
    plan = load_plan(PLAN)
    claims = plan.judge(replica.effects(results()))
    verdict = dict(zip([c.id for c in (*plan.primary, *plan.secondary)], claims, strict=True))
    assert {name for name, claim in verdict.items() if claim.verdict != "reproduced"} == set()
    assert verdict["good_over_easy"].effect == pytest.approx(30, abs=1.5)
    assert verdict["greedy_over_exhaustive"].effect == 0.0


def test_sources_are_ranked_as_they_are_planted():
    found = replica.findings(results())
    assert found["ranking"]["reversed"] == []
    assert len(found["ranking"]["pairs"]) == 15
    said = {text.split(":")[0]: text for text in found["ranking"]["pairs"]}
    assert said["good against mislabelled"].startswith("good against mislabelled: good (+")
    assert "tie" in said["good against leaked"]
    tau, low, high = found["ranking"]["tau"]
    assert 0.7 < low <= tau <= high <= 1
    assert found["equal_recipes"]["verdict"] == "tie"
    assert json.dumps(found)


def test_an_order_that_turns_round_between_the_halves_is_told():
    found = results()
    values = np.array(found["good"][replica.METRIC])
    values[SEEDS // 2 :] -= 0.3
    found["good"][replica.METRIC] = values.tolist()
    assert "good, mislabelled" in replica.findings(found)["ranking"]["reversed"]


def test_searches_agree_where_steps_add_up_and_differ_where_they_do_not():
    found = replica.findings(results())
    assert found["greedy"] == found["exhaustive"] == ["hardest", "T2"]
    assert found["searches_agree"]
    crossed = results(crossed=60.0)
    found = replica.findings(crossed)
    assert found["greedy"] == ["hardest", "T2"]
    assert found["exhaustive"] == ["easiest", "T3"]
    assert not found["searches_agree"]
    # 50 - 20 + 60 against 60 + 6.
    assert np.mean(replica.search_effects(crossed)) == pytest.approx(-24, abs=1.5)
    plan = load_plan(PLAN)
    claims = {c.claim: c.verdict for c in plan.judge(replica.effects(crossed))}
    [verdict] = [verdict for claim, verdict in claims.items() if "greedy" in claim]
    assert verdict == "contradicted"


def test_no_choice_has_seen_the_seed_that_it_is_scored_on():
    found = results()
    before = replica.search_effects(found)
    # In the last seed another point would win, of which no choice may know.
    found[replica.GRID["random", "T1"].name][replica.METRIC][-1] = 1.0
    assert replica.search_effects(found)[-1] == before[-1]


def test_equal_arms_are_a_tie_and_their_ranking_is_no_order():
    found = replica.findings(results(dict.fromkeys(MEANS, 50.0), noise=5.0))
    assert found["ranking"]["reversed"] == []
    tau, low, high = found["ranking"]["tau"]
    assert low < 0.5 < 1
    assert low <= tau <= high


def test_the_figure_shows_sources_and_grid():
    drawing = replica.figure(results())
    names = [[label.get_text() for label in axes.get_yticklabels()] for axes in drawing.axes]
    assert [len(one) for one in names] == [7, 9]
    assert names[0][0] == "good"


@pytest.mark.parametrize(
    "arm",
    [
        replica.GOOD,
        replica.AGAIN,
        replica.SOURCES["leaked"],
        replica.GRID["random", "T1"],
        replica.GRID["hardest", "T3"],
    ],
    ids=lambda arm: arm.name,
)
def test_arms_are_commands_that_parse(arm, tmp_path):
    data = Parsed(arm.command_line(1, tmp_path)).config.fit.data.init_args
    if arm.tags:
        recipe = data.source["init_args"]["recipe"]
        assert recipe["teacher"]["init_args"]["name"] == arm.tags["teacher"]
        assert list(recipe["sources"]) == ["good"]
        assert recipe["n"] == replica.ROWS
    else:
        assert data.source["init_args"]["rows"] == replica.ROWS
        assert data.allow_leaks == (arm.name == "leaked")


@pytest.mark.parametrize(
    "arm",
    [*replica.SOURCES.values(), replica.AGAIN, replica.GRID["easiest", "T1"]],
    ids=lambda arm: arm.name,
)
def test_every_arm_has_its_rows(arm, tmp_path):
    source = Parsed(arm.command_line(1, tmp_path)).config.fit.data.init_args.source
    given = dict(source["init_args"], seed=1)
    if arm.tags:
        given["folder"] = str(tmp_path)
    rows = make_object(RowSource, {"class_path": source["class_path"], "init_args": given}).rows()
    assert len(rows) == replica.ROWS


def test_no_setting_is_run_twice():
    lines = [
        str(arm.command_line(0, Path("work"))[1:]).replace(arm.folder, "") for arm in replica.ARMS
    ]
    assert len(set(lines)) == len(lines) == 16


def test_the_command_finds_it_by_its_own_name():
    assert load_replica("openthoughts_search") is replica
    with pytest.raises(ValueError, match=r"must be one of .*openthoughts, openthoughts_search"):
        load_replica("openthoughts_other")
