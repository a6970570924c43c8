"""Plans: read strictly, hashed by what they say, and judged with one error rate for all claims."""

import numpy as np
import pytest
import yaml

from lit_research.errors import UserError
from lit_research.experiments.plan import Plan, PlannedClaim, load_plan
from tests.stats.simulate import within_three_errors

CLAIMS = [
    {"id": "gain", "claim": "A beats B", "unit": "nats", "smallest": 0.2},
    {
        "id": "safe",
        "claim": "A is no worse on C",
        "unit": "nats",
        "kind": "no_worse",
        "margin": 0.1,
    },
]
CONTENT = {"method": "sbp", "seeds": 8, "primary": CLAIMS}


def write(tmp_path, **changes):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump({**CONTENT, **changes}))
    return path


def effects(mean, sd=0.1, seeds=8, seed=0):
    noise = np.random.default_rng(seed).standard_normal(seeds)
    return list(mean + sd * (noise - noise.mean()) / noise.std(ddof=1))


def test_the_hash_is_of_what_a_plan_says(tmp_path):
    plan = load_plan(write(tmp_path))
    path = tmp_path / "other.yaml"
    turned = yaml.safe_dump(dict(reversed(CONTENT.items())), sort_keys=False)
    path.write_text(f"# a remark\n{turned}")
    assert load_plan(path).hash == plan.hash
    assert load_plan(write(tmp_path, seeds=9)).hash != plan.hash
    assert load_plan(write(tmp_path, primary=CLAIMS[:1])).hash != plan.hash
    assert (plan.seeds, plan.level, plan.primary[0].smallest) == (8, 0.05, 0.2)
    assert load_plan(write(tmp_path, second_look=16)).level == 0.025


def test_a_primary_claim_is_reproduced_beyond_its_smallest_effect_after_holm(tmp_path):
    plan = load_plan(write(tmp_path))
    gain, safe = plan.judge({"gain": effects(0.4), "safe": effects(0.0, seed=1)})
    assert (gain.verdict, gain.role, gain.smallest) == ("reproduced", "primary", 0.2)
    assert (safe.verdict, safe.smallest) == ("reproduced", -0.1)
    assert gain.claim == "A beats B (nats)"
    assert {gain.plan, safe.plan} == {plan.hash}
    # Above 0 but not by the smallest effect of interest; and below 0.
    gain, safe = plan.judge({"gain": effects(0.25), "safe": effects(-0.3)})
    assert (gain.verdict, safe.verdict) == ("unresolved", "contradicted")
    # Alone this p-value is below 0.05; beside an unresolved claim Holm doubles it.
    close = effects(0.2 + 0.1 * 2.0 / np.sqrt(8))
    gain, _ = plan.judge({"gain": close, "safe": effects(-0.1)})
    assert gain.verdict == "unresolved"
    alone = load_plan(write(tmp_path, primary=CLAIMS[:1], secondary=CLAIMS[1:]))
    gain, safe = alone.judge({"gain": close, "safe": effects(-0.1)})
    assert (gain.verdict, safe.verdict) == ("reproduced", "unresolved")
    assert safe.role == "secondary"


def test_equal_is_a_claim_of_its_own():
    claim = PlannedClaim("same", "A equals B", "nats", kind="equivalent", margin=0.1)
    plan = Plan("sbp", 8, (claim,))
    verdict = {
        mean: plan.judge({"same": effects(mean, sd=0.05)})[0].verdict for mean in (0.0, 0.1, 0.3)
    }
    assert verdict == {0.0: "reproduced", 0.1: "unresolved", 0.3: "contradicted"}


def test_ten_true_nulls_are_hardly_ever_reproduced():
    # Four primary claims without an effect: the chance of even one "reproduced" is at most alpha.
    plan = Plan("sbp", 5, tuple(PlannedClaim(str(k), "", "") for k in range(4)))
    noise = np.random.default_rng(0).standard_normal((1_000, 4, 5))
    wrong = [
        any(c.verdict == "reproduced" for c in plan.judge(dict(zip("0123", table, strict=True))))
        for table in noise
    ]
    assert within_three_errors(np.mean(wrong), 1 - (1 - 0.05 / 4) ** 4, 1_000)


def test_a_look_at_another_time_is_refused(tmp_path):
    plan = load_plan(write(tmp_path, second_look=16))
    for seeds in (8, 16):
        plan.check_seeds(seeds)
    with pytest.raises(UserError, match="7 seeds are not in the plan of sbp, which looks at 8 and"):
        plan.judge({"gain": effects(1.0, seeds=7), "safe": effects(0.0)})
    with pytest.raises(UserError, match="no effects of the claim 'safe'; did you mean save"):
        plan.judge({"gain": effects(1.0), "save": effects(0.0)})


def test_a_pilot_proposes_seeds_and_they_have_the_power(tmp_path):
    plan = load_plan(write(tmp_path))
    found = plan.propose({"gain": effects(0.4, sd=0.2, seeds=4), "safe": effects(-0.2, seeds=4)})
    assert found["gain"]["mean"] == pytest.approx(0.4)
    assert found["gain"]["sd"] == pytest.approx(0.2)
    assert found["safe"]["seeds"] is None  # the pilot is on the wrong side of the margin
    n = found["gain"]["seeds"]
    tables = 0.4 + 0.2 * np.random.default_rng(1).standard_normal((500, n))
    share = np.mean([plan.primary[0].test(row).p < 0.025 for row in tables])
    assert share > 0.87


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": 3}, "unknown key 'seed', in .*; did you mean seeds"),
        ({"seeds": 1}, "seeds is 1 and alpha 0.05"),
        ({"primary": []}, "primary names 0 claims"),
        ({"primary": CLAIMS[:1] * 2}, "give each an id of its own"),
        ({"primary": "gain"}, "primary is no list"),
        ({"primary": [{"id": "gain"}]}, "claim 1 is incomplete"),
        ({"primary": [{**CLAIMS[0], "kind": "less"}]}, "kind is 'less'.*claim 1"),
        ({"primary": [{**CLAIMS[0], "margin": 0.1}]}, "and no margin"),
        ({"primary": [{**CLAIMS[1], "margin": None}]}, "give a margin above 0"),
        ({"second_look": 8}, "second_look is 8 with 8 seeds"),
        ({"alpha": 5}, "alpha 5"),
    ],
)
def test_what_is_no_plan_is_one_line(tmp_path, changes, says):
    with pytest.raises(UserError, match=says) as refusal:
        load_plan(write(tmp_path, **changes))
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_no_plan_is_one_line(tmp_path):
    path = tmp_path / "plan.yaml"
    for text, says in (("- a", "holds no mapping"), ("a: [", "is no YAML")):
        path.write_text(text)
        with pytest.raises(UserError, match=says):
            load_plan(path)
