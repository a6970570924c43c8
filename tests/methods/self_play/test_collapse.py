"""The collapse statistics, of one round and over several."""

import math

import pytest

from lit_research.lean import parse_statement
from lit_research.methods.self_play.collapse import (
    STATISTICS,
    collapse_statistics,
    disjunctive_share,
    interior_share,
    mean_conclusion_length,
    mean_over_rounds,
)


def test_collapse_shows_in_the_statistics():
    clean = parse_statement("theorem t (p q : Prop) (h : p ∨ q) : q")
    messy = parse_statement("theorem t (p q : Prop) : p ∨ q ∨ (p → q)")
    assert disjunctive_share([clean, messy, messy, messy]) == 0.75
    assert mean_conclusion_length([clean, messy]) == (1 + 9) / 2
    assert interior_share([c / 8 for c in range(9)]) == pytest.approx(7 / 9)
    assert all(math.isnan(value) for value in collapse_statistics([]).values())


def test_the_statistics_of_several_rounds_are_those_of_all_their_conjectures():
    combined = mean_over_rounds([[1, 1.0, 9.0, 0.0], [3, 0.0, 5.0, 1.0]])
    assert combined == {
        "disjunctive_share": 0.25,
        "conclusion_length_tokens": 6.0,
        "interior_share": 0.75,
    }
    assert tuple(combined) == STATISTICS
    assert mean_over_rounds([]) == mean_over_rounds([[0, 0.0, 0.0, 0.0]]) == {}
