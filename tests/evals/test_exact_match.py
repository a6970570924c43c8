"""Answers read in completions, and compared with the references."""

import math

import pytest

from lit_research.errors import UserError
from lit_research.evals import Answer, clustered_mean, exact_match, last_match, parse_answers
from lit_research.lm.engines import Completion


def completion(text, finish_reason="stop"):
    return Completion(text, (), (), finish_reason, 0, 0)


def test_the_last_answer_is_read_and_what_cannot_be_read_is_counted():
    completions = [
        completion("#### 3, no: #### 18"),
        completion("I think it is 18"),
        completion("#### 1", "length"),
        Completion.failure("refused #### 18", weight_version=0, prompt_index=3),
        completion("####  1  8 "),
    ]
    answers = parse_answers(completions, last_match(r"#### *([^,#]+)"))
    assert answers == [
        Answer("18"), Answer(None), Answer("1", truncated=True), Answer(None), Answer("1  8 ")
    ]  # fmt: skip
    found = exact_match(answers, ["18", "18", "18", "18", "1 8"])
    assert (found.name, found.n, found.value) == ("exact_match", 5, 0.4)
    assert found.stderr == pytest.approx(math.sqrt(0.4 * 0.6 / 4))
    assert (found.samples, found.parse_failures, found.truncated) == (5, 2, 1)
    joined = exact_match(answers[-1:], ["18"], normalise=lambda text: "".join(text.split()))
    assert joined.value == 1.0


def test_several_answers_to_a_question_are_clustered():
    answers = [Answer("a"), Answer("a"), Answer("b"), Answer("c")]
    found = exact_match(answers, ["a", "a", "c", "c"], ["q1", "q1", "q2", "q2"])
    assert (found.n, found.samples) == (2, 4)
    expected = clustered_mean([1, 1, 0, 1], [0, 0, 1, 1])
    assert (found.value, found.stderr) == expected == (0.75, 0.25)


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="1 references for 2 answers, in exact_match; must be one"):
        exact_match([Answer("a"), Answer("b")], ["a"])
    with pytest.raises(UserError, match="pattern is 'answer', in last_match; must have a group"):
        last_match("answer")
