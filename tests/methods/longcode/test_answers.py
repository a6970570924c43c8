"""Rules that read a letter from a text; what the paper's rule reads wrongly is a test."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.longcode.answers import RULES, parse, parse_all


@pytest.mark.parametrize(
    ("text", "strict", "paper", "boxed", "first"),
    [
        ("Final Answer: B", "B", "B", None, "B"),
        ("It is so.\n\n**Final Answer: C**", "C", "C", None, "C"),
        ("Final Answer: Because the loop ends.", None, "B", None, None),
        ("Final Answer: all of them", None, "A", None, None),
        ("The object that it returns is a", None, "A", None, None),
        ("A function is what it returns.", None, None, None, "A"),
        ("B", "B", "B", None, "B"),
        ("(d)", None, None, None, None),
        ("D.", "D", None, None, "D"),
        ("**B) the second\n**", "B", None, None, "B"),
        ("B. The second", "B", None, None, "B"),
        ("B.second", None, None, None, "B"),
        ("so I say \\boxed{B}", None, None, "B", "B"),
        (r"\boxed{A} or rather \boxed{\text{C}}", None, None, "C", "A"),
        ("ANSWER: A", "A", "A", None, "A"),
        ("Answer: A\nNo.\nAnswer: D\nI am sure.", "D", None, None, "A"),
        ("The correct answer is (C).", "C", None, None, "C"),
        ("The answer is a", None, "A", None, None),
        ("Final answer: c", "C", "C", None, None),
        ("Final Answer:\n\nB", None, "B", None, "B"),
        ("<think>Final Answer: A</think>\nB", "B", "A", None, "A"),
        ("Final Answer: A or B", None, "A", None, "A"),
        ("Final Answer: E", None, None, None, None),
        ("", None, None, None, None),
    ],
)
def test_rules(text, strict, paper, boxed, first):
    assert parse_all(text) == {
        "strict": strict,
        "paper": paper,
        "boxed": boxed,
        "first_letter": first,
    }


def test_strict_is_the_default_and_another_rule_is_refused():
    assert parse("Final Answer: Because") is None
    assert parse("Final Answer: Because", "paper") == "B"
    with pytest.raises(UserError, match="the rule is 'papr', in parse; did you mean paper"):
        parse("", "papr")


@given(st.text())
def test_any_text_gives_a_letter_or_none(text):
    assert set(parse_all(text).values()) <= {None, "A", "B", "C", "D"}


SENTENCES = st.text(st.characters(codec="ascii", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e<"))


@given(st.lists(SENTENCES), st.sampled_from("ABCD"), st.sampled_from(["", "**", "`", "__"]))
def test_a_last_line_that_states_the_answer_is_read_whatever_is_above(lines, letter, mark):
    text = "\n".join([*lines, f"{mark}Final Answer: {letter}{mark}"])
    assert parse(text) == letter


@given(SENTENCES.filter(lambda s: "answer" not in s.lower()), SENTENCES)
def test_strict_reads_no_letter_from_prose(one, two):
    text = f"{one} words\n{two.replace('nswer', '')} words"
    assert parse(text) is None


@given(st.text(alphabet="ABCDabcd :FinalAnswer\n.)"))
def test_the_papers_rule_is_its_two_expressions(text):
    expected = re.search(r"Final Answer:\s*([ABCD])", text, re.I) or re.search(
        r"\b([ABCD])\s*$", text.strip(), re.I
    )
    assert parse(text, "paper") == (expected and expected.group(1).upper())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "piece", ["answer: ", "* ", "\\boxed{ ", "A ", "Final Answer: ", "(", "> "]
)
def test_a_long_text_takes_no_longer_than_its_length(rule, piece):
    begun = time.monotonic()
    parse(piece * 50_000, rule)
    parse((piece + "\n") * 20_000, rule)
    assert time.monotonic() - begun < 2
