"""A made-up package with 25 tests, in two states: with two faults, and repaired."""

from lit_research.methods.longcode.diffs import make_diff
from lit_research.methods.longcode.items import Origin, RepairItem
from lit_research.methods.longcode.trees import SourceTree

INIT = "from till.prices import is_price, parse_price\nfrom till.sums import mean, total\n"
PRICES = '''\
"""Prices as text."""


def is_price(text):
    try:
        parse_price(text)
    except ValueError:
        return False
    return True


def parse_price(text):
    price = int(text)
    if price < 0:
        raise ValueError(f"a price is {price}; must not be negative")
    return price
'''
SUMS = '''\
"""Sums of prices."""


def total(prices, discount=0):
    result = 0
    for price in prices:
        result = result + price
    return result - discount


def mean(prices):
    if len(prices) == 0:
        return 0
    return total(prices) / len(prices)
'''
FIXED = {"till/__init__.py": INIT, "till/prices.py": PRICES, "till/sums.py": SUMS}
FAULTY = {
    **FIXED,
    "till/prices.py": PRICES.replace("price < 0", "price < -5"),
    "till/sums.py": SUMS.replace("result - discount", "result - discount - (len(prices) == 2)"),
}
BASICS = """\
from till import mean, parse_price, total


def test_a_word_is_no_price():
    import pytest

    with pytest.raises(ValueError):
        parse_price("word")


""" + "\n\n".join(
    f"def test_price_{n}():\n    assert parse_price('{n}') == {n}\n" for n in range(10)
)
TOTAL = '''\
import pytest

from till import mean, total


def test_total_of_two():
    assert total([20, 22]) == 42


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5])
def test_total_of_ones(count):
    assert total([1] * count) == count


def test_discount():
    assert total([5, 5, 5], discount=5) == 10


def test_mean_of_three():
    assert mean([1, 2, 3]) == 2


def test_mean_of_nothing():
    assert mean([]) == 0


def test_total_twice():
    """A made-up name, written into the file twice: test_total_twice keeps it."""
    assert total([3, 3, 3]) == 9
'''
WORDS = """\
import pytest

from till import is_price, parse_price


def test_a_negative_price():
    with pytest.raises(ValueError):
        parse_price("-1")


def test_an_empty_price():
    with pytest.raises(ValueError):
        parse_price("")


def test_is_price():
    for text in ("1", "20"):
        assert is_price(text)
"""
TESTS = {
    "tests/test_basics.py": BASICS,
    "tests/test_total.py": TOTAL,
    "tests/test_words.py": WORDS,
    "setup.py": "",
}
ORIGIN = Origin("till", "1.0")
TREES = {
    "till-1.0": SourceTree("till-1.0", FAULTY, ORIGIN),
    "till-1.0-tests": SourceTree("till-1.0-tests", TESTS, ORIGIN),
}
NODES = (
    "tests/test_basics.py::test_a_word_is_no_price",
    *(f"tests/test_basics.py::test_price_{n}" for n in range(10)),
    *(f"tests/test_total.py::test_total_of_ones[{n}]" for n in (0, 1, 3, 4, 5)),
    "tests/test_total.py::test_discount",
    "tests/test_total.py::test_mean_of_three",
    "tests/test_total.py::test_mean_of_nothing",
    "tests/test_total.py::test_total_twice",
    "tests/test_words.py::test_an_empty_price",
    "tests/test_words.py::test_is_price",
)


def item(path: str, fail_to_pass: str) -> RepairItem:
    return RepairItem(
        id=path,
        kind="mutation",
        statement="It does not do what it should.",
        tree="till-1.0",
        tests="till-1.0-tests",
        patch=make_diff(FAULTY, {**FAULTY, path: FIXED[path]}),
        fail_to_pass=(fail_to_pass,),
        pass_to_pass=NODES,
        origin=ORIGIN,
    )


SUM = item("till/sums.py", "tests/test_total.py::test_total_of_two")
"""Its test compares a result with a number, so that it has twins."""
PRICE = item("till/prices.py", "tests/test_words.py::test_a_negative_price")
"""Its test waits for an exception, so that it has none."""
