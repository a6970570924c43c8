"""The verdicts follow from the arms' numbers; every arm is a config that parses."""

import numpy as np
import pytest

from lit_research.methods.ensemble import replica
from tests.test_configs import Parsed


def results(rng):
    """Return arms as the paper has them, with seed noise of 0.01 nats."""
    best = {0.1: 0.4, 1.0: 0.3, 3.0: 0.0, 10.0: 0.02, 30.0: 0.5}
    found = {}
    for (epochs, decay), arm in replica.SINGLES.items():
        loss = 1.9 + (epochs / 16 - 1) * 0.4 if decay == 0.1 else 1.9 + best[decay]
        found[arm.name] = {"val/loss": noisy(rng, loss)}
    curves = {"ENSEMBLE": (1.7, 0.2), "SHORT": (1.75, 0.15), "SHORT_RULE": (1.65, 0.3)}
    for name, (limit, gain) in {**curves, "BEST_RULE": (1.6, 0.4)}.items():
        losses = {f"val/loss_k{k}": noisy(rng, limit + gain / k) for k in range(2, 6)}
        member = noisy(rng, limit + gain)
        found[getattr(replica, name).name] = {
            "val/loss_member": member,
            "val/loss": losses["val/loss_k5"],
            **losses,
        }
    for name, loss in {"real": 1.95, "both": 1.75, "teachers": 1.85}.items():
        found[replica.STUDENTS[name].name] = {"val/loss": noisy(rng, loss)}
    return found


def noisy(rng, loss, sd=0.002):
    return (loss + sd * rng.standard_normal(3)).tolist()


def test_what_the_paper_found_is_reproduced():
    claims = replica.verdicts(results(np.random.default_rng(0)))
    assert [c.claim for c in claims if c.verdict != "reproduced"] == []
    for claim in claims:
        assert claim.interval[0] <= claim.effect <= claim.interval[1]
        assert claim.seeds == 3


def test_the_opposite_is_contradicted_and_noise_unresolved():
    found = results(np.random.default_rng(0))
    both, real = (replica.STUDENTS[name].name for name in ("both", "real"))
    found[both], found[real] = found[real], found[both]
    found[replica.STUDENTS["teachers"].name] = {"val/loss": [1.6, 1.95, 2.3]}
    verdict = {c.claim.split(":")[0]: c.verdict for c in replica.verdicts(found)}
    assert verdict["A student of real and teachers' text beats real alone"] == "contradicted"
    assert verdict["A student needs real text"] == "unresolved"


def test_a_curve_that_rises_once_is_not_called_falling():
    found = results(np.random.default_rng(0))
    found[replica.ENSEMBLE.name]["val/loss_k4"] = [2.5] * 3
    [claim] = [c for c in replica.verdicts(found) if "every one of 5 members" in c.claim]
    assert claim.verdict == "contradicted"


def test_an_exponent_that_the_seeds_leave_open_is_unresolved():
    found = results(np.random.default_rng(0))
    found[replica.ENSEMBLE.name]["val/loss_k2"] = [1.7, 1.8, 1.9]
    [claim] = [c for c in replica.verdicts(found) if "K^alpha" in c.claim]
    assert claim.verdict == "unresolved"


def test_the_figure_shows_every_arm():
    drawing = replica.figure(results(np.random.default_rng(0)))
    assert [axes.get_xlabel() for axes in drawing.axes] == [
        "passes (count)",
        "weight decay (1)",
        "members (count)",
    ]


@pytest.mark.parametrize("arm", replica.ARMS, ids=lambda arm: arm.name)
def test_every_arm_is_a_command_that_parses(arm, tmp_path):
    for words in [arm.command_line(1, tmp_path), *arm.commands_before(1, tmp_path)]:
        assert Parsed(words).config[words[0]].model.class_path
