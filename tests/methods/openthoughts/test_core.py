"""Scores by hand; the published settings."""

import math

import pytest

from lit_research.errors import UserError
from lit_research.methods.openthoughts import HYPERPARAMETERS, hparams_for
from lit_research.methods.openthoughts.core import (
    Outcome,
    accuracy,
    length_group,
    metrics,
    on_both_sides,
    results,
)

ITEMS = [
    {"domain": "sums", "difficulty": 1},
    {"domain": "sums", "difficulty": 2},
    {"domain": None, "difficulty": None},
]


def outcome(item, sample, right, parsed=True, truncated=False, tokens=10):
    return Outcome(item, sample, right, parsed, truncated, tokens)


OUTCOMES = [
    outcome(0, 0, True),
    outcome(0, 1, False, parsed=False, truncated=True, tokens=40),
    outcome(1, 0, False),
    outcome(1, 1, False),
    outcome(2, 0, True, tokens=8),
    outcome(2, 1, True, tokens=9),
]


def test_pass_at_1_is_the_mean_over_samples_with_its_error_over_items():
    found = accuracy(OUTCOMES)
    assert (found.n, found.samples, found.parse_failures, found.truncated) == (3, 6, 1, 1)
    assert found.value == 0.5
    # Of the items' means 0.5, 0 and 1, not of six samples.
    assert found.stderr == pytest.approx(0.5 / math.sqrt(3))


def test_groups_are_by_domain_difficulty_and_length():
    found = {result.name: result for result in results(OUTCOMES, ITEMS, by_length=True)}
    assert found["pass@2"].value == pytest.approx(2 / 3)
    assert found["accuracy_of_sums"].value == 0.25
    assert found["accuracy_at_difficulty_1"].value == 0.5
    assert found["accuracy_at_difficulty_2"].value == 0
    assert "accuracy_of_None" not in found
    by_length = {name: one.samples for name, one in found.items() if "tokens" in name}
    assert by_length == {
        f"accuracy_of_answers_to_{n}_tokens": c for n, c in ((8, 1), (16, 4), (64, 1))
    }
    logged = metrics(list(found.values()), OUTCOMES)
    assert logged["unparsed_share"] == logged["truncated_share"] == pytest.approx(1 / 6)
    assert logged["accuracy_of_parsed"] == pytest.approx(3 / 5)
    assert logged["pass_at_2"] == pytest.approx(2 / 3)
    assert logged["answer_tokens"] == pytest.approx(87 / 6)


@pytest.mark.parametrize(("tokens", "group"), [(0, 8), (8, 8), (9, 16), (16, 16), (17, 32)])
def test_lengths_are_grouped_at_powers_of_two(tokens, group):
    assert length_group(tokens) == group


def test_questions_are_the_same_whatever_their_case_and_space():
    rows = [{"id": "a", "question": "What  is\n1?"}, {"id": "b", "question": "What is 2?"}]
    assert on_both_sides(rows, [{"id": "x", "question": " what is 1? "}]) == [("a", "x")]


@pytest.mark.parametrize(
    ("n", "name", "confirmed"),
    [
        (1, "micro", False),
        (316, "micro", False),
        (1_000, "small", True),
        (3_159, "small", True),
        (3_160, "medium", True),
        (31_600, "medium", True),
        (31_601, "large", True),
        (1_200_000, "large", True),
    ],
)
def test_settings_follow_from_the_number_of_rows(n, name, confirmed):
    assert hparams_for(n) is HYPERPARAMETERS[name]
    assert hparams_for(n).confirmed is confirmed


def test_the_table_is_the_published_one():
    table = {h.name: (h.lr, h.batch, h.epochs, h.packing) for h in HYPERPARAMETERS.values()}
    assert table == {
        "micro": (1e-5, 32, 13, False),
        "small": (2e-5, 96, 7, False),
        "1k": (2e-5, 96, 11, False),
        "medium": (4e-5, 128, 5, False),
        "large": (8e-5, 512, 5, True),
    }
    assert hparams_for(31_600).steps(31_600) == 5 * 246
    with pytest.raises(UserError, match="n is 0, in hparams_for"):
        hparams_for(0)
