"""LongCodeQA's file: read into items, written again as it was, and refused where it is another."""

import json
import os
import zipfile
from dataclasses import replace

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode import ItemSet
from lit_research.methods.longcode.counters import Characters
from lit_research.methods.longcode.published_files import ReleaseFiles
from lit_research.methods.longcode.published_ladder import PublishedLadder
from lit_research.methods.longcode.published_questions import (
    COUNTS,
    export_questions,
    import_questions,
    published_prompt,
    published_record,
)
from tests.methods.longcode.releases import BUCKETS, FILES, question, question_zip, write_zip

pytestmark = pytest.mark.filterwarnings("ignore:.*differs from the released file")


def one_bucket(path, records, **layout):
    return write_zip(path / "q.zip", {"LQA/32K.json": json.dumps(records, **layout).encode()})


def test_the_released_counts_raise_no_warning(tmp_path, recwarn):
    items = import_questions(question_zip(tmp_path / "LongCodeQA.zip", COUNTS))
    assert len(items.questions) == 443
    assert items.card["buckets"] == COUNTS
    assert items.card["differences"] == []
    assert not [w for w in recwarn if "differs" in str(w.message)]
    assert len(items.card["sha256"]) == 64
    assert items.card["counter"] == "characters / 3.6"


def test_a_question_becomes_an_item(tmp_path):
    items = import_questions(one_bucket(tmp_path, [question(2)]), buckets=["32K"])
    [item] = items.questions
    assert (item.kind, item.question, item.letter) == ("published", "What is 2?", "C")
    assert item.options == ("one", "two,\nover two lines", "é", "four")
    assert items.trees[item.tree].files == FILES
    assert item.tokens == sum(Characters().count(list(FILES.values())))
    assert item.source["is_hard"] == "No"
    assert "".join(published_prompt(item, items.trees[item.tree])) == question(2)["prompt"]
    assert published_record(item, items.trees[item.tree]) == question(2)


@pytest.mark.parametrize(
    "layout", [{"indent": 4}, {"indent": 2, "ensure_ascii": False}, {"indent": None}]
)
def test_the_layout_round_trips_byte_by_byte(tmp_path, layout):
    path = question_zip(tmp_path / "q.zip", dict.fromkeys(BUCKETS, 3), **layout)
    import_questions(path).save(tmp_path / "items")
    items = ItemSet.load(tmp_path / "items")
    export_questions(items, tmp_path / "again.zip")
    export_questions(items, tmp_path / "again")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "again.zip") as new:
        assert sorted(old.namelist()) == sorted(new.namelist())
        for name in old.namelist():
            assert new.read(name) == old.read(name) == (tmp_path / "again" / name).read_bytes()


def test_an_unusual_layout_round_trips_field_by_field(tmp_path):
    records = [
        question(1, extra=[1, None], prompt="Only words.", repo_text="no marks"),
        question(2),
    ]
    path = one_bucket(tmp_path, records, separators=(" , ", " :  "))
    items = import_questions(path, buckets=["32K"])
    export_questions(items, tmp_path / "again")
    again = json.loads((tmp_path / "again/LQA/32K.json").read_text())
    assert again == records
    assert list(again[0]) == list(records[0])
    assert set(items.trees[items.questions[0].tree].files) == {""}


def test_a_file_that_differs_is_imported_with_a_warning(tmp_path):
    path = one_bucket(tmp_path, [question(0, is_hard="maybe", more="x")])
    with pytest.warns(UserWarning, match="32K has 1 questions, and not 113") as caught:
        import_questions(path, buckets=["32K"])
    [message] = [str(w.message) for w in caught if "differs" in str(w.message)]
    assert "further columns: more" in message
    assert "is_hard is 'maybe'" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correct_letter": "E"}, "correct_letter is 'E'; must be one of A, B, C, D"),
        ({"question": "Question:\nWhy?\n\nA) a\nB) b\nC) a\nD) d"}, "two options are equal"),
        ({"question": "Why?"}, "has no options"),
        ({"repo_text": None}, "no text 'repo_text'"),
        ({"prompt": "\ud800"}, "no Unicode text"),
    ],
)
def test_a_bad_question_is_named_or_left_out(tmp_path, changes, message):
    path = one_bucket(tmp_path, [question(0), question(1, **changes)])
    with pytest.raises(UserError, match=f"item 1, in 'LQA/32K.json' .*{message}.*skip_bad"):
        import_questions(path, buckets=["32K"])
    items = import_questions(path, buckets=["32K"], skip_bad=True)
    assert len(items.questions) == 1
    assert any("is left out" in text for text in items.card["differences"])


def test_a_missing_bucket_and_another_layout_are_refused(tmp_path):
    path = question_zip(tmp_path / "q.zip", {"32K": 1, "64K": 1})
    with pytest.raises(UserError, match=r"the bucket 128K is missing .* must hold LQA/128K.json"):
        import_questions(path)
    with pytest.raises(UserError, match="the bucket is '2K'"):
        import_questions(path, buckets=["2K"])
    other = write_zip(tmp_path / "o.zip", {"LQA/32K.json": b'{"a": 1}'})
    with pytest.raises(UserError, match="no list of questions"):
        import_questions(other, buckets=["32K"])
    (tmp_path / "no.zip").write_text("PK")
    with pytest.raises(UserError, match="neither a zip nor a folder"):
        import_questions(tmp_path / "no.zip")


def test_the_unpacked_folder_and_the_one_inside_are_read(tmp_path):
    with zipfile.ZipFile(question_zip(tmp_path / "q.zip", {"32K": 2})) as zipped:
        zipped.extractall(tmp_path / "out")
    for folder in ("out", "out/LQA"):
        assert len(import_questions(tmp_path / folder, buckets=["32K"]).questions) == 2


@pytest.mark.parametrize("name", ["../LQA/32K.json", "/LQA/32K.json", "LQA/../../32K.json"])
def test_a_zip_whose_names_leave_it_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="outside of it"):
        ReleaseFiles(write_zip(tmp_path / "bad.zip", {name: b"[]"}))


def test_a_link_that_leaves_the_folder_is_refused(tmp_path):
    (tmp_path / "secret").write_text("[]")
    (tmp_path / "release").mkdir()
    os.symlink(tmp_path / "secret", tmp_path / "release/32K.json")
    with pytest.raises(UserError, match="outside of it"):
        ReleaseFiles(tmp_path / "release")


def test_a_file_is_read_up_to_a_limit_of_real_bytes(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("LQA/32K.json", b" " * (3 * 2**20))
    assert path.stat().st_size < 10_000
    with pytest.raises(UserError, match="more than 2 MiB"):
        import_questions(path, buckets=["32K"], max_megabytes=2)


def test_a_damaged_zip_is_refused(tmp_path):
    path = question_zip(tmp_path / "q.zip", {"32K": 3})
    content = bytearray(path.read_bytes())
    content[200:220] = bytes(20)
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match="download it again"):
        import_questions(path, buckets=["32K"])


def test_questions_that_were_not_imported_are_not_exported(tmp_path):
    items = import_questions(one_bucket(tmp_path, [question(0)]), buckets=["32K"])
    own = replace(items.questions[0], kind="default")
    with pytest.raises(UserError, match="must be one that import_questions has read"):
        export_questions(ItemSet([own], items.trees), tmp_path / "x.zip")


def test_the_released_prompt_is_asked_word_by_word_and_its_options_can_move(tmp_path):
    items = import_questions(one_bucket(tmp_path, [question(1)]), buckets=["32K"])
    [item] = items.questions
    [rung] = PublishedLadder(items.trees, Characters()).rungs(item)
    assert rung.bucket == 32768
    assert rung.context + rung.rests[0] == question(1)["prompt"]
    assert rung.context.endswith(question(1)["repo_text"])
    assert rung.rests[1].endswith("A) four\nB) one\nC) two,\nover two lines\nD) é")
    assert rung.tokens[0] == Characters().count([question(1)["prompt"]])[0]
