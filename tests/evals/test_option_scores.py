"""Scores of options and the share of right choices, by hand."""

import math

import pytest
import torch

from lit_research.evals import choice_accuracy, option_scores
from lit_research.text import IGNORE


def test_option_scores_and_accuracy_by_hand():
    log_probs = torch.tensor([[-1.0, -2.0], [-2.5, 9.0], [-4.0, -4.0], [-1.0, -1.0]])
    labels = torch.tensor([[5, 6], [7, IGNORE], [1, 1], [1, 1]])
    item, option = torch.tensor([0, 0, 1, 0]), torch.tensor([0, 1, 0, 2])
    found = option_scores(log_probs, labels, item, option, torch.tensor([6, 1, 2, 8]))
    gone = -math.inf
    assert found.total.tolist() == [[-3.0, -2.5, -2.0], [-8.0, gone, gone]]
    assert found.per_token.tolist() == [[-1.5, -2.5, -1.0], [-4.0, gone, gone]]
    assert found.per_byte.tolist() == [[-0.5, -2.5, -0.25], [-4.0, gone, gone]]
    share, error = choice_accuracy(found.total, torch.tensor([2, 1]))
    assert share == 0.5
    assert error == pytest.approx(0.5)  # sqrt(.5 * .5 / 1)


def test_of_equal_scores_the_first_is_chosen_and_nan_is_not_hidden():
    equal = torch.zeros(3, 4)
    assert choice_accuracy(equal, torch.tensor([0, 0, 1]))[0] == pytest.approx(2 / 3)
    equal[0, 0] = math.nan
    assert choice_accuracy(equal, torch.tensor([0, 0, 1]))[0].isnan()
