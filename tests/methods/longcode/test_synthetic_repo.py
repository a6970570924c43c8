"""Synthetic packages: size and distance as chosen, one answer, and nothing to guess it by."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.longcode.check_questions import check_questions
from lit_research.methods.longcode.counters import Characters
from lit_research.methods.longcode.question_builder import build_questions
from lit_research.methods.longcode.synthetic_repo import SyntheticRepo


@settings(deadline=None, max_examples=25)
@given(tokens=st.integers(256, 4000), share=st.floats(0, 0.75), seed=st.integers(0, 2**31))
def test_size_and_distance_are_as_chosen(tokens, share, seed):
    distance = int(share * (tokens - 130))
    made = SyntheticRepo(tokens, Characters(), distance=distance, seed=seed).items(4)
    for item in made.items:
        assert abs(item.tokens - tokens) <= 0.06 * tokens + 60
        # Next to the four functions, which stand together, and one unit that may be over.
        assert distance <= int(item.source["distance"]) <= distance * 1.05 + 150
        [span] = item.evidence
        line = made.trees[item.tree].files[span.file].split("\n")[span.first - 1]
        assert f"={item.options[item.answer]})" in line


def test_items_are_confirmed_by_the_checker():
    for options in (
        {"tokens": 400, "per_tree": 4},
        {"tokens": 3000, "distance": 1000},
        {"tokens": 800, "kind": "returns", "per_tree": 4},
        {"tokens": 2000, "kind": "returns", "hops": 3, "per_tree": 4},
    ):
        assert check_questions(SyntheticRepo(counter=Characters(), **options).items(4)) == []


def test_a_chain_of_calls_goes_through_as_many_files():
    for hops in (1, 2, 3):
        made = SyntheticRepo(1500, Characters(), kind="returns", hops=hops).items(8)
        for item in made.items:
            assert len({span.file for span in item.evidence}) == hops
            assert int(item.source["farthest"]) >= int(item.source["distance"])


def test_options_and_what_comes_after_the_evidence_tell_nothing():
    made = SyntheticRepo(500, Characters(), per_tree=4).items(400)
    assert set(Counter(item.answer for item in made.items).values()) == {100}
    for start in range(0, 400, 4):
        block = made.items[start : start + 4]
        assert len({frozenset(item.options) for item in block}) == 1
        assert {item.options[item.answer] for item in block} == set(block[0].options)
        text = "".join(made.trees[block[0].tree].files.values())
        # Each option stands in the package once: where one could be asked about.
        for option in block[0].options:
            assert len(re.findall(rf"\b{option}\b", text)) == 1


def test_all_names_differ_and_all_code_is_python():
    made = SyntheticRepo(20_000, Characters(), seed=5).items(1)
    [tree] = made.trees.values()
    defined = re.findall(r"(?:def|class) (\w+)", "".join(tree.files.values()))
    assert len(defined) == len(set(defined)) > 300
    for path, text in tree.files.items():
        compile(text, path, "exec")


def test_the_builder_asks_about_a_synthetic_package_too():
    [tree] = SyntheticRepo(4000, Characters()).items(1).trees.values()
    built = build_questions([tree], Characters(), kinds=["default", "base"], limit=40)
    assert check_questions(built) == []
    assert len(built.items) == 40


def test_the_same_seed_gives_the_same_items():
    def made(seed):
        return SyntheticRepo(400, Characters(), seed=seed).items(6)

    assert made(1).items == made(1).items
    assert made(1).trees == made(1).trees
    assert made(1).items != made(2).items
    assert len({item.question for item in made(1).items}) == 6


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"tokens": 100}, "tokens is 100"),
        ({"tokens": 300, "distance": 290}, "must leave some"),
        ({"tokens": 300, "hops": 2}, "must be 1 for the kind default"),
        ({"tokens": 300, "kind": "base"}, "must be default or returns"),
        ({"tokens": 300, "kind": "returns", "hops": 4}, "hops is 4"),
        ({"tokens": 300, "per_tree": 5}, "per_tree is 5"),
        ({"tokens": 300, "digits": 1}, "digits is 1"),
    ],
)
def test_bad_input_is_refused(options, wrong):
    with pytest.raises(UserError, match=wrong):
        SyntheticRepo(counter=Characters(), **options).items(1)
