"""Pairs to score, with their own d1 and with that of another pair."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.methods.sbp.pair_rows import PairRows
from lit_research.sft import Row
from lit_research.text import IGNORE

OWN = [Row.answer([1, 9], [2, 3, 8]), Row.answer([4, 5, 9], [6, 8])]
OTHER = [Row.answer([4, 5, 9], [2, 3, 8]), Row.answer([1, 9], [6, 8])]


def test_each_pair_is_followed_by_itself_with_another_d1():
    groups = [np.array([0, -1, 1]), np.array([2, -1])]
    data = PairRows(OWN, OTHER, groups, pad_token_id=8)
    assert len(data) == 4
    batch = data.__getitems__([0, 3, 1])
    assert batch["input_ids"].tolist() == [[1, 9, 2, 3, 8], [1, 9, 6, 8, 8], [4, 5, 9, 2, 3]]
    i = IGNORE
    assert batch["labels"].tolist() == [[i, 2, 3, 8, i], [i, 6, 8, i, i], [i, i, 2, 3, 8]]
    assert batch["loss_groups"].tolist() == [
        [-1, 0, -1, 1, -1],
        [-1, 2, -1, -1, -1],
        [-1, -1, 0, -1, 1],
    ]
    assert batch["is_shuffled"].tolist() == [False, True, True]
    assert data[3]["labels"].tolist() == [i, 6, 8]


def test_pairs_without_d1_are_scored_once():
    data = PairRows(OWN)
    assert len(data) == 2
    assert data.__getitems__([1])["input_ids"].tolist() == [[4, 5, 9, 6]]


@pytest.mark.parametrize("parts", [([],), (OWN, OTHER[:1]), (OWN, OTHER, [np.zeros(3, int)])])
def test_other_numbers_of_rows_are_refused(parts):
    with pytest.raises(UserError, match="as many of the others"):
        PairRows(*parts)
