"""Layouts of reasoning data: each is read, and what is written reads back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.openthoughts.formats import (
    Imported,
    export_row,
    export_rows,
    join_answer,
    read_row,
    split_answer,
)
from lit_research.stages import Pipeline
from lit_research.stages.sources import Files

OPENTHOUGHTS_114K = [
    {
        "system": "Think, then answer.",
        "conversations": [
            {"from": "user", "value": f"What is {n} + {n}?"},
            {
                "from": "assistant",
                "value": f"<|begin_of_thought|>\n\nTwice {n}.\n\n<|end_of_thought|>\n\n"
                f"<|begin_of_solution|>\n\nIt is {2 * n}.\n\n<|end_of_solution|>",
            },
        ],
    }
    for n in range(5)
]
OPENTHOUGHTS_2 = [
    {
        "conversations": [
            {"from": "user", "value": f"What is {n} + {n}?"},
            {"from": "assistant", "value": f"<think>\nTwice {n}.\n</think>\n\nIt is {2 * n}."},
        ],
        "question": f"What is {n} + {n}?",
        "source": "sums",
        "id": n,
    }
    for n in range(5)
]
OPENTHOUGHTS_3 = [
    {
        "difficulty": n + 1,
        "source": "sums",
        "domain": "math",
        "conversations": [
            {"from": "human", "value": f"What is {n} + {n}?"},
            {"from": "gpt", "value": f"<think>\nTwice {n}.\n</think>\n\nIt is {2 * n}."},
        ],
    }
    for n in range(5)
]
SHAREGPT = [{"conversations": row["conversations"]} for row in OPENTHOUGHTS_3]
OPENAI = [
    {
        "messages": [
            {"role": "system", "content": "Think, then answer."},
            {"role": "user", "content": f"What is {n} + {n}?"},
            {"role": "assistant", "content": f"<think>\nTwice {n}.\n</think>\n\nIt is {2 * n}."},
        ]
    }
    for n in range(5)
]
ALPACA = [
    {
        "instruction": "Add the number to itself.",
        "input": str(n),
        "output": f"<think>\nTwice {n}.\n</think>\n\nIt is {2 * n}.",
    }
    for n in range(5)
]
LAYOUTS = {
    "OpenThoughts-114k": OPENTHOUGHTS_114K,
    "OpenThoughts2-1M": OPENTHOUGHTS_2,
    "OpenThoughts3-1.2M": OPENTHOUGHTS_3,
    "ShareGPT": SHAREGPT,
    "OpenAI": OPENAI,
    "Alpaca": ALPACA,
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_five_rows_of_each_layout_are_read(tmp_path, name):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in LAYOUTS[name]))
    pipeline = Pipeline({"file": Files(str(file)), "read": Imported()}, tmp_path / "out")
    rows = pipeline.run(shown=False).outcome.table().to_pylist()
    assert len(rows) == 5
    for n, row in enumerate(rows):
        expected = (
            f"Add the number to itself.\n\n{n}" if name == "Alpaca" else f"What is {n} + {n}?"
        )
        assert row["question"] == expected
        assert row["trace"].strip() == f"Twice {n}."
        assert row["final"] == f"It is {2 * n}."
    assert {row["difficulty"] for row in rows} == (
        {1.0, 2.0, 3.0, 4.0, 5.0} if name == "OpenThoughts3-1.2M" else {None}
    )
    assert rows[0]["system"] == ("Think, then answer." if name[-4:] in ("114k", "enAI") else None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "a"}, "of no known layout"),
        ({"conversations": [{"from": "human", "value": "a"}] * 2}, "not one question and one"),
        ({"conversations": [{"from": "robot", "value": "a"}]}, "turns without a known role"),
        ({"conversations": ["a"]}, "turns without a known role"),
        ({"messages": [{"role": "user", "content": None}]}, "a turn is no text"),
    ],
)
def test_rows_that_cannot_be_read_have_a_reason(row, reason):
    assert reason in read_row(row)


@pytest.mark.parametrize("layout", ["conversations", "messages", "alpaca"])
@pytest.mark.parametrize("tags", ["think", "openthoughts"])
def test_what_is_exported_reads_back(layout, tags):
    row = {
        "id": "1",
        "question": "a?",
        "trace": "line\nline",
        "final": "b",
        "source": "s",
        "domain": "d",
        "difficulty": 2.0,
    }
    found = read_row(export_row(row, layout, tags))
    assert isinstance(found, dict)
    found["trace"] = found["trace"].strip()
    assert {**found, "id": "1"} == {**row, "system": None, "answer": None}


def test_llama_factory_finds_all_that_was_exported(tmp_path):
    rows = [{"id": "1", "question": "a?", "trace": "t", "final": "b"}]
    export_rows(rows, tmp_path, "one")
    export_rows(rows, tmp_path, "two", layout="messages")
    export_rows(rows, tmp_path, "three", layout="alpaca")
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert list(info) == ["one", "two", "three"]
    for entry in info.values():
        line = json.loads((tmp_path / entry["file_name"]).read_text())
        assert set(entry.get("columns", {}).values()) <= {*line, "system"}
    with pytest.raises(UserError, match="layout is 'chatml'"):
        export_rows(rows, tmp_path, "four", layout="chatml")


_TEXT = st.text(st.characters(exclude_characters="<|>", exclude_categories=["Cs"]), max_size=30)


@given(_TEXT.map(str.strip), _TEXT.map(str.strip), st.sampled_from(["think", "openthoughts"]))
def test_answers_split_as_they_were_joined(trace, final, tags):
    assert split_answer(join_answer(None, final, tags)) == (None, final)
    found = split_answer(join_answer(trace, final, tags))
    assert ((found[0] or "").strip("\n"), found[1]) == (trace, final)
