"""Built questions have one answer, confirmed by another reading, and options that tell nothing."""

from collections import defaultdict
from dataclasses import replace

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode import ItemSet, Origin, SourceTree
from lit_research.methods.longcode.check_questions import check_questions
from lit_research.methods.longcode.counters import Characters
from lit_research.methods.longcode.question_builder import build_questions
from lit_research.methods.longcode.question_overlap import OVERLAPS
from lit_research.methods.longcode.releases import read_release

SHOP = {
    "shop/prices.py": """\
import re

LIMIT = 30
NAMES = ["a"]
NAMES.append("b")
TWICE = 1
TWICE = 2

def rounded(value, digits=2, *, mode="up", unit=b"x", scale=0.5):
    if digits < 0:
        raise ValueError(digits)
    if value is None:
        raise TypeError("no value")
    if value == "":
        raise LookupError
    if mode == "":
        value = 3
        raise KeyError(mode)
    return helper(value)

def helper(value):
    return value * LIMIT

def impure():
    return open("x")
""",
    "shop/cart.py": """\
from shop.prices import rounded

class Base(dict): pass
class Cart(Base):
    size: int = 45
    def total(self, count=7, step=12, offset=99): return rounded(count)
class Box(Cart): pass
class Bag(list): pass
class Heap(set): pass
""",
    "shop/bad.py": "def hidden(:\n",
    "tests/test_cart.py": "def only_in_tests(value=5): ...\n",
}


def tree(files=SHOP, name="shop-1"):
    return SourceTree(name, files, Origin("shop", "1", licence="MIT"))


@pytest.fixture(scope="module")
def built():
    return build_questions([read_release("werkzeug")], Characters(), limit=160, seed=3)


def test_every_kind_is_built_and_confirmed_by_the_checker(built):
    assert {item.kind for item in built.items} == {
        "default", "raises", "defines", "base", "caller", "returns"
    }  # fmt: skip
    assert len(built.items) == 160
    assert check_questions(built) == []


def test_evidence_holds_the_answer(built):
    for item in built.items:
        files = built.trees[item.tree].shown()
        lines = [files[span.file].split("\n")[span.first - 1 : span.last] for span in item.evidence]
        text = "\n".join(line for some in lines for line in some)
        answer = item.options[item.answer]
        if item.kind == "defines":
            assert {span.file for span in item.evidence} == {answer}
        elif item.kind in ("raises", "base", "caller"):
            assert answer.split(".")[-1] in text, item


def test_four_questions_share_their_options_and_each_option_is_right_once(built):
    blocks = defaultdict(list)
    for item in built.items:
        blocks[item.source["block"]].append(item)
    for items in blocks.values():
        assert len({frozenset(item.options) for item in items}) == 1
        assert {item.options[item.answer] for item in items} == set(items[0].options)
        assert sorted(item.answer for item in items) == [0, 1, 2, 3]


def test_options_alone_tell_nothing(built):
    def rate(score, items):
        total = 0.0
        for item in items:
            scores = [score(item.question, option) for option in item.options]
            total += (scores[item.answer] == max(scores)) / scores.count(max(scores))
        return total / len(items)

    for score in [lambda question, option: len(option), lambda question, option: -len(option)]:
        assert rate(score, built.items) == pytest.approx(0.25)
    for measure in OVERLAPS.values():
        for kind in {item.kind for item in built.items}:
            items = [item for item in built.items if item.kind == kind]
            # Within some standard errors of chance, each of at most sqrt(3/16 n).
            assert abs(rate(measure, items) - 0.25) * len(items) <= (3 / 16 * len(items)) ** 0.5


def test_the_same_input_gives_the_same_items(built):
    again = build_questions([read_release("werkzeug")], Characters(), limit=160, seed=3)
    assert again.items == built.items
    assert again.card == built.card


def test_another_seed_gives_other_items():
    one, other = (
        build_questions([read_release("jsonschema")], Characters(), kinds=["defines"], seed=seed)
        for seed in (1, 2)
    )
    assert one.items != other.items


def test_items_are_kept_in_a_folder(built, tmp_path):
    built.save(tmp_path / "items")
    assert ItemSet.load(tmp_path / "items").items == built.items


def test_evidence_can_be_kept_short():
    werkzeug = read_release("werkzeug")
    short = build_questions([werkzeug], Characters(), evidence_tokens=4000, kinds=["default"])
    for item in short.items:
        files = {span.file for span in item.evidence}
        assert sum(Characters().count([werkzeug.files[file] for file in files])) <= 4000


def facts(kind, files=SHOP):
    from lit_research.methods.longcode.question_builder import _READERS
    from lit_research.methods.longcode.question_facts import Found
    from lit_research.methods.longcode.question_scan import Scan

    found = Found()
    found.add(kind, _READERS[kind](Scan(tree(files)), 0))
    asked = {fact.question.removeprefix("In the package `shop`, "): fact for fact in found.facts}
    return {question: fact.answer for question, fact in asked.items()}, found.dropped


def test_defaults_and_constants():
    found, dropped = facts("default")
    assert found["what value is assigned to `LIMIT`?"] == "30"
    assert found["what value does the body of the class `Cart` assign to `size`?"] == "45"
    question = "what is the default value of the parameter `mode` of `rounded`?"
    assert found[question] == "'up'"
    assert found["which parameter of `rounded` has the default value `0.5`?"] == "scale"
    assert not any("TWICE" in question or "only_in_tests" in question for question in found)
    assert dropped["default: assigned more than once"] == 2


def test_exceptions_are_never_those_that_are_raised_with_them():
    found, _ = facts("raises")
    branch = "which exception does `rounded` raise in the branch with the condition "
    assert found == {
        f"{branch}`digits < 0`?": "ValueError",
        f"{branch}`value is None`?": "TypeError",
        f'{branch}`value == ""`?': "LookupError",
        f'{branch}`mode == ""`?': "KeyError",
    }
    # A KeyError is a LookupError: these two cannot be options of one question.
    with pytest.raises(UserError, match="no question is left"):
        build_questions([tree()], Characters(), kinds=["raises"])


def test_files_base_classes_and_callers():
    assert facts("defines")[0]["In which file is the class `Cart` defined?"] == "shop/cart.py"
    found, _ = facts("base")
    assert found["from which class does the class `Box` inherit directly?"] == "Cart"
    found, _ = facts("caller")
    assert found == {
        "which function or method calls `rounded`?": "Cart.total",
        "which function or method calls `helper`?": "rounded",
    }


def test_what_calls_return_is_found_by_running_them():
    files = {
        "shop/a.py": "import re\nN = 3\nX = {}\nX['a'] = 1\n"
        "def double(x: int):\n    return x * 2 + N\n"
        "def clock(x: int):\n    return __import__('time').time()\n"
        "def scrambled(x: int):\n    return hash(str(x))\n"
        "def order(x: int):\n    return list({str(x), 'a', 'b', 'c', 'd', 'e'})\n"
        "def state(x: int):\n    return X.get(x, x)\n"
        "def endless(x: int):\n    while x: pass\n"
    }
    found, dropped = facts("returns", files)
    assert found
    for question, answer in found.items():
        [argument] = question.split("`double(")[1].split(")`")[:1]
        assert int(answer) == int(argument) * 2 + 3
    assert dropped["returns: another result when run again"] > 10
    assert dropped["returns: needs more than its module"] == 3
    assert dropped["returns: the call fails"] > 10


def test_a_name_in_a_file_that_does_not_parse_is_not_asked_about():
    files = {**SHOP, "shop/bad.py": "def LIMIT(:\n"}
    assert "what value is assigned to `LIMIT`?" not in facts("default", files)[0]


def test_bad_input_is_refused():
    for trees, options, wrong in [
        ([tree({"a.py": "def (:"})], {}, "is Python that parses"),
        ([tree({"README.md": "text"})], {}, "is Python that parses"),
        ([tree({"tests/test_a.py": "x = 1"})], {}, "is Python that parses"),
        ([tree(), tree()], {}, "two trees have the name"),
        ([tree()], {"kinds": ["why"]}, "the kind is 'why'"),
        ([tree()], {"limit": 0}, "limit is 0"),
    ]:
        with pytest.raises(UserError, match=wrong):
            build_questions(trees, Characters(), **options)


@pytest.mark.parametrize("kind", ["default", "raises", "defines", "base", "caller", "returns"])
def test_the_checker_finds_an_answer_that_is_wrong_or_not_unique(built, kind):
    item = next(item for item in built.items if item.kind == kind)
    wrong = replace(item, answer=(item.answer + 1) % 4)
    [failure, *_] = check_questions(replace(built, items=[wrong]))
    assert failure.item == item.id
    assert "is found" in failure.reason
    # The same package once more in another file: where a file is not named, nothing is unique.
    [span, *_] = item.evidence
    whole = built.trees[item.tree]
    copied = replace(whole, files={**whole.files, "werkzeug/copy_of.py": whole.files[span.file]})
    failures = check_questions(replace(built, items=[item], trees={item.tree: copied}))
    if kind not in ("returns", "caller") and f"in `{span.file}`" not in item.question:
        assert "answers are found" in failures[0].reason


def test_the_checker_reports_unbalanced_letters_and_missing_evidence(built):
    same = [item for item in built.items if item.answer == 0]
    assert "not balanced" in check_questions(replace(built, items=same))[-1].reason
    bare = replace(built.items[0], evidence=())
    assert check_questions(replace(built, items=[bare]))[0].reason == "no evidence"
