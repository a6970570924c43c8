"""Votes: the answer that most attempts state; ties and too few answers tell nothing."""

import pytest

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.evals import MajorityVote, Verifier
from tests.evals.attempts import attempt


def number(text):
    return str(float(text))


def outcomes(verifier, attempts):
    return [verdict.outcome for verdict in verifier.verify(attempts)]


def test_the_most_frequent_answer_of_each_question_is_right():
    attempts = [
        attempt("4", name="a"),
        attempt("7", name="b"),
        attempt(text=r"\boxed{ 4 }", name="a"),
        attempt("7", name="b"),
        attempt("5", name="a"),
        attempt(text="no idea", name="a"),
    ]
    found = MajorityVote().verify(attempts)
    assert [v.outcome for v in found] == ["right"] * 4 + ["wrong", "cannot tell"]
    assert found[-1].reason == "no final answer: none"
    found[-1:] = []
    reordered = [attempts[i] for i in (4, 3, 2, 1, 0)]
    assert MajorityVote().verify(reordered) == [found[i] for i in (4, 3, 2, 1, 0)]


def test_ties_and_too_few_answers_tell_nothing():
    tied = MajorityVote().verify([attempt(x) for x in ("1", "2", "2", "1", "3")])
    assert {v.reason for v in tied} == {"tie: two answers with 2 of 5 votes"}
    [alone] = MajorityVote().verify([attempt("1")])
    assert alone.reason == "too few: 1 of at least 2 answers"
    assert outcomes(MajorityVote(min_parsed=1), [attempt("1")]) == ["right"]
    [long] = MajorityVote(min_parsed=1, max_characters=3).verify([attempt("1234")])
    assert long.reason == "no final answer: too long: 4 characters, over 3"
    assert MajorityVote().verify([]) == []


def test_equivalence_is_by_a_function_that_a_config_names():
    config = {
        "class_path": "lit_research.evals.MajorityVote",
        "init_args": {"normalise": f"{__name__}.number"},
    }
    verifier = make_object(Verifier, config)
    assert outcomes(verifier, [attempt("0.5"), attempt(".50"), attempt("2")])[2] == "wrong"
    assert verifier.card()["normalise"] == f"{__name__}.number"
    assert MajorityVote().card() == {
        "name": "MajorityVote",
        "normalise": "lit_research.evals.exact_match.collapse_space",
        "min_parsed": 2,
        "max_characters": 2_000_000,
    }


def test_it_needs_no_key_and_refuses_what_is_out_of_range():
    MajorityVote().check_keys([attempt()])
    with pytest.raises(UserError, match="min_parsed is 0, of MajorityVote; must be at least 1"):
        MajorityVote(min_parsed=0)
