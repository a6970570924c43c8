"""Gates drop what is answered without code, report what they saw, and keep letters even."""

from collections import Counter

import numpy as np
import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode import ItemSet, Origin, QuestionItem, SourceTree
from lit_research.methods.longcode.counters import Characters
from lit_research.methods.longcode.gate_baselines import baselines
from lit_research.methods.longcode.gates import gate_closed_book, gate_options
from lit_research.methods.longcode.synthetic_repo import SyntheticRepo

TREE = SourceTree("t", {"a.py": ""}, Origin("shop"))


def items(count, seed=0, *, kind="default", longest_is_right=0.25):
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        answer = number % 4
        lengths = rng.permutation([4, 5, 6, 7])
        if rng.random() < (longest_is_right - 0.25) / 0.75:
            at = int(np.argmax(lengths))
            lengths[at], lengths[answer] = lengths[answer], lengths[at]
        options = tuple(f"{number:04}{n}{'x' * length}" for n, length in enumerate(lengths))
        name = f"{kind}{number}"
        made.append(QuestionItem(name, kind, "Which?", options, answer, "t", TREE.origin))
    return made


def test_equal_options_are_at_chance_and_are_shown_to_be():
    found = gate_options(ItemSet(items(1800), {"t": TREE})).card["options_only"]
    assert found["dropped_kinds"] == []
    assert found["equal_to_chance"]["longest option"]
    [row] = [r for r in found["rules"] if (r["rule"], r["kind"]) == ("longest option", "all")]
    low, high = row["interval"]
    assert row["n"] == 1800
    assert low < 0.25 < high
    assert high - low < 0.05


def test_few_questions_show_no_equality():
    found = gate_options(ItemSet(items(100), {"t": TREE})).card["options_only"]
    assert not found["equal_to_chance"]["longest option"]


def test_a_kind_that_its_options_give_away_is_dropped():
    given_away = items(300, 1, kind="base", longest_is_right=0.5)
    mixed = ItemSet([*items(300), *given_away], {"t": TREE})
    left = gate_options(mixed)
    assert {item.kind for item in left.items} == {"default"}
    assert left.card["options_only"]["dropped_kinds"] == ["base"]
    with pytest.raises(UserError, match="all kinds of question"):
        gate_options(ItemSet(given_away, {"t": TREE}))


def test_kinds_at_chance_are_rarely_dropped():
    dropped = 0
    for seed in range(20):
        kinds = [one for k in ("base", "default") for one in items(60, seed, kind=k)]
        dropped += bool(
            gate_options(ItemSet(kinds, {"t": TREE})).card["options_only"]["dropped_kinds"]
        )
    assert dropped <= 4  # 5% of 20 is 1; 4 or fewer with a chance of 99.7%


def test_baselines_need_questions():
    with pytest.raises(UserError, match="no questions"):
        baselines([])


def test_closed_book_drops_what_is_known_without_code_in_all_rotations():
    asked = ItemSet(items(41), {"t": TREE})
    known = {item.id: item.options[item.answer] for item in asked.items[:9]}
    calls = []

    def answer(question, repository, options):
        calls.append((question, repository))
        return "ABCD"[next((n for n, o in enumerate(options) if o in known.values()), 0)]

    left = gate_closed_book(asked, answer, name="memory")
    card = left.card["closed_book"]
    assert set(card["dropped"]) >= set(known)
    assert card["asked"] == 41
    assert card["expected_by_chance"] == pytest.approx(41 / 256)
    assert len(left.items) == 41 - len(card["dropped"])
    assert set(calls) == {("Which?", "shop")}
    assert len(calls) == 41 * 4
    counts = Counter(item.answer for item in left.items)
    assert max(counts.values()) - min(counts[n] for n in range(4)) <= 1
    for item in left.items:
        before = next(one for one in asked.items if one.id == item.id)
        assert item.options[item.answer] == before.options[before.answer]


def test_closed_book_takes_what_is_no_letter_as_wrong():
    asked = ItemSet(items(8), {"t": TREE})
    left = gate_closed_book(asked, lambda *question: "I do not know", name="silent")
    assert len(left.items) == 8
    assert left.card["closed_book"]["accuracy"] == 0
    always_a = gate_closed_book(asked, lambda *question: "A", name="A")
    assert len(always_a.items) == 8
    assert always_a.card["closed_book"]["accuracy"] == 0.25


def test_synthetic_questions_are_at_chance_by_their_options():
    made = SyntheticRepo(300, Characters(), per_tree=4).items(1800)
    found = gate_options(made).card["options_only"]
    assert found["dropped_kinds"] == []
    assert found["equal_to_chance"]["longest option"]
