"""Numbers out of range are refused with one message."""

import math

import pytest

from lit_research.errors import UserError
from lit_research.ranges import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, Range, check_range


@pytest.mark.parametrize(
    ("allowed", "inside", "outside", "text"),
    [
        (COUNT, [1, 7, math.inf], [0, -1, 0.5], "at least 1"),
        (NOT_NEGATIVE, [0, 0.0, 3], [-1e-9], "at least 0"),
        (POSITIVE, [1e-9, 2], [0, -1, -math.inf], "above 0"),
        (SHARE, [0, 0.5, 1], [-0.1, 1.5], "from 0 to 1"),
        (Range(at_least=0, below=1), [0, 0.9], [-1, 1], "at least 0 and below 1"),
        (Range(above=0, at_most=1), [0.1, 1], [0, 1.1], "above 0 and at most 1"),
        (Range(above=0, below=1), [0.5], [0, 1], "above 0 and below 1"),
    ],
)
def test_a_range_says_what_is_in_it(allowed, inside, outside, text):
    assert [value for value in [*inside, *outside, math.nan] if value in allowed] == inside
    assert str(allowed) == text


def test_the_first_value_out_of_range_is_named_and_none_is_not_checked():
    check_range(COUNT, "in Toy")
    check_range(COUNT, "in Toy", size=1, limit=None)
    with pytest.raises(UserError) as raised:
        check_range(COUNT, "in Toy", size=1, limit=None, passes=0, where=-1)
    assert str(raised.value) == "passes is 0, in Toy; must be at least 1"
    with pytest.raises(UserError, match=r"^betas\[1\] is nan, in AdamW; must be from 0 to 1$"):
        check_range(SHARE, "in AdamW", **{"betas[1]": math.nan})
