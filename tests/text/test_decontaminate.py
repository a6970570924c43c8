"""Leaks of evaluation items: planted, and against both rules written out row by row."""

import json
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.stats import wilson
from lit_research.text import (
    EvaluationSet,
    Leak,
    Unreadable,
    decontaminate,
    load_evaluation_set,
    load_tokenizer,
)
from tests.text.planted import LEAKS, planted_leaks, vocabulary
from tests.text.test_fuzzy import indel, named

pytest.importorskip("rapidfuzz")

EACH, CLEAN = 100, 3000


@pytest.fixture(scope="module")
def letters():
    return load_tokenizer("words", vocabulary=list("abcdef"))


def runs(text, n):
    words = text.split()
    return {tuple(words[start : start + n]) for start in range(len(words) - n + 1)}


def by_hand(texts, sets, n, similarity):
    """Apply both rules to each row and item in turn."""
    for row, text in enumerate(texts):
        for one in sets:
            shared = [len(runs(text, n) & runs(item, n)) for item in one.texts]
            first = next((item for item, count in enumerate(shared) if count), None)
            if first is not None:
                yield Leak(row, f"d{row}", "ngram", one.name, first, str(first), shared[first])
            near = [indel(text, item) if item else 0 for item in one.texts]
            if max(near) >= similarity:
                best = near.index(max(near))
                value = pytest.approx(near[best])
                yield Leak(row, f"d{row}", "similarity", one.name, best, str(best), value)


WORDS = st.lists(st.sampled_from("abcdef"), max_size=7).map(" ".join)
ITEMS = st.lists(WORDS, min_size=1, max_size=4).filter(any)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(WORDS, max_size=6), ITEMS, ITEMS, st.integers(1, 4), st.sampled_from([0.5, 0.75, 1])
)
def test_leaks_are_those_of_the_rules(letters, texts, first, second, n, similarity):
    sets = [EvaluationSet("one", tuple(first)), EvaluationSet("two", tuple(second))]
    options = {"tokenizer": letters, "n": n, "similarity": similarity}
    found = decontaminate(named(texts), sets, **options)
    assert [*found.leaks] == [*by_hand(texts, sets, n, similarity)]
    leaked = {leak.row for leak in found.leaks}
    assert found.kept == [row for row in range(len(texts)) if row not in leaked]
    # A row is judged by itself: more rows, or another order, change nothing.
    backwards = decontaminate(named(texts)[::-1], sets, **options)
    assert sorted(len(texts) - 1 - row for row in backwards.kept) == found.kept


def test_planted_leaks_are_found_and_clean_rows_are_kept():
    items, rows, truth = planted_leaks(300, EACH, CLEAN, seed=0)
    tokenizer = load_tokenizer("words", vocabulary=vocabulary())
    found = decontaminate(rows, [EvaluationSet("planted", tuple(items))], tokenizer=tokenizer)
    of_row = {row[0]: Counter() for row in rows}
    for leak in found.leaks:
        of_row[leak.id][leak.rule] += 1
    # An earlier item can share other words with a leak by chance.
    met = [x.item == truth[x.id][1] for x in found.leaks if x.id in truth and x.rule == "ngram"]
    assert sum(met) >= 0.98 * len(met)
    for kind in (*LEAKS, "clean"):
        kinds = [rules for id, rules in of_row.items() if truth.get(id, ("clean",))[0] == kind]
        counts = [sum(bool(r[rule]) for r in kinds) for rule in ("ngram", "similarity")]
        dropped = sum(bool(r) for r in kinds)
        low, high = wilson(dropped, len(kinds))
        print(
            f"{kind}: {dropped} of {len(kinds)} dropped [{low:.3f}, {high:.3f}], {counts} by rule"
        )
        if kind == "clean":
            assert dropped <= 0.02 * CLEAN
        elif kind == "12":
            assert counts[0] == 0
        else:
            assert counts[0] >= 0.99 * EACH
    card = json.loads(json.dumps(found.card()))
    assert card["leaked"] + card["kept"] == len(rows)
    assert card["sets"]["planted"]["shorter_than_n"] == 0


def test_whole_and_enclosed_items_are_found_by_tokens_that_depend_on_what_is_around():
    items, rows, truth = planted_leaks(60, 20, 200, seed=1)
    pool = datasets.Dataset.from_dict({"id": items, "text": items})
    tokenizer = load_tokenizer("bpe:400", documents=pool)
    found = decontaminate(rows, [EvaluationSet("planted", tuple(items))], tokenizer=tokenizer)
    by_ngram = {leak.id for leak in found.leaks if leak.rule == "ngram"}
    assert {id for id, (kind, _) in truth.items() if kind in ("whole", "inside")} <= by_ngram


def test_rows_without_a_text_do_not_shift_the_others(letters):
    rows = named([None, "a b c d", 7, "f f f", "e a b c"])
    found = decontaminate(rows, [EvaluationSet("s", ("", "a b c"))], tokenizer=letters, n=3)
    assert [(x.row, x.rule, x.item) for x in found.leaks] == [
        *((row, rule, 1) for row in (1, 4) for rule in ("ngram", "similarity")),
    ]
    assert found.kept == [3]
    assert found.unreadable == (
        Unreadable(0, "d0", "NoneType, not a string"),
        Unreadable(2, "d2", "int, not a string"),
    )
    card = found.card()
    assert (card["kept"], card["leaked"], card["by_both"], card["unreadable"]) == (1, 2, 2, 2)
    assert card["sets"] == {
        "s": {"items": 2, "without_text": 1, "shorter_than_n": 0, "by_ngram": 2, "by_similarity": 2}
    }


def test_a_row_that_is_near_many_items_meets_the_nearest():
    items = [f"which of these {letter} questions is asked here" for letter in "abcdefgh"]
    sets = [EvaluationSet("s", tuple(items))]
    found = decontaminate([("r", items[6])], sets, tokenizer="bytes", n=1000)
    assert found.leaks == (Leak(0, "r", "similarity", "s", 6, "6", 1.0),)
    assert found.settings["tokenizer"] == "bytes"


def test_batches_executors_and_kept_shards_do_not_matter(letters, tmp_path, monkeypatch):
    texts = ["a b c", "d e f", "f e d c", "a b", "c c c a b c"] * 3
    sets = [EvaluationSet("s", ("a b c d", "f e d"))]
    options = {"tokenizer": letters, "n": 3}
    expected = decontaminate(named(texts), sets, **options)
    # Not by its path: the function has the module's name.
    monkeypatch.setattr(sys.modules["lit_research.text.decontaminate"], "_BATCH", 4)
    with ThreadPoolExecutor(2) as pool:
        assert decontaminate(named(texts), sets, **options, executor=pool) == expected
    for _ in range(2):
        assert decontaminate(named(texts), sets, **options, shards=tmp_path, workers=2) == expected
    assert len([*tmp_path.rglob("*.npy")]) == 4


ROWS = [{"id": "x", "question": "a b c"}, {"id": None, "question": "d e f"}]


@pytest.mark.parametrize("form", ["jsonl", "parquet", "folder", "datasets", "splits"])
def test_evaluation_sets_are_files(tmp_path, form):
    table = datasets.Dataset.from_list(ROWS)
    path = tmp_path / f"aime.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif form == "parquet":
        table.to_parquet(str(path))
    elif form == "folder":
        path.mkdir()
        table.to_parquet(str(path / "test.parquet"))
    elif form == "datasets":
        table.save_to_disk(str(path))
    else:
        parts = {"test": table.select([0]), "other": table.select([1])}
        datasets.DatasetDict(parts).save_to_disk(str(path))
    found = load_evaluation_set(path)
    assert found == EvaluationSet("aime", ("a b c", "d e f"), ("x", "1"))
    assert load_evaluation_set(path, name="2024").name == "2024"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"problem": "a"}],
            "there is no text column 'question', in .*line 1; the columns are pro",
        ),
        ([{"question": None}], "'question' holds NoneType, not a string, in .*line 1"),
        (["a"], "there is no text column 'question', in .*line 1; the columns are none"),
    ],
)
def test_items_without_a_text_are_refused(tmp_path, rows, message):
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(UserError, match=message):
        load_evaluation_set(path)


def test_a_set_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"there is no evaluation set, at .*; must be a file or a"):
        load_evaluation_set(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("sets", "options", "message"),
    [
        ([], {}, "no evaluation set, in decontaminate; give sets of different names"),
        (
            [("s", ("a",)), ("s", ("b",))],
            {},
            "two evaluation sets are called 's', in decontaminate",
        ),
        ([("s", ())], {}, r"the evaluation set 's' is empty \(0 items, none with text after"),
        ([("s", (" \n", "\u3000"))], {}, r"the evaluation set 's' is empty \(2 items, none with"),
        ([("", ("a",))], {}, "an evaluation set has no name; give one"),
        ([("s", ("a", "b"), ("1",))], {}, "there are 1 ids for 2 texts, in the evaluation set 's'"),
        ([("s", ("a",))], {"n": 0}, "n is 0, in decontaminate; must be at least 1"),
        (
            [("s", ("a",))],
            {"similarity": 75},
            "similarity is 75, in decontaminate; must be above 0",
        ),
    ],
)
def test_what_cannot_be_checked_against_is_refused(sets, options, message):
    with pytest.raises(UserError, match=message):
        decontaminate([], [EvaluationSet(*one) for one in sets], tokenizer="bytes", **options)
