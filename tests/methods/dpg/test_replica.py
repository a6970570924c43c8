"""Verdicts follow from the arms' numbers."""

import pytest

from lit_research.methods.dpg import replica
from lit_research.methods.dpg.replica import ACCURACY, LOSS, PHI, READABLE


def results(**changes):
    """Return three seeds of each arm that are what the paper claims."""
    likely = {
        "bitmap": {ACCURACY: 1.0},
        "bitmap-shuffled": {ACCURACY: 0.5},
        "qr-early": {ACCURACY: 0.95},
        "qr-early-dataset": {ACCURACY: 0.7},
        "bitmap-sgd": {ACCURACY: 0.9},
        "67": {ACCURACY: 0.99},
        "qr": {ACCURACY: 0.98, READABLE: 1.0},
        "norm": {PHI: -0.3},
        "norm-untrained": {PHI: -0.4},
        "string": {LOSS: 3.0},
        "string-untrained": {LOSS: 3.2},
    }
    for name, metrics in changes.items():
        likely[name.replace("_", "-").removeprefix("shape")] |= metrics
    spread = (-0.001, 0.0, 0.001)
    return {
        arm: {m: [v + n * s / 9 for s in spread] for m, v in values.items()}
        for n, (arm, values) in enumerate(likely.items())
    }


def verdicts(**changes):
    return [claim.verdict for claim in replica.verdicts(results(**changes))]


def test_every_arm_has_a_part():
    names = {arm.name for arm in replica.ARMS}
    assert set(results()) <= names


def test_arms_keep_the_settings_that_were_measured():
    """Defaults that became the official code's later do not change what the results are of."""
    options = replica.SHAPE.options
    rows = ["###.###", "#.....#", "###...#", "#.#..#.", "###..#.", "......."]
    assert options["model.init_args.metric.init_args.rows"] == rows
    assert replica.SGD.options["model.init_args.inner.weight_decay"] == 1e-4


def test_what_the_paper_says_is_reproduced():
    found = verdicts()
    assert set(found[:8]) == {"reproduced"}
    assert len(replica.figure(results()).axes) == 2


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"bitmap": {ACCURACY: 0.9}}, 0),
        ({"shape67": {ACCURACY: 0.9}}, 1),
        ({"bitmap_shuffled": {ACCURACY: 0.9}}, 2),
        ({"qr_early_dataset": {ACCURACY: 1.1}}, 3),
        ({"bitmap_sgd": {ACCURACY: 1.1}}, 4),
        ({"qr": {READABLE: 0.0}}, 5),
        ({"norm": {PHI: -0.5}}, 6),
        ({"string": {LOSS: 3.5}}, 7),
    ],
)
def test_the_opposite_is_contradicted(changes, place):
    assert verdicts(**changes)[place] == "contradicted"
