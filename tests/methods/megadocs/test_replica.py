"""The effects follow from the numbers of the arms; they are those that the plan asks for."""

from pathlib import Path

import numpy as np
import pytest

from lit_research.experiments.plan import load_plan
from lit_research.methods.megadocs import replica
from tests.test_configs import Parsed

PLAN = Path(__file__).parents[3] / "replicas/plans/megadocs.yaml"
SEEDS = load_plan(PLAN).seeds


def results(rng, gain=0.3, saved=0.05):
    """Return arms as the paper has them; stitching gains ``gain`` a doubling of G, and at G=1."""

    def arm(short, late_a, late_others):
        values = {
            "short": short,
            "tuning": short,
            "first_values": 2.4,
            "late_values_last_a": late_a,
            "late_values_last_others": late_others,
        }
        noise = {name: 0.003 * rng.standard_normal(SEEDS) for name in values}
        return {f"val/loss_of_{k}": (v + noise[k]).tolist() for k, v in values.items()}

    found = {}
    for (part, generations), one in replica.BY_GENERATIONS.items():
        late = 2.1 - (gain * (1 + np.log2(generations)) if part == "stitched" else 0.0)
        found[one.name] = arm(1.7, late + 0.5, late - 0.1)  # the mean over six styles is late
    found[replica.FIRST.name] = arm(1.7, 1.5, 1.5)
    found[replica.STRETCHED.name] = arm(1.65, 2.1, 2.1)
    for part, one in replica.MASKED.items():
        late = 1.0 if part == "stitched" else 2.1
        found[one.name] = arm(1.7, late, late)
    for part, arms in replica.TUNED.items():
        for (passes, decay), one in arms.items():
            distance = abs(np.log2(passes / 8)) + (decay != 10.0)
            found[one.name] = arm(1.9 - saved * (part == "simple") + 0.1 * distance, 2.1, 2.1)
    return found


def test_what_the_paper_found_is_reproduced():
    found = results(np.random.default_rng(0))
    claims = load_plan(PLAN).judge(replica.effects(found))
    assert [c.claim for c in claims if c.verdict != "reproduced"] == []
    effect = {name: np.mean(values) for name, values in replica.effects(found).items()}
    assert effect["grouping"] == pytest.approx(0.9, abs=0.01)
    assert effect["stitching_slope"] == pytest.approx(0.3, abs=0.01)
    assert effect["repetition_slope"] == pytest.approx(0.3, abs=0.01)
    assert effect["rephrases"] == pytest.approx(0.05, abs=0.01)
    assert effect["last"] == pytest.approx(0.3, abs=0.01)
    for part in ("real", "simple"):
        assert replica.best(found, part).name == f"{part}-8-passes-decay-10"


def test_no_effect_is_not_reproduced():
    found = results(np.random.default_rng(0), gain=0.0, saved=-0.05)
    plan = load_plan(PLAN)
    claims = plan.judge(replica.effects(found))
    verdict = {c.id: v.verdict for c, v in zip(plan.primary, claims, strict=False)}
    assert verdict["grouping"] == verdict["stitching"] == "unresolved"
    assert verdict["rephrases"] == "contradicted"


def test_without_a_plan_every_effect_is_judged_by_itself():
    claims = replica.verdicts(results(np.random.default_rng(0)))
    assert {c.role for c in claims} == {"exploratory"}
    assert len(claims) == 11


def test_the_figure_shows_the_arms():
    drawing = replica.figure(results(np.random.default_rng(0)))
    assert [axes.get_xlabel() for axes in drawing.axes] == [
        "generations, G (count)",
        "generations, G (count)",
        "passes over the real text (count)",
    ]


ONE_OF_EACH_KIND = [
    replica.BY_GENERATIONS["simple", 2],
    replica.BY_GENERATIONS["shuffled", 8],
    replica.FIRST,
    replica.STRETCHED,
    replica.MASKED["stitched"],
    replica.TUNED["real"][8, 30.0],
    replica.TUNED["simple"][4, 3.0],
]


@pytest.mark.parametrize("arm", ONE_OF_EACH_KIND, ids=lambda arm: arm.name)
def test_arms_are_commands_that_parse(arm, tmp_path):
    config = Parsed(arm.command_line(1, tmp_path)).config.fit
    synthetic = config.data.init_args.synthetic
    if arm.tags["part"] == "real":
        assert synthetic is None
    else:
        assert synthetic["init_args"] == arm.tags


def test_no_setting_is_run_twice():
    lines = [
        str(arm.command_line(0, Path("work"))[1:]).replace(arm.folder, "") for arm in replica.ARMS
    ]
    assert len(set(lines)) == len(lines) == 34
    assert {len(tuned) for tuned in replica.TUNED.values()} == {9}
