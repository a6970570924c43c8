"""The published layouts of ARC, PIQA and SciQ."""

import json

import pytest

from lit_research.errors import UserError
from lit_research.evals import published_items

ARC = {
    "id": "Mercury_7175875",
    "question": "Which is a gas?",
    "choices": {"text": ["iron", "air", "sand"], "label": ["A", "B", "C"]},
    "answerKey": "B",
}
ARC_BY_AUTHORS = {
    "id": "Mercury_7175875",
    "question": {
        "stem": "Which is a gas?",
        "choices": [
            {"text": "iron", "label": "1"},
            {"text": "air", "label": "2"},
            {"text": "sand", "label": "3"},
        ],
    },
    "answerKey": "2",
}
PIQA = {"goal": "To boil water,", "sol1": "heat it.", "sol2": "freeze it.", "label": 0}
SCIQ = {
    "question": "What do plants take in?",
    "distractor1": "salt",
    "distractor2": "gold",
    "distractor3": "wind",
    "correct_answer": "light",
    "support": " Plants live on light.",
}


def write_rows(path, *rows):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


GAS = ("Question: Which is a gas?\nAnswer:", ["iron", "air", "sand"], 1)
BOIL = ("Question: To boil water,\nAnswer:", ["heat it.", "freeze it."], 0)
LIGHT = (
    "Plants live on light.\nQuestion: What do plants take in?\nAnswer:",
    ["salt", "gold", "wind", "light"],
    3,
)


@pytest.mark.parametrize(
    ("source", "row", "expected"),
    [
        ("arc_easy", ARC, GAS),
        ("arc_challenge", ARC_BY_AUTHORS, GAS),
        ("piqa", PIQA, BOIL),
        ("sciq", SCIQ, LIGHT),
    ],
)
def test_published_layouts_are_read(tmp_path, source, row, expected):
    [item] = published_items(source, write_rows(tmp_path / "rows.jsonl", row))
    assert (item.question, item.options, item.answer) == expected
    assert item.id == row.get("id", "line 1")


def test_parquet_and_saved_data_sets_are_read(tmp_path):
    from datasets import Dataset, DatasetDict

    rows = Dataset.from_list([ARC, {**ARC, "answerKey": "A"}])
    rows.to_parquet(str(tmp_path / "hub" / "test-00000-of-00001.parquet"))
    rows.select([0]).to_parquet(str(tmp_path / "hub" / "train-00000-of-00001.parquet"))
    rows.save_to_disk(str(tmp_path / "saved"))
    DatasetDict(train=rows.select([0]), test=rows).save_to_disk(str(tmp_path / "both"))
    for folder in ("hub", "saved", "both"):
        items = published_items("arc_easy", str(tmp_path / folder))
        assert [item.answer for item in items] == [1, 0]
    with pytest.raises(UserError, match=r"there is no valid split, in .*both; give a datasets"):
        published_items("piqa", str(tmp_path / "both"))


@pytest.mark.parametrize(
    ("source", "row", "message"),
    [
        ("piqa", ARC, r"not a row of piqa \(no column 'goal'\), in .*, line 2; give .* goal, sol1"),
        ("piqa", {**PIQA, "label": -1}, "answer is -1, in item 'line 2'; must .*; from .*, line 2"),
        ("sciq", {**SCIQ, "support": None}, "not a row of sciq .*, line 2; give .* the columns"),
        ("arc_easy", {**ARC, "answerKey": "E"}, "answerKey 'E' is none of the labels"),
        ("arc_easy", {**ARC, "choices": 3}, r"choices has no text and label\), in"),
        ("arc_easy", [1], "not a row of arc_easy .*, line 2; give"),
    ],
)
def test_rows_of_another_layout_are_refused_in_one_line(tmp_path, source, row, message):
    good = {"piqa": PIQA, "sciq": SCIQ, "arc_easy": ARC}[source]
    path = write_rows(tmp_path / "rows.jsonl", good, row)
    with pytest.raises(UserError, match=message) as caught:
        published_items(source, path)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_are_asked_for_with_their_columns(tmp_path):
    with pytest.raises(UserError, match=r"sciq has no path, in .*; give .* test split .* support"):
        published_items("sciq", None)
    with pytest.raises(
        UserError, match=r"piqa has the path '/gone', which does not exist, in .* sol1"
    ):
        published_items("piqa", "/gone")
    for name in ("train", "dev"):
        write_rows(tmp_path / "arc" / f"{name}.jsonl", ARC)
    with pytest.raises(UserError, match=r"no file's name begins with 'test', in .*arc; give"):
        published_items("arc_easy", str(tmp_path / "arc"))
