"""Word problems: their answers, what is planted among them, and how much of it the rules find."""

import itertools
import json
import re

import pytest

from lit_research.errors import UserError
from lit_research.methods.openthoughts import Decontaminate, WordedWorld
from lit_research.methods.openthoughts.reasoning_world import COLUMNS, ITEM_COLUMNS, SPLITS
from lit_research.methods.openthoughts.story_draws import LENGTHS
from lit_research.methods.openthoughts.story_forms import FORMS
from lit_research.methods.openthoughts.worded_world import GRADES, LEAKS, SHARED
from lit_research.text import Normalisation, load_tokenizer
from lit_research.text.indel import similarities
from lit_research.text.normalisation import numbers
from tests.methods.openthoughts import graded

pytest.importorskip("rapidfuzz")

EACH = 200  # planted rows of a kind, of which rules find a share


@pytest.fixture(scope="module")
def world():
    return WordedWorld(seed=0)


@pytest.fixture(scope="module")
def tokenizer(world, tmp_path_factory):
    return graded.own_tokenizer(world, tmp_path_factory.mktemp("tokenizer"))


def items_of(world):
    return [item for split in SPLITS for item in world.items(split)]


def pattern(form):
    """Return the regular expression of a form, with its number as the group."""
    text = re.escape(form).replace(r"\{number\}", r"(\d+)")
    text = re.sub(r"\\\{\w+\\\}", ".+?", text)
    return text.replace(r"\[", "(?:").replace(r"\|", "|").replace(r"\]", ")")


PATTERNS = [
    (kind, re.compile(pattern(form), re.IGNORECASE)) for kind in FORMS for form in FORMS[kind]
]


def read(question):
    """Return the answer to a question, and its steps, from its sentences."""
    value, steps = None, 0
    *told, asked = re.split(r"(?<=[.?]) (?=[A-Z0-9])", question)
    for sentence in [*told, asked]:
        found = [(kind, match) for kind, one in PATTERNS if (match := one.fullmatch(sentence))]
        (kind,) = {kind for kind, _ in found}
        assert (kind == "ask") == (sentence is asked)
        if kind in ("aside", "ask"):
            continue
        (number,) = {int(match[1]) for _, match in found}
        if kind == "start":
            assert value is None
            value = number
            continue
        steps += 1
        value = {"more": value + number, "fewer": value - number, "times": value * number}[kind]
    return str(value), steps


def test_answers_are_those_that_reading_the_sentences_gives(world):
    rows = world.rows(1000)
    for row in rows:
        assert tuple(row) == COLUMNS
        assert LENGTHS[0] <= len(row["question"]) <= LENGTHS[1]
        assert read(row["question"])[0] == row["answer"]
    for split in SPLITS:
        items = world.items(split)
        assert len(items) == 300
        for item in items:
            assert tuple(item) == ITEM_COLUMNS
            assert read(item["question"]) == (item["answer"], item["difficulty"])
    every = [row["question"] for row in [*rows, *items_of(world)]]
    assert len(set(every)) == len(every)
    assert len({row["id"] for row in rows}) == len(rows)


def test_the_world_depends_on_its_seed_and_sizes_are_prefixes(world):
    assert WordedWorld(0).rows(20) == world.rows(20) == world.rows(50)[:20]
    assert WordedWorld(1).rows(20) != world.rows(20)
    assert WordedWorld(0).duplicated(2, 3) == world.duplicated(2, 3)
    assert WordedWorld(0, evaluation=20).items("test") == world.items("test")[:20]


def test_copies_are_as_far_from_their_origins_as_their_grade_says(world):
    each = 30
    rows, planted = world.duplicated(each, 50)
    by_id = {row["id"]: row for row in rows}
    assert len(rows) == len(by_id) == 2 * each * len(GRADES) + 50
    assert len({one.of for one in planted.values()}) == len(planted)  # one copy of each
    assert not planted.keys() & {one.of for one in planted.values()}
    kinds = [one.kind for one in planted.values()]
    assert {kind: kinds.count(kind) for kind in GRADES} == dict.fromkeys(GRADES, each)
    normalised = Normalisation()
    for name, one in planted.items():
        copy, origin = by_id[name]["question"], by_id[one.of]["question"]
        assert (copy == origin) == (one.kind == "exact")
        assert (normalised(copy) == normalised(origin)) == (one.kind in ("exact", "spacing"))
        assert (numbers(copy) == numbers(origin)) == (one.kind != "number")
        assert (by_id[name]["answer"] == by_id[one.of]["answer"]) == (one.kind != "number")
        (similarity,) = similarities([normalised(copy)], [normalised(origin)])
        if one.kind.endswith("%"):
            share = int(one.kind[:-1]) / 100
            different = sum(a != b for a, b in zip(copy, origin, strict=True))
            assert different == max(1, round(share * len(origin)))
            assert similarity == pytest.approx(1 - different / len(origin), abs=0.01)
        if one.kind == "number":
            assert len(copy) == len(origin)
            assert sum(a != b for a, b in zip(numbers(copy), numbers(origin), strict=True)) == 1
            assert read(copy)[0] == by_id[name]["answer"]
        if one.kind == "paraphrase":
            assert similarity < 0.9
            assert read(copy) == read(origin)


def longest_run(first, second):
    """Return the length of the longest run that two sequences share, by its definition."""
    longest, before = 0, [0] * (len(second) + 1)
    for a in first:
        now = [0] * (len(second) + 1)
        for place, b in enumerate(second):
            if a == b:
                now[place + 1] = before[place] + 1
        longest, before = max(longest, *now), now
    return longest


def test_leaks_share_as_much_with_their_item_as_their_kind_says(world, tokenizer):
    each = 15
    rows, planted = world.leaked(each, 40, tokenizer)
    items = {item["id"]: item for item in items_of(world)}
    assert len(rows) == each * len(LEAKS) + 40
    kinds = [one.kind for one in planted.values()]
    assert {kind: kinds.count(kind) for kind in LEAKS} == dict.fromkeys(LEAKS, each)
    normalised, loaded = Normalisation(), load_tokenizer(tokenizer)

    def tokens(text):
        return loaded.encode(normalised(text), add_special_tokens=False)

    others = [tokens(item["question"]) for item in itertools.islice(items.values(), 40)]
    for row in rows:
        one = planted.get(row["id"])
        if one is None:
            assert read(row["question"])[0] == row["answer"]
            continue
        item = items[one.of]
        if one.kind == "whole":
            assert row["question"] != item["question"]
            assert normalised(row["question"]) == normalised(item["question"])
            assert row["answer"] == item["answer"]
            continue
        assert row["answer"] is None
        if one.kind == "inside":
            assert f" {item['question']} " in row["question"]
            continue
        count = int(one.kind.split()[0])
        assert count in SHARED
        found = tokens(row["question"])
        assert longest_run(found, tokens(item["question"])) == count
        assert max(longest_run(found, other) for other in others) <= count


@pytest.fixture(scope="module")
def found(world, tmp_path_factory):
    return {
        rule: graded.duplicates(world, rule, tmp_path_factory.mktemp("duplicates"), EACH)
        for rule in graded.RULES
    }


@pytest.mark.parametrize("rule", [*graded.RULES])
def test_duplicates_are_found_by_grade_and_nothing_else_is(found, rule):
    counts, each = found[rule], EACH
    assert counts["others"] == 0
    assert counts["exact"] == counts["spacing"] == each
    assert counts["8%"] == counts["paraphrase"] == 0
    if rule == "exact":
        assert counts["1%"] == counts["3%"] == counts["number"] == 0
        return
    assert counts["1%"] >= 0.99 * each
    assert counts["3%"] >= 0.99 * each
    # The published rule takes another number for a duplicate, whatever the answer.
    assert counts["number"] == 0 if "numbers" in rule else counts["number"] >= 0.95 * each


def test_leaks_are_found_and_clean_rows_are_kept(world, tokenizer):
    counts, _, named = graded.leaks(world, tokenizer, EACH)
    for kind in LEAKS:
        if kind == "12 tokens":
            assert counts[kind, "ngram"] == 0
        else:
            assert counts[kind, "any"] >= 0.99 * EACH
    assert counts["clean", "any"] <= 0.02 * graded.CLEAN
    assert named >= 0.98  # an item can share other words with a leak of another


def test_the_stage_rejects_the_leaks_that_are_found(tokenizer, tmp_path):
    world = WordedWorld(1, evaluation=40)
    _, dropped, _ = graded.leaks(world, tokenizer, each=10, clean=40)
    items = graded.evaluation(world)
    lines = [
        json.dumps({"id": id, "question": text})
        for id, text in zip(items.ids, items.texts, strict=True)
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(lines))
    stage = Decontaminate({"exam": str(tmp_path / "items.jsonl")}, tokenizer)
    rows, planted = world.leaked(10, 40, tokenizer)
    rejected = graded.rejected(rows, stage, tmp_path / "rows")
    assert rejected.keys() == dropped
    for name in rejected.keys() & planted.keys():
        assert re.fullmatch(r"(ngram|similarity) \S+ with (validation|test)-\d+", rejected[name])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: WordedWorld(evaluation=0), "evaluation is 0, in init_args of WordedWorld"),
        (lambda w: w.items("train"), "split is 'train', of WordedWorld"),
        (lambda w: w.rows(0), "count is 0"),
        (lambda w: w.duplicated(0, 1), "each is 0"),
        (lambda w: w.duplicated(1, -1), "clean is -1"),
        (lambda w: w.leaked(1, 0, "bytes"), "no text shares 12 tokens with an item and no more"),
    ],
)
def test_what_the_world_does_not_have_is_refused(call, message):
    with pytest.raises(UserError, match=message):
        call(WordedWorld(0, 50))
