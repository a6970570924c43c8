"""The errors of a verifier, each below what it can go wrong on."""

import json

import pytest

from lit_research.errors import UserError
from lit_research.evals import Attempt, Verdict, Verifier
from lit_research.methods.verifier_quality import measure_verifier
from lit_research.stats import wilson


class Says(Verifier):
    """Reads its verdict in the text."""

    def card(self):
        return {"name": "Says"}

    def verify(self, attempts):
        return [Verdict(one.text, "unclear") for one in attempts]


def test_rates_of_right_and_of_wrong_answers_are_kept_apart(tmp_path):
    said = ["right"] * 5 + ["wrong"] * 2 + ["cannot tell"] + ["right"] + ["wrong"] * 3
    labels = [True] * 8 + [False] * 4
    found = measure_verifier(Says(), [Attempt("q", text) for text in said], labels)
    assert (found.false_reject.count, found.false_reject.of) == (2, 8)
    assert (found.false_accept.count, found.false_accept.of) == (1, 4)
    assert (found.cannot_tell_right.count, found.cannot_tell_wrong.count) == (1, 0)
    assert found.mistakes == [5, 6, 8]
    assert found.counts == {"right": 6, "wrong": 5, "cannot tell: unclear": 1}
    card = json.loads(json.dumps(found.card()))
    low, high = wilson(1, 4)
    expected = {"count": 1, "of": 4, "share": 0.25, "low": low, "high": high}
    assert card["false_accept"] == expected
    assert card["verifier"] == {"name": "Says"}
    assert "false accept 1 of 4 [4.6%, 69.9%]; false reject 2 of 8" in str(found)


def test_without_wrong_answers_nothing_is_known_of_false_accepts():
    found = measure_verifier(Says(), [Attempt("q", "right")], [True])
    assert found.false_accept.card() == {"count": 0, "of": 0, "share": None, "low": 0, "high": 1}
    with pytest.raises(UserError, match="there are 0 labels for 1 attempts, in measure_verifier"):
        measure_verifier(Says(), [Attempt("q", "right")], [])
