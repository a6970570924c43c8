"""Scores of options and the share of correct choices, by hand."""

import math

import pytest
import torch

from lit_research.evals import ChoiceScores, choice_accuracy
from lit_research.text import IGNORE


def test_option_scores_and_accuracy_by_hand():
    log_probs = torch.tensor([[-1.0, -2.0], [-2.5, 9.0], [-4.0, -4.0], [-1.0, -1.0]])
    batch = {
        "labels": torch.tensor([[5, 6], [7, IGNORE], [1, 1], [1, 1]]),
        "item_id": torch.tensor([0, 0, 1, 0]),
        "option_id": torch.tensor([0, 1, 0, 2]),
        "options": torch.tensor([3, 3, 1, 3]),
        "answer": torch.tensor([2, 2, 1, 2]),
        "option_bytes": torch.tensor([6, 1, 2, 8]),
        "truncated": torch.zeros(4, dtype=torch.long),
    }
    scores = ChoiceScores(1, torch.device("cpu"))
    scores.update(batch, [log_probs])
    choices, missing = scores.choices(), -math.inf
    assert choices.total.tolist() == [[[-3.0, -2.5, -2.0], [-8.0, missing, missing]]]
    assert choices.per_byte.tolist() == [[[-0.5, -2.5, -0.25], [-4.0, missing, missing]]]
    share, error = choices.accuracies()["acc"]
    assert share == 0.5
    assert error == pytest.approx(0.5)  # sqrt(.5 * .5 / 1)


def test_of_equal_scores_the_first_is_chosen_and_nan_is_not_hidden():
    equal = torch.zeros(3, 4)
    assert choice_accuracy(equal, torch.tensor([0, 0, 1]))[0] == pytest.approx(2 / 3)
    equal[0, 0] = math.nan
    assert choice_accuracy(equal, torch.tensor([0, 0, 1]))[0].isnan()
