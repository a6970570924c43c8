"""Answers become texts, or have a reason."""

import pytest

from lit_research.errors import UserError
from lit_research.methods.megadocs import AnswerReader

SOURCE = "The cat sat on the mat and the dog sat on the log until it was late."
TEXT = "A cat was sitting on its mat. On a log there was a dog."


def words(text: str) -> int:
    return len(text.split())


def read(answer: str, cut: bool = False, **options: object):
    return AnswerReader(**options).read(answer, SOURCE, words, cut=cut)


@pytest.mark.parametrize(
    "answer",
    [
        f"Here is the rewritten article:\n\n{TEXT}",
        f"Sure! Here's a rephrased version of the text in high-quality English:\n{TEXT}",
        f"**Rephrased text:**\n{TEXT}",
        f"```\n{TEXT}\n```",
        f"Of course. Below is the article:\n\n```text\n{TEXT}\n```\n",
    ],
)
def test_prefaces_and_fences_are_taken_off(answer):
    made = read(answer)
    assert (made.text, made.reason, made.stripped) == (TEXT, None, True)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        "Here is where the cat sat: on a mat of straw.",
        "Code such as ```x = 1``` is inside.",
        "Sure footing matters to cats: they sit.",
    ],
)
def test_other_texts_are_left_alone(answer):
    made = read(answer)
    assert (made.text, made.reason, made.stripped) == (answer, None, False)


@pytest.mark.parametrize(
    ("answer", "options", "reason"),
    [
        ("I'm sorry, but I can't help with that.", {}, "refused"),
        ("Unfortunately, I cannot rewrite this text.", {}, "refused"),
        ("As an AI language model, I", {}, "refused"),
        ("Here is the text:\nI am unable to assist.", {}, "refused"),
        ("", {}, "too short"),
        ("Three words here", {"min_tokens": 4}, "too short"),
        (TEXT, {"max_tokens": 5}, "too long"),
        (TEXT, {"cut": True}, "cut"),
        (SOURCE, {}, "copied"),
        ("the dog sat", {}, "copied"),
        (f"Indeed. {SOURCE}", {"max_copied": 0.5}, "copied"),
    ],
)
def test_unusable_answers_have_a_reason(answer, options, reason):
    made = read(answer, **options)
    assert (made.text, made.reason) == ("", reason)


def test_limits_can_be_lifted():
    assert read(TEXT, cut=True, keep_cut=True).text == TEXT
    assert read(SOURCE, max_copied=None).text == SOURCE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_tokens": 0}, "min_tokens is 0, of AnswerReader; must be at least 1"),
        ({"prefaces": ["("]}, "the pattern '\\(' is invalid"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(UserError, match=message):
        AnswerReader(**options)
