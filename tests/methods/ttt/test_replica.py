"""Verdicts follow from the arms' numbers."""

import pytest

from lit_research.methods.ttt import replica
from lit_research.methods.ttt.replica import FIRST, FROZEN, LAST, MEAN


def results(**changes):
    """Return three seeds of each arm that are what the paper claims."""
    likely = {
        "e2e": {FIRST: 2.9, LAST: 0.9, MEAN: 1.3, FROZEN: 3.47},
        "first_order": {FIRST: 2.9, LAST: 0.95, MEAN: 1.4},
        "swa": {FIRST: 3.45, LAST: 3.4, MEAN: 3.42},
        "naive": {FIRST: 3.45, LAST: 3.4, MEAN: 3.41},
        "e2e-chunk-64": {FIRST: 3.4, LAST: 0.95, MEAN: 1.7},
        "e2e-twice": {FIRST: 2.5, LAST: 0.7, MEAN: 1.0},
        "text-e2e": {FIRST: 2.2, LAST: 1.9, MEAN: 2.0},
        "text-swa": {FIRST: 2.2, LAST: 2.1, MEAN: 2.1},
        "text-full": {FIRST: 2.2, LAST: 2.1, MEAN: 2.15},
    }
    for name, metrics in changes.items():
        likely[name.replace("_", "-") if name not in likely else name] |= metrics
    spread = (-0.001, 0.0, 0.001)
    rows = enumerate(likely.items())
    return {
        arm: {m: [v + n * s / 9 for s in spread] for m, v in values.items()}
        for n, (arm, values) in rows
    }


def verdicts(**changes):
    return [claim.verdict for claim in replica.verdicts(results(**changes))]


def test_every_arm_has_a_part_in_a_verdict_or_the_figure():
    assert {arm.name for arm in replica.ARMS} == set(results())


def test_what_the_paper_says_is_reproduced():
    found = replica.verdicts(results())
    assert {claim.verdict for claim in found} == {"reproduced"}
    assert len(replica.figure(results()).axes[0].lines) == 2 * len(replica.ARMS)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"e2e": {LAST: 2.5}}, 0),
        ({"swa": {LAST: 2.0}}, 1),
        ({"naive": {MEAN: 3.2}}, 2),
        ({"e2e": {FROZEN: 2.0}}, 3),
        ({"e2e_chunk_64": {MEAN: 1.1}}, 4),
        ({"e2e_twice": {LAST: 1.2}}, 5),
        ({"first_order": {MEAN: 1.2}}, 6),
        ({"text_swa": {MEAN: 1.9}}, 7),
        ({"text_full": {MEAN: 1.9}}, 8),
    ],
)
def test_the_opposite_is_contradicted(changes, place):
    assert verdicts(**changes)[place] == "contradicted"
