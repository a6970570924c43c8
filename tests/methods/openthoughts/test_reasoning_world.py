"""What is said about the world is true: answers, shares, planted faults, teachers."""

import itertools
import re

import pytest

from lit_research.errors import UserError
from lit_research.methods.openthoughts import ReasoningWorld
from lit_research.methods.openthoughts.questions import slip, solve
from lit_research.methods.openthoughts.reasoning_world import (
    COLUMNS,
    ITEM_COLUMNS,
    SPLITS,
    exact_count,
)
from tests.methods.openthoughts.evaluator import evaluate

COUNT = 1000
SOURCES = ("good", "easy", "duplicated", "mislabelled", "off_domain", "leaked")


@pytest.fixture(scope="module")
def world():
    return ReasoningWorld(seed=3, evaluation=200)


@pytest.fixture(scope="module")
def sources(world):
    return {name: world.source(name, COUNT) for name in SOURCES}


@pytest.mark.parametrize("name", SOURCES)
def test_keys_are_what_an_evaluator_of_its_own_finds_but_where_planted(world, sources, name):
    rows, planted = sources[name], world.planted(name, COUNT)
    assert len(rows) == COUNT
    assert len({row["id"] for row in rows}) == COUNT
    for row in rows:
        assert tuple(row) == COLUMNS
        assert row["trace"] is row["final"] is None
        true = evaluate(row["question"])
        fault = planted.get(row["id"])
        if fault and fault.kind == "mislabelled":
            assert fault.of == true != row["answer"]
        else:
            assert row["answer"] == true, row


@pytest.mark.parametrize(
    ("name", "share"), [("duplicated", 0.4), ("mislabelled", 0.3), ("good", 0), ("easy", 0)]
)
@pytest.mark.parametrize("count", [1, 2, 101, COUNT])
def test_shares_are_exact(world, name, share, count):
    planted = world.planted(name, count)
    assert len(planted) == exact_count(share, count)
    assert {*planted} <= {row["id"] for row in world.source(name, count)}


def test_two_percent_of_the_evaluation_leak_and_no_other_question_is_on_both_sides(world, sources):
    asked = {item["question"] for split in SPLITS for item in world.items(split)}
    by_id = {item["id"]: item for split in SPLITS for item in world.items(split)}
    assert len(asked) == len(by_id) == 400
    for name, rows in sources.items():
        both = {row["id"] for row in rows if row["question"].strip().lower() in asked}
        leaks = world.planted(name, COUNT) if name == "leaked" else {}
        assert both == {*leaks}
        for row in rows:
            if row["id"] in leaks:
                assert row["question"] == by_id[leaks[row["id"]].of]["question"]
    assert len(world.planted("leaked", COUNT)) == 8


def test_duplicates_are_those_and_no_others(world, sources):
    planted = world.planted("duplicated", COUNT)
    by_id = {row["id"]: row for row in sources["duplicated"]}
    originals = [row for row in by_id.values() if row["id"] not in planted]
    assert len({row["question"] for row in originals}) == len(originals) == 600
    kinds = [fault.kind for fault in planted.values()]
    assert kinds.count("exact") == 134
    assert kinds.count("spacing") > 133 > kinds.count("case") > 0  # sums have no letters
    for name, fault in planted.items():
        copy, original = by_id[name]["question"], by_id[fault.of]["question"]
        assert fault.of not in planted
        assert (copy == original) == (fault.kind == "exact")
        assert " ".join(copy.lower().split()) == " ".join(original.split())
    for name in ("good", "easy", "mislabelled", "off_domain"):
        assert len({row["question"] for row in sources[name]}) == COUNT


def test_difficulty_is_the_number_of_steps(world, sources):
    for split in SPLITS:
        items = world.items(split)
        assert {item["domain"] for item in items} == {"arithmetic", "chains", "programs"}
        for item in items:
            assert tuple(item) == ITEM_COLUMNS
            assert item["answer"] == evaluate(item["question"])
            question, signs = item["question"], r"(?<=[\w)])[-+*](?=\d)"
            steps = len(re.findall(signs, question))
            if loop := re.search(r"range\((\d+)\)", question):
                steps *= int(loop[1])
            assert item["difficulty"] == steps
    assert {item["difficulty"] for item in world.items("test")} == set(range(1, 9))
    assert max(len(solve(row["question"]).results) for row in sources["easy"]) == 2
    assert {row["domain"] for row in sources["off_domain"]} == {"words"}


def steps_of(trace):
    return re.split(r"; |, | |\n", re.sub(r"^[->:] ", "", trace))


STEP = re.compile(r"(?:([b-h])=|(\d):)?(\d+[-+*]\d+)((?:=-?\d+)?)=(\d+)(.*)")


def check_trace(trace, question, final):
    """Every step follows from the one before and says where it is; the last is ``final``."""
    steps = [STEP.fullmatch(step).groups() for step in steps_of(trace)]
    for name, number, written, unreduced, _, rest in steps:
        assert not unreduced or int(unreduced[1:]) == eval(written)
        assert (name is not None) == question.startswith("a=")
        assert (number is not None) == question.startswith("x=")
        assert not name or f"{name}=" in question
        assert question.endswith(rest)
        assert not rest or not (name or number)
    assert steps[-1][4:] == (final, "")
    assert len(steps) == len(solve(question).results)
    for before, after in itertools.pairwise(steps):
        assert int(before[4]) == eval(before[2]) % 97
        assert after[2].startswith(before[4])
        assert (
            before[5].replace(")", "").startswith(after[2][len(before[4]) :] if before[5] else "")
        )
    names, numbers = ([step[place] or "" for step in steps] for place in (0, 1))
    assert names == sorted(names)
    assert numbers == sorted(numbers)


def test_teachers_write_as_much_as_they_say(world, sources):
    rows = sources["good"][:200]
    short, terse, whole = (world.annotate(rows, name) for name in ("T0", "T1", "T2"))
    for row, one, two, three in zip(rows, short, terse, whole, strict=True):
        for made in (one, two, three):
            assert {**made, "trace": None, "final": None} == row
            assert made["final"] == row["answer"]
        assert one["trace"] == ""
        results = solve(row["question"]).results
        assert steps_of(two["trace"]) == results
        check_trace(three["trace"], row["question"], row["answer"])
    assert world.annotate(rows, "T2") == whole
    assert len({re.sub(r"[\d=*+]|(?<=\d)-", "", made["trace"])[:4] for made in whole}) >= 16


@pytest.mark.parametrize("count", [1, 3, 101, COUNT])
def test_a_fifth_of_the_finals_of_t3_are_wrong(world, sources, count):
    made = world.annotate(sources["good"][:count], "T3")
    wrong = [row for row in made if row["final"] != row["answer"]]
    assert len(wrong) == exact_count(0.2, count)
    for row in made:
        check_trace(row["trace"], row["question"], row["final"])


def test_a_teacher_follows_a_wrong_key_only_where_it_trusts_it(world, sources):
    rows = sources["mislabelled"]
    trusting, own = (world.annotate(rows, "T2", trust_key=trust) for trust in (True, False))
    assert all(row["final"] == row["answer"] for row in trusting)
    assert all(row["final"] == evaluate(row["question"]) for row in own)
    wrong = world.annotate(rows, "T3")
    stated_and_true = [(row["final"], evaluate(row["question"])) for row in wrong]
    assert sum(stated != true for stated, true in stated_and_true) >= 300


def test_answers_of_a_question_have_their_own_ids_and_forms(world, sources):
    rows = world.annotate(sources["good"][:10], "T2", answers=16)
    assert len({row["id"] for row in rows}) == 160
    assert [row["question_id"] for row in rows[:17]] == ["good-000000"] * 16 + ["good-000001"]
    for question in {row["question"] for row in rows}:
        forms = {row["trace"] for row in rows if row["question"] == question}
        assert len(forms) == (16 if len(solve(question).results) > 1 else 4)


def test_the_world_depends_on_its_seed_and_sizes_are_prefixes(world, sources):
    same, other = ReasoningWorld(3, 200), ReasoningWorld(4, 200)
    for name in SOURCES:
        assert same.source(name, COUNT) == sources[name]
        assert other.source(name, COUNT) != sources[name]
    for name in ("good", "easy", "off_domain"):
        assert same.source(name, 10) == sources[name][:10]


def test_words_are_solved_letter_by_letter(world, sources):
    row = world.annotate(sources["off_domain"][:1], "T2")[0]
    assert steps_of(row["trace"]) == [row["final"][:end] for end in range(1, len(row["final"]) + 1)]


def test_a_slip_is_wrong(world):
    random = world._random("test")
    for answer in ("0", "5", "96", "goavun"):
        wrong = {slip(answer, random) for _ in range(40)}
        assert answer not in wrong
        assert len(wrong) == (2 if answer == "goavun" else 4)
    assert all(slip("5", random, but=["6"]) != "6" for _ in range(40))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: w.source("bad", 3), "source is 'bad', of ReasoningWorld; must be one of"),
        (lambda w: w.source("good", 0), "count is 0"),
        (lambda w: w.source("leaked", 3), "source leaked, which has 8 leaks"),
        (lambda w: w.items("train"), "split is 'train'"),
        (lambda w: w.annotate([], "T4"), "teacher is 'T4'"),
        (lambda w: w.annotate([{"question": "Why?"}], "T2"), "'Why\\?', for solve"),
        (lambda w: ReasoningWorld(evaluation=0), "evaluation is 0, in init_args of Reasoning"),
        (lambda w: ReasoningWorld(largest=1), "largest is 1"),
        (lambda w: ReasoningWorld(0, 5, 2).source("easy", 20_000), "are different, of the source"),
    ],
)
def test_what_the_world_does_not_have_is_refused(world, call, message):
    with pytest.raises(UserError, match=message):
        call(world)
