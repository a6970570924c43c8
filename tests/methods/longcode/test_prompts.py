"""Prompts: the paper's byte by byte, and code that is shown and taken apart again."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.longcode import Origin, QuestionItem, RepairItem
from lit_research.methods.longcode.dumps import dump_file, dump_files, split_dump
from lit_research.methods.longcode.patches import patch_files
from lit_research.methods.longcode.prompts import (
    PromptStyle,
    options_of,
    question_block,
    question_parts,
    repair_parts,
)

# What the released code (Zteefano/long-code-bench at c403924) makes of the texts below.
OFFICIAL = json.loads(Path(__file__).with_name("official_prompts.json").read_text())
CART = "LIMIT = 3\n\n\ndef price(n):\n    return n * LIMIT\n"
OPTIONS = ("6", "5", "2, as a float", "None")
QUESTION = "What does price return for 2?"
ORIGIN = Origin("me/shop")
ITEM = QuestionItem("q", "default", QUESTION, OPTIONS, 0, "t", ORIGIN)
FAULT = RepairItem("r", "mutation", "price is wrong\nfor 2.", "t", "", "", ("a",), (), ORIGIN)


@pytest.mark.parametrize("format", ["post", "pre", "without"])
def test_questions_are_those_of_the_paper_byte_by_byte(format):
    code = dump_files([("shop/cart.py", CART), ("README.md", "# Shop\n")])
    context, rest = PromptStyle(questions=format).parts(ITEM, code)
    assert context + rest == OFFICIAL["questions"][format]


def test_repairs_are_in_style_3_byte_by_byte():
    code = dump_files([("app.py", "import shop"), ("shop/cart.py", CART)], numbered=True)
    readme = dump_file("README.md", "# Shop\n", numbered=True)
    assert "".join(repair_parts(FAULT.statement, code, readmes=readme)) == OFFICIAL["style-3"]


def test_the_code_ends_the_first_part_so_that_questions_can_share_it():
    code = dump_files([("a.py", "x")])
    contexts = {PromptStyle().parts(ITEM, code, rotation)[0] for rotation in range(4)}
    assert contexts == {f"Repository:\n{code}\n"}
    assert PromptStyle().parts(ITEM, code, 1)[1].endswith("A) None\nB) 6\nC) 5\nD) 2, as a float")


@pytest.mark.parametrize(
    ("answer", "numbered", "words"),
    [
        ("diff", True, "git apply"),
        ("search-replace", False, "<<<<<<< SEARCH"),
        ("whole-file", False, "all lines of the file"),
    ],
)
def test_a_repair_is_asked_for_in_three_forms(answer, numbered, words):
    style = PromptStyle(repairs=answer)
    assert style.numbered(FAULT) is numbered
    assert style.numbered(ITEM) is False
    context, rest = style.parts(FAULT, "CODE")
    assert context.endswith("\nCODE\n")
    assert words in rest
    assert rest.endswith("Respond below:\n\n")


@pytest.mark.parametrize("answer", ["search-replace", "whole-file"])
def test_the_form_that_is_asked_for_is_the_one_that_is_read(answer):
    example = PromptStyle(repairs=answer).parts(FAULT, "")[1].partition("path/to/file.py")[2]
    example = f"path/to/file.py{example.partition('Respond below')[0]}"
    found = patch_files({"path/to/file.py": "old lines\n"}, example, answer)
    new = {"search-replace": "new lines\n", "whole-file": "all lines of the file\n"}[answer]
    assert found.files == {"path/to/file.py": new}


@pytest.mark.parametrize("goal", ["final_answer", "answer_line"])
def test_other_goals_ask_for_a_last_line(goal):
    for format in ("post", "pre", "without"):
        text = "".join(question_parts("BLOCK", "CODE", "me/shop", format, goal))
        assert "nswer: '" in text or "ANSWER: '" in text
        assert ("CODE" in text) == (format != "without")


def test_another_format_is_refused():
    with pytest.raises(UserError, match="questions is 'past', in PromptStyle; did you mean post"):
        PromptStyle(questions="past")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(TEXTS, st.lists(TEXTS, min_size=4, max_size=4))
def test_options_are_parsed_from_a_block(question, options):
    found = options_of(question_block(question, options))
    assert found is not None
    if not any(f"\n{letter}) " in f"\n{text}" for letter in "ABCD" for text in options):
        assert found[1] == tuple(options)
        assert found[0] == question.removeprefix("Question:\n").strip("\n")


def test_a_list_in_the_question_is_not_taken_for_its_options():
    block = "Question:\nWhich?\nA) no\nB) no\nC) no\nD) no\n\nA) 1\nB) 2\nC) 3\nD) 4"
    assert options_of(block) == ("Which?\nA) no\nB) no\nC) no\nD) no", ("1", "2", "3", "4"))
    assert options_of("Question:\nWhich?\n\nA) 1\nB) 2\nC) 3") is None


PATHS = st.text("ab/._", min_size=1, max_size=5)
LINES = st.sampled_from(["x", "", "[start of a]", "[end of a]", "1 2", "é", "\t", "[end of b]"])
FILES = st.dictionaries(PATHS, st.lists(LINES, max_size=6).map("\n".join), min_size=1, max_size=4)


@given(FILES, st.booleans())
def test_a_dump_is_taken_apart_only_into_what_gives_it_again(files, numbered):
    dump = dump_files(files.items(), numbered=numbered)
    found = split_dump(dump, numbered=numbered)
    assert found is None or dump_files(found.items(), numbered=numbered) == dump
    if not any("[start of" in text or "[end of" in text for text in files.values()):
        assert found == files
        assert list(found) == list(files)


@pytest.mark.parametrize(
    "dump", ["x", "[start of a]\nx", "[start of a]\nx\n[end of a]\n[start of a]\ny\n[end of a]"]
)
def test_what_is_no_dump_is_not_taken_apart(dump):
    assert split_dump(dump) is None
