"""The effects follow from the arms' numbers; every arm is a config that parses."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from lit_research.errors import UserError
from lit_research.experiments.plan import load_plan
from lit_research.methods.sbp import TwoFormats, replica
from lit_research.methods.sbp.two_formats import KINDS
from tests.test_configs import Parsed

PLAN = Path(__file__).parents[3] / "replicas/plans/sbp.yaml"
# Losses on A, common B and rare B, as the prototype found them.
FOUND = {
    "repetition-8-0.1": (0.98, 1.01, 3.45),
    "sbp-0.333": (1.02, 1.00, 1.19),
    "sbp-0.125": (1.00, 1.00, 1.40),
    "exact-posterior": (1.04, 1.00, 1.14),
    "random-pairs": (1.05, 1.02, 3.58),
    "oracle": (0.85, 0.90, 3.32),
}


def results(rng):
    """Return arms as the prototype had them, with seed noise of 0.01 nats."""
    found = {}
    for arm in replica.ARMS:
        losses = FOUND.get(arm.name, (1.1, 1.1, 3.5))
        metrics = {
            f"val/loss_of_{kind}": noisy(rng, x) for kind, x in zip(KINDS, losses, strict=True)
        }
        gain = {"tuned-related": 2.7, "tuned-random": 0.0}.get(arm.name, 0.5)
        found[arm.name] = {
            "val/loss": noisy(rng, 2.0),
            "val/gain_of_d1": noisy(rng, gain),
            **metrics,
        }
    return found


def noisy(rng, mean):
    return (mean + 0.01 * rng.standard_normal(8)).tolist()


def test_the_prototype_would_reproduce_every_claim_of_the_plan():
    plan = load_plan(PLAN)
    claims = plan.judge(replica.effects(results(np.random.default_rng(0))))
    assert len(claims) == 13
    assert {claim.verdict for claim in claims} == {"reproduced"}
    assert [claim.role for claim in claims].count("primary") == 4


def test_a_synthesizer_no_better_than_its_control_reproduces_nothing_of_it():
    found = results(np.random.default_rng(0))
    for name in ("sbp-0.333", "random-pairs"):
        found[name]["val/loss_of_rare_b"] = [1.19] * 8
    claims = load_plan(PLAN).judge(replica.effects(found))
    [claim] = [c for c in claims if "random pairs by more" in c.claim]
    assert claim.verdict == "unresolved"


def test_the_baseline_is_the_best_repetition_on_each_kind_of_document():
    found = results(np.random.default_rng(0))
    found["repetition-2-1"]["val/loss_of_rare_b"] = [3.1] * 8
    assert replica.tuned_repetition(found, "rare_b").tolist() == [3.1] * 8
    assert replica.tuned_repetition(found, "a").mean() == pytest.approx(0.98, abs=0.02)


def test_recovered_shares_are_of_the_mixture_and_only_where_the_oracle_is_better():
    found = results(np.random.default_rng(0))
    shares = replica.recovered(found)
    assert {"SBP", "random pairs", "exact posterior"} < {*shares}
    weights = TwoFormats().kind_shares()
    mixture = {
        name: sum(weights[k] * v for k, v in zip(KINDS, values, strict=True))
        for name, values in FOUND.items()
    }
    base = mixture["repetition-8-0.1"]
    expected = (base - mixture["sbp-0.333"]) / (base - mixture["oracle"])
    assert shares["SBP"].effect == pytest.approx(expected, abs=0.15)
    found["oracle"] = found["random-pairs"]
    with pytest.raises(UserError, match="not below the tuned baseline"):
        replica.recovered(found)
    assert len(replica.figure(found).axes) == 2
    assert len(replica.verdicts(found)) == 13


def test_the_figure_shows_every_arm():
    losses, shares = replica.figure(results(np.random.default_rng(0))).axes
    assert len(losses.get_yticklabels()) == 9
    assert len(shares.get_yticklabels()) == 6


def test_arms_of_a_budget_read_equally_many_tokens_and_formats_in_sbps_proportions():
    config = yaml.safe_load((PLAN.parents[2] / "configs/sbp/joint_tiny.yaml").read_text())
    assert config["data"]["init_args"]["total_tokens"] == replica.TOKENS
    world = TwoFormats()
    assert len(world.splits()["train"]) == replica.DOCUMENTS
    source = replica.CONTROLS["reweighted"].options[replica.SYNTHETIC]
    share_b = source["init_args"]["share_b"]
    once = 1 - world.kind_shares()["a"]
    whole = (once + (replica.PASSES - 1) * share_b) / replica.PASSES
    assert whole == pytest.approx(replica.sbp_share_b(1 / 3), abs=1e-3)
    tokens = source["init_args"]["documents"] * replica.LENGTH
    assert tokens == (replica.PASSES - 1) * replica.DOCUMENTS * replica.LENGTH < replica.TOKENS


# One of each kind: the others have the same options with other numbers.
KINDS_OF_ARMS = [
    replica.BASE_ARM,
    replica.RELATED,
    replica.NEAR,
    replica.SBP[1 / 3],
    replica.CONTROLS["self-distillation"],
    replica.CONTROLS["reweighted"],
    replica.ORACLE,
]


@pytest.mark.parametrize("arm", KINDS_OF_ARMS, ids=lambda arm: arm.name)
def test_every_arm_is_a_command_that_parses(arm, tmp_path):
    for words in [arm.command_line(1, tmp_path), *arm.commands_before(1, tmp_path)]:
        assert Parsed(words).config[words[0]].model.class_path
