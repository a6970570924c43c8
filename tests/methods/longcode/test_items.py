"""Items, trees and their folder: what is written is read back, and bad items are refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.longcode import (
    ItemSet,
    Origin,
    QuestionItem,
    RepairItem,
    SourceTree,
    Span,
)

ORIGIN = Origin("shop", "1.0", "ab" * 32, "MIT", 3, "test 1")
TREE = SourceTree("shop-1.0", {"shop/cart.py": "LIMIT = 3\n", "tests/test_cart.py": ""}, ORIGIN)
QUESTION = QuestionItem(
    "q1",
    "default",
    "What is LIMIT?",
    ("1", "2", "3", "4"),
    2,
    TREE.name,
    ORIGIN,
    (Span("shop/cart.py", 1, 1),),
    9,
    {"is_hard": "Yes"},
)
REPAIR = RepairItem(
    "r1", "mutation", "Too few.", TREE.name, "", "--- a", ("t.py::a",), ("t.py::b",), ORIGIN
)


def test_a_folder_holds_items_trees_and_card(tmp_path):
    items = ItemSet([QUESTION, REPAIR], {TREE.name: TREE}, {"counter": "characters / 3.6"})
    items.save(tmp_path / "items")
    found = ItemSet.load(tmp_path / "items")
    assert list(found.items) == [QUESTION, REPAIR]
    assert found.trees == {TREE.name: TREE}
    assert found.card["counter"] == "characters / 3.6"
    assert json.loads((tmp_path / "items/card.json").read_text())["questions"] == 1
    assert (found.questions, found.repairs) == ([QUESTION], [REPAIR])


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    ItemSet([QUESTION, REPAIR], {TREE.name: TREE}).save(tmp_path / "items")
    ItemSet([REPAIR], {TREE.name: TREE}).save(tmp_path / "items")
    assert ItemSet.load(tmp_path / "items").questions == []


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="give a folder of items"):
        ItemSet.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": ("1", "2", "3")}, "must be 4"),
        ({"options": ("1", "2", "2 ", "4")}, "two options are equal"),
        ({"answer": 4}, "must be the index of an option"),
        ({"question": " "}, "the text is empty"),
    ],
)
def test_a_question_without_one_right_option_of_four_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        replace(QUESTION, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fail_to_pass": ()}, "fail_to_pass is empty"),
        ({"pass_to_pass": ("t.py::a",)}, "is in fail_to_pass and in pass_to_pass"),
    ],
)
def test_a_repair_that_no_test_shows_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        replace(REPAIR, **changes)


def test_items_of_one_id_or_without_a_tree_are_refused():
    with pytest.raises(UserError, match="2 items have the id 'q1'"):
        ItemSet([QUESTION, QUESTION], {TREE.name: TREE})
    with pytest.raises(UserError, match=r"names the tree 'shop-1\.0'"):
        ItemSet([QUESTION], {})
    with pytest.raises(UserError, match="names the tree 'hidden'"):
        ItemSet([replace(REPAIR, tests="hidden")], {TREE.name: TREE})


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.py", "a\\b.py"])
def test_a_path_outside_its_tree_is_refused(path):
    with pytest.raises(UserError, match="must be relative"):
        SourceTree("t", {path: ""}, ORIGIN)


@given(st.integers(-9, 9))
def test_rotations_move_the_right_option_with_its_letter(by):
    options, correct = QUESTION.rotated(by)
    assert options[correct] == QUESTION.options[QUESTION.answer]
    assert sorted(options) == sorted(QUESTION.options)
    assert correct == (QUESTION.answer + by) % 4


def test_every_option_stands_at_every_letter_once_in_four_rotations():
    assert {QUESTION.rotated(by)[1] for by in range(4)} == {0, 1, 2, 3}


def test_tests_are_not_shown():
    files = [
        "a.py",
        "tests/x.py",
        "pkg/test/x.py",
        "test_a.py",
        "pkg/conftest.py",
        ".git/x",
        "t.md",
    ]
    tree = SourceTree("t", dict.fromkeys(files, ""), ORIGIN)
    assert list(tree.shown()) == ["a.py", "t.md"]


def test_the_hash_of_a_tree_depends_on_paths_and_texts_alone():
    same = SourceTree("other name", dict(reversed(TREE.files.items())), ORIGIN)
    moved = SourceTree("t", {"shop/cart.p": "yLIMIT = 3\n"}, ORIGIN)
    assert same.sha256() == TREE.sha256() != moved.sha256()
