"""Blinded forms: nothing in them tells the arm, and filled in they are the reviews again."""

import csv
import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.idea_study import (
    FilledForms,
    Forms,
    Idea,
    IdeaFile,
    TemplateIdeas,
    change_scores,
    read_forms,
    strip_style,
    style_gaps,
    write_forms,
)

IDEAS = TemplateIdeas(4, 5, seed=0).ideas()


def write(folder, ideas=IDEAS, seed=0, **options):
    forms = Forms(folder=str(folder / "forms"), key=str(folder / "key.json"), **options)
    write_forms(ideas, forms, seed)
    return forms


def rows_of(folder):
    found = {}
    for file in sorted((folder / "forms").glob("*.csv")):
        with file.open(newline="") as text:
            found[file] = list(csv.DictReader(text))
    return found


def fill(folder, score):
    """Fill the forms; ``score`` takes what the key says of an item, and the metric."""
    key = json.loads((folder / "key.json").read_text())["items"]
    for file, rows in rows_of(folder).items():
        for row in rows:
            for metric in list(row):
                if metric not in ("item", "text", "comment"):
                    row[metric] = str(score(key[row["item"]], metric))
        with file.open("w", newline="") as text:
            writer = csv.DictWriter(text, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def test_every_idea_has_as_many_reviewers_and_every_reviewer_as_many_ideas(tmp_path):
    write(tmp_path, reviewers=4, per_idea=3)
    key = json.loads((tmp_path / "key.json").read_text())["items"]
    assert Counter(Counter(one["idea"] for one in key.values()).values()) == {3: len(IDEAS)}
    loads = [len(rows) for rows in rows_of(tmp_path).values()]
    assert sum(loads) == 3 * len(IDEAS)
    assert max(loads) - min(loads) <= 1
    pairs = Counter((one["idea"], one["reviewer"]) for one in key.values())
    assert set(pairs.values()) == {1}


def test_nothing_in_a_form_tells_the_arm(tmp_path):
    write(tmp_path)
    for file, rows in rows_of(tmp_path).items():
        text = file.read_text()
        assert not any(word in text for word in ("Human", "AI", "Training_", "#", "**", "\u2014"))
        for row in rows:
            assert len(row["item"]) == 10
    # The same ideas with the arms exchanged give forms with the same items, texts and order.
    other = [Idea(i.id, {"AI": "Human", "Human": "AI"}[i.arm], i.text, i.topic) for i in IDEAS]
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", other)
    forms = [list(rows_of(at).values()) for at in (tmp_path, tmp_path / "other")]
    assert forms[0] == forms[1]


def test_names_and_orders_follow_from_the_seed(tmp_path):
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write(tmp_path / name, seed=seed)
        found.append(list(rows_of(tmp_path / name).values()))
    assert found[0] == found[1] != found[2]


def test_filled_forms_are_the_reviews(tmp_path):
    for stage, lead in (("before", 2), ("after", 0)):
        write(tmp_path / stage, stage=stage)
        fill(tmp_path / stage, lambda one, metric, lead=lead: 4 + lead * (one["arm"] == "AI"))
    paths = [str(tmp_path / s / n) for s in ("before", "after") for n in ("forms", "key.json")]
    study = FilledForms(*paths).study("Human", "AI")
    assert len(study.before) == 2 * len(IDEAS)
    assert set(study.before.reviewers) == {f"reviewer_{k}" for k in range(1, 5)}
    assert all(row.effect == 2 for row in change_scores(study))
    with pytest.raises(UserError, match="of the stage 'after'"):
        FilledForms(*paths[2:], *paths[:2]).study("Human", "AI")


def test_a_form_that_is_filled_in_is_not_written_over(tmp_path):
    write(tmp_path)
    fill(tmp_path, lambda one, metric: 3)
    write(tmp_path)
    assert set(read_forms(tmp_path / "forms", tmp_path / "key.json").scores["overall"]) == {3}
    with pytest.raises(UserError, match="key of other forms"):
        write(tmp_path, seed=1)


def _first(folder):
    return sorted((folder / "forms").glob("*.csv"))[0]


def _lose(folder):
    _first(folder).unlink()


def _twice(folder):
    file = _first(folder)
    (folder / "forms" / "copy.csv").write_bytes(file.read_bytes())


def _rename(folder):
    file = _first(folder)
    lines = file.read_text().split("\n", 2)
    file.write_text("\n".join([lines[0], "x" + lines[1], lines[2]]))


def _rekey(folder):
    (folder / "key.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (_lose, "items are missing"),
        (_twice, "there twice"),
        (_rename, "not an item"),
        (_rekey, "no key of forms"),
    ],
)
def test_a_form_that_is_lost_or_damaged_is_named(damage, word, tmp_path):
    write(tmp_path)
    fill(tmp_path, lambda one, metric: 5)
    damage(tmp_path)
    with pytest.raises(UserError, match=word):
        read_forms(tmp_path / "forms", tmp_path / "key.json")


@pytest.mark.parametrize("score", ["", "eleven", "11", "0", "nan", "inf"])
def test_a_score_that_is_missing_or_off_the_scale_is_refused(score, tmp_path):
    write(tmp_path)
    fill(tmp_path, lambda one, metric: score)
    with pytest.raises(UserError, match="from 1 to 10"):
        read_forms(tmp_path / "forms", tmp_path / "key.json")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"per_idea": 5, "reviewers": 4}, "per_idea is 5"),
        ({"metrics": []}, r"metrics is \[\]"),
        ({"lowest": 5, "highest": 5}, "scale"),
        ({"stage": "later"}, "stage is 'later'"),
        ({"folder": "a", "key": "a/b/key.json"}, "not blind"),
    ],
)
def test_forms_that_cannot_be_filled_in_or_blind_are_refused(options, word):
    with pytest.raises(UserError, match=word):
        Forms(**options)


def test_ideas_of_one_arm_or_without_words_are_refused(tmp_path):
    with pytest.raises(UserError, match="1 arms"):
        write(tmp_path, [idea for idea in IDEAS if idea.arm == "AI"])
    with pytest.raises(UserError, match="empty without its style"):
        write(tmp_path, [*IDEAS, Idea("x", "AI", "---")])


def test_a_spreadsheet_runs_no_formula(tmp_path):
    write(tmp_path, [*IDEAS, Idea("x", "AI", "=HYPERLINK(1)"), Idea("y", "Human", "- a point")])
    texts = [row["text"] for rows in rows_of(tmp_path).values() for row in rows]
    assert not any(text.startswith(("=", "+", "-", "@")) for text in texts)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "## A *new* idea\n\n\n\n**Why:** it\u2019s \u201cgood\u201d",
            'A new idea\n\nWhy: it\'s "good"',
        ),
        ("1. one\n2) two\n\u2022 three", "- one\n- two\n- three"),
        ("a\u2014b \u2728 c", "a - b c"),
        ("x_1 * y_2 and `code`", "x_1 * y_2 and code"),
        ("As an AI model, we ask", "we ask"),
        ("caf\u00e9 na\u00efve 5 > 3", "caf\u00e9 na\u00efve 5 > 3"),
    ],
)
def test_style_is_stripped_and_words_stay(text, plain):
    assert strip_style(text, ["as an ai model, "]) == plain


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(), st.lists(st.text(max_size=4), max_size=2))
def test_stripping_again_changes_nothing(text, phrases):
    once = strip_style(text, phrases)
    assert strip_style(once, phrases) == once


def test_what_style_still_tells_is_measured():
    plain, marked = ["one two. three"] * 3, ["- one\n- two\n- three, four"] * 3
    gaps = {gap.feature: gap for gap in style_gaps(plain, marked)}
    assert gaps["list items"].auc == 1.0
    assert gaps["long words (share)"].auc == 0.5
    same = style_gaps(plain, plain)
    assert {gap.auc for gap in same} == {0.5}


def test_ideas_come_from_a_file(tmp_path):
    rows = [{"id": f"i{k}", "arm": "AI", "text": f'text, "{k}"\nline'} for k in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "arm", "text"])
        writer.writeheader()
        writer.writerows(rows)
    both = [IdeaFile(str(tmp_path / name)).ideas() for name in ("a.jsonl", "a.csv")]
    assert both[0] == both[1] == [Idea(**row) for row in rows]


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.jsonl", '{"id": "x", "arm": "A"}\n', "text is None"),
        ("a.jsonl", '{"id": "x", "arm": "A", "text": "t"}\n' * 2, "there twice"),
        ("a.jsonl", "", "no ideas"),
        ("a.jsonl", "{", "cannot be read"),
        ("a.txt", "x", "no file of ideas"),
    ],
)
def test_a_file_without_ideas_is_refused(name, text, word, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=word):
        IdeaFile(str(tmp_path / name)).ideas()
