"""The replica's arms differ as they should, and its verdicts follow from the numbers."""

import numpy as np
import pytest

from lit_research.cli import config_dir
from lit_research.methods.self_play.replica import ARMS, PLAYED, WARM, figure, verdicts
from tests.helpers import read_config


def results(**changes):
    metrics = {
        "self_play/solve_rate": 0.6,
        "val/disjunctive_share": 0.1,
        "val/conclusion_length_tokens": 6.0,
        "val/target_disjunctive_share": 0.06,
        "val/target_conclusion_length_tokens": 5.5,
        "val/interior_share": 0.2,
        "val/pass_at_k": 0.5,
    }
    special = {
        "no-guide-long": {
            "val/disjunctive_share": 0.8,
            "val/conclusion_length_tokens": 14.0,
            "self_play/solve_rate": 0.55,
        },
        "no-condition": {"self_play/solve_rate": 0.5},
        "frozen": {"self_play/solve_rate": 0.5},
        "rl": {"self_play/solve_rate": 0.4},
        "cispo": {"self_play/solve_rate": 0.4, "val/interior_share": 0.05},
    }
    noise = np.array([-0.01, 0.0, 0.01])
    made = {}
    for number, arm in enumerate(ARMS):
        values = {**metrics, **special.get(arm.name, {}), **changes.get(arm.name, {})}
        made[arm.name] = {k: list(v + noise * (1 + 0.3 * number)) for k, v in values.items()}
    return made


def test_what_the_paper_says_is_reproduced():
    claims = verdicts(results())
    assert [claim.verdict for claim in claims] == ["reproduced"] * len(claims)


@pytest.mark.parametrize(
    ("changes", "which"),
    [
        ({"no-guide-long": {"val/disjunctive_share": 0.0}}, 0),
        ({"no-guide-long": {"val/conclusion_length_tokens": 3.0}}, 1),
        ({"sgs-long": {"val/disjunctive_share": 0.5}}, 2),
        ({"sgs-long": {"val/disjunctive_share": -0.3}}, 2),
        ({"cispo": {"val/interior_share": 0.5}}, 3),
        ({"no-guide-long": {"self_play/solve_rate": 0.9}}, 4),
        ({"rl": {"self_play/solve_rate": 0.9}}, 5),
        ({"frozen": {"self_play/solve_rate": 0.9}}, 6),
        ({"no-condition": {"self_play/solve_rate": 0.9}}, 7),
        ({"cispo": {"self_play/solve_rate": 0.9}}, 8),
    ],
    ids=str,
)
def test_a_claim_that_does_not_hold_is_contradicted(changes, which):
    assert verdicts(results(**changes))[which].verdict == "contradicted"


def test_all_arms_play_the_same_game():
    shared = ("data.init_args.seed", "data.init_args.size", "data.init_args.held_out")
    for arm in ARMS:
        assert (config_dir() / arm.config).is_file()
        assert [arm.options[key] for key in shared] == [ARMS[0].options[key] for key in shared]
    counts = {a.name: a.options["model.init_args.rules.max_generations"] for a in PLAYED}
    assert counts.pop("sgs-long") == counts.pop("no-guide-long") > counts["sgs"]
    assert len(set(counts.values())) == 1
    assert all(arm.needs is WARM for arm in PLAYED)
    bases = {arm.config: read_config(config_dir() / arm.config) for arm in ARMS}
    assert len({str(base["data"]) for base in bases.values()}) == 1
    assert len({str(base["model"]["init_args"]["lm"]) for base in bases.values()}) == 1


def test_the_figure_is_drawn():
    assert len(figure(results()).axes) == 5
