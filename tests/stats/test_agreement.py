"""Agreement against published worked examples and against its definition."""

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.stats import icc, krippendorff_alpha
from tests.stats.simulate import within_three_errors

# Shrout and Fleiss 1979, table 2: six subjects, four judges.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

# Three coders, fifteen units; 0 is missing (the example of Wikipedia's article on alpha).
CODERS = """
0 0 0 0 0 3 4 1 2 1 1 3 3 0 3
1 0 2 1 3 3 4 3 0 0 0 0 0 0 0
0 0 2 1 3 4 4 0 2 1 1 3 3 0 4
"""


def units():
    table = np.array([list(map(int, line.split())) for line in CODERS.strip().splitlines()])
    return [column[column > 0] for column in table.T if (column > 0).any()]


def test_icc_of_the_textbook():
    found = icc(JUDGES, confidence=0.95)
    assert found.effect == pytest.approx(0.17, abs=0.005)
    assert found.interval == pytest.approx((-0.13, 0.72), abs=0.005)
    assert icc(JUDGES, average=True).effect == pytest.approx(0.44, abs=0.005)


@pytest.mark.parametrize(("scale", "value"), [("nominal", 0.691), ("interval", 0.811)])
def test_alpha_of_the_textbook(scale, value):
    found = krippendorff_alpha(units(), scale)
    assert found.effect == pytest.approx(value, abs=0.0005)
    low, high = found.interval
    assert low < found.effect < high <= 1


def test_alpha_is_one_minus_observed_over_expected_disagreement():
    # Every pair of different ratings, by the definition: within units, and among all ratings.
    groups = [[1, 2, 2], [3, 3], [5, 4, 5, 4]]
    every = np.concatenate(groups)

    def between(x):
        return ((x[:, None] - x[None]) ** 2).sum()

    observed = sum(between(np.array(g)) / (len(g) - 1) for g in groups) / len(every)
    expected = between(every) / (len(every) * (len(every) - 1))
    assert krippendorff_alpha(groups).effect == pytest.approx(1 - observed / expected)


def test_ranks_alone_count_for_ordinal_ratings():
    stretched = [[np.exp(x) for x in group] for group in units()]
    ordinal = krippendorff_alpha(units(), "ordinal").effect
    assert krippendorff_alpha(stretched, "ordinal").effect == pytest.approx(ordinal)
    assert krippendorff_alpha(stretched, "interval").effect != pytest.approx(ordinal, abs=0.01)


def test_perfect_agreement_and_none():
    same = [[value] * 3 for value in (1, 2, 5, 7)]
    assert icc(same).effect == 1
    assert krippendorff_alpha(same, "ordinal").effect == 1
    assert icc([[1, 5], [5, 1], [1, 5]]).effect < 0


def test_the_interval_of_icc_covers_with_unequal_numbers_of_ratings():
    rng = np.random.default_rng(0)
    sizes, covered = [2, 2, 3] * 10, 0
    for _ in range(400):
        groups = [rng.normal() + rng.normal(size=n) * 1.5 for n in sizes]
        low, high = icc(groups, confidence=0.9).interval
        covered += low <= 1 / (1 + 1.5**2) <= high
    assert within_three_errors(covered / 400, 0.9, 400)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: icc([[1, 2]]), "1 subjects"),
        (lambda: icc([[1], [2]]), "one with two"),
        (lambda: icc([[3, 3], [3, 3]]), "undefined"),
        (lambda: krippendorff_alpha([[1, 2], [3]]), "1 subjects"),
        (lambda: krippendorff_alpha([[3, 3], [3, 3]]), "undefined"),
        (lambda: krippendorff_alpha([[1, 2], [2, 1]], "ratio"), "ratio"),
    ],
)
def test_undefined_agreement_is_refused(call, word):
    with pytest.raises(UserError, match=word):
        call()
