"""Final answers found in texts, and what is found in none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.evals import Final, parse_final

MANY = 1_000_000


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{3}, no: \boxed{ 4 }.", "4"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\left\{ 1, 2 \right.}", r"\left\{ 1, 2 \right."),
        (r"\fbox {x}", "x"),
        (r"\boxed{a + \boxed{b}}", r"a + \boxed{b}"),
        (r"put it in \boxed{ please. It is \boxed{5}", "5"),
        (r"line \\\boxed{6}", "6"),
        (r"\\boxed{7}", "7"),
        (r"} \boxed{8} {", "8"),
        (r"\boxed{9} \boxedness", "9"),
        ("<think>\\boxed{1}</think>The final answer is 2.", "2"),
        ("<|begin_of_thought|> \\boxed{1} <|end_of_thought|> so \\boxed{3}", "3"),
        ("<think>\\boxed{1}</think>\n", "1"),
        ("12 + 6 = 18\n#### 18\n", "18"),
        ("it is #### 1,000", "1,000"),
        ("The final answer is 3.14. I hope so.", "3.14"),
        ("**Final Answer:** 42", "42"),
        ("Final answer:\n\n$x = 3.5$ or so", "x = 3.5"),
        (r"the final answer is \(\frac12\).", r"\frac12"),
        (r"the final answer is \boxed{2}, so the final answer is 3", "2"),
        ("Final answer: 1. Wait. Final answer: 2", "2"),
    ],
)
def test_the_last_final_answer_is_found(text, answer):
    assert parse_final(text) == Final(answer)


@pytest.mark.parametrize(
    "text",
    ["", "it is 5", "#### Step 3\nthen 5", "##### 5", "the final answer depends on x", "boxed{5}"],
)
def test_a_text_may_state_none(text):
    assert parse_final(text) == Final(None, "none")


@pytest.mark.parametrize(
    "text",
    [r"\boxed{3} so \boxed{4", r"\boxed{\frac{1}{2}", r"\boxed{}", r"\boxed{3} \boxed 4"],
)
def test_a_broken_box_is_malformed_and_no_earlier_one_takes_its_place(text):
    found = parse_final(text)
    assert found.text is None
    assert found.reason.startswith("malformed: ")


BALANCED = st.recursive(
    st.text("ab \\1", max_size=5).map(lambda text: text.replace("\\", "\\{")),
    lambda inner: st.tuples(inner, inner).map(lambda two: f"{two[0]}{{{two[1]}}}"),
)


@given(st.text("ab{}\\ #$\n"), BALANCED, st.text("ab} #$\n"))
def test_a_balanced_box_is_read_whole_whatever_stands_around_it(before, content, after):
    found = parse_final(f"{before} \\boxed{{{content}}}{after}")
    assert found.text == (content.strip() or None)


PIECES = st.sampled_from(["\\boxed{", "}", "{", "#### ", "final answer is ", "1", "\n", "$"])


@given(st.lists(PIECES).map("".join))
def test_any_text_has_an_answer_or_a_reason_and_the_answer_is_part_of_it(text):
    found = parse_final(text)
    assert (found.text is None) == bool(found.reason)
    if found.text is not None:
        assert found.text
        assert found.text in text


@pytest.mark.parametrize(
    "piece",
    ["\\boxed{", "{", "\\boxed{1} ", "#", " ", "\\", "final answer is ", "final answer:\n", ". "],
)
def test_a_million_characters_are_read_in_linear_time(piece):
    text = piece * (MANY // len(piece))  # in quadratic time it would not end
    parse_final(f"final answer is {text}")
    assert parse_final(f"{text} \\boxed{{5}}").text == "5"
