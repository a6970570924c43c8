"""Rows become tokens whose labels are the answers; what cannot be learned from is refused."""

import json

import pytest
import torch
from datasets import Dataset, DatasetDict

from lit_research.errors import UserError
from lit_research.lm import IGNORE, build_lm, lm_token_losses
from lit_research.methods.openthoughts import ReasoningRows, RowSource
from lit_research.text import END_OF_TEXT
from tests.lm.models import CONFIGS
from tests.methods.openthoughts.templates import SPECIAL, TEMPLATES, tokenizer_with

WORLD = "lit_research.methods.openthoughts.WorldRows"
QUESTION = "23+5*2?"
ROW = {"id": "one", "question": QUESTION, "trace": "5*2=10\n23+10=33", "final": "33"}
ITEM = {"question": "1+1", "answer": "2"}


def world(**changes):
    return {"class_path": WORLD, "init_args": {"rows": 40, "evaluation": 5, "seed": 1, **changes}}


def rows_of(folder, rows, **options):
    path = folder / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return ReasoningRows(source=str(path), **{"sequence_length": 512, "batch_size": 1, **options})


def learned(row, tokenizer):
    pairs = zip(row.tokens, row.learned, strict=True)
    return tokenizer.decode([token for token, is_learned in pairs if is_learned])


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("system", [None, "Think first."])
def test_of_a_conversation_the_assistant_alone_is_learned(tmp_path, name, system):
    folder, tokenizer = str(tmp_path / "tokenizer"), tokenizer_with(name)
    tokenizer.save_pretrained(folder)
    data = rows_of(tmp_path, [ROW], tokenizer=folder, system=system)
    data.setup("fit")
    row = data.encode(data.rows[0])
    assert learned(row, data.tokenizer) == f"{ROW['trace']}\n#### 33{SPECIAL[name][-1]}"
    system_message = [] if system is None else [{"role": "system", "content": system}]
    chat = [*system_message, {"role": "user", "content": QUESTION}]
    answer = {"role": "assistant", "content": f"{ROW['trace']}\n#### 33"}
    whole = tokenizer.apply_chat_template([*chat, answer], tokenize=False)
    assert data.tokenizer.decode(row.tokens) == whole
    # What it is asked is what it has learned to continue.
    prompt = data.prompt({"question": QUESTION})
    assert list(row.tokens[: len(prompt)]) == prompt
    assert row.learned[len(prompt)]
    assert not any(row.learned[: len(prompt)])
    special = tokenizer.convert_tokens_to_ids(SPECIAL[name])
    counts = [list(row.tokens).count(token) for token in special]
    assert all(counts), "a special token is one token"


def test_of_plain_text_the_answer_and_its_end_are_learned(tmp_path):
    data = rows_of(tmp_path, [ROW, {**ROW, "trace": ""}])
    texts = [learned(data.encode(row), data.tokenizer) for row in data.rows]
    assert texts == [f"{ROW['trace']}\n#### 33{END_OF_TEXT}", f"#### 33{END_OF_TEXT}"]
    assert data.tokenizer.decode(data.prompt({"question": "1+1"})) == "1+1\n"
    asked = rows_of(tmp_path, [ROW], question_format="Q: {question} A: ")
    assert asked.tokenizer.decode(asked.prompt({"question": "1+1"})) == "Q: 1+1 A: "


def test_packed_rows_have_the_losses_of_single_rows():
    packed, single = (
        ReasoningRows(world(), sequence_length=160, packing=packing) for packing in (True, False)
    )
    lm = {**CONFIGS["llama"], "max_position_embeddings": 160}
    model = build_lm(lm, vocab_size=packed.vocab_size).double()
    losses, labels = [], []
    for data in (packed, single):
        windows = data.dataset("train")
        batch = windows.__getitems__(range(len(windows)))
        with torch.no_grad():
            losses.append(lm_token_losses(model, batch, fused=False))
        labels.append(batch["labels"])
    windows = packed.dataset("train").windows
    assert len(windows) < 40 == len(single.dataset("train"))
    counts = [int((part != IGNORE).sum()) for part in labels]
    assert counts[0] == counts[1] == packed.answer_tokens == single.answer_tokens
    for line, window in enumerate(windows):
        start = 0
        for row in window:
            length = len(single.dataset("train").rows[row].inputs)
            found = losses[0][line, start : start + length]
            torch.testing.assert_close(found, losses[1][row, :length], rtol=0, atol=1e-5)
            assert found.sum() > 1
            start += length


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "datasets", "folder"])
def test_rows_are_read_from_any_file(tmp_path, kind):
    rows = [{**ROW, "id": str(number), "question": f"{number}+1"} for number in range(6)]
    path = tmp_path / "rows"
    if kind == "datasets":
        Dataset.from_list(rows).save_to_disk(str(path))
    elif kind == "parquet":
        path = tmp_path / "rows.parquet"
        Dataset.from_list(rows).to_parquet(str(path))
    else:
        path.mkdir()
        file = path / "a.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        path = file if kind == "jsonl" else path
    data = ReasoningRows(str(path), sequence_length=32, max_rows=4, seed=2)
    assert len(data.rows) == 4
    assert [row["id"] for row in data.rows] == sorted(row["id"] for row in data.rows)
    other = ReasoningRows(str(path), sequence_length=32, max_rows=4, seed=3)
    assert data.rows != other.rows
    assert all({*row} >= {"question", "trace", "final"} for row in data.rows)


def test_what_is_cut_off_is_counted(tmp_path, caplog):
    rows = [{**ROW, "trace": "x" * length} for length in (3, 20, 90)]
    question = len(QUESTION) + 1
    cut = rows_of(tmp_path, rows, sequence_length=60)
    assert len(cut.dataset("train")) == 2
    lost = question + 90 + len("\n#### 33") + 1 - 61
    assert (cut.card["rows"], cut.card["cut_rows"], cut.card["dropped_rows"]) == (3, 1, 0)
    assert cut.card["cut_tokens"] == lost
    drop = rows_of(tmp_path, rows, sequence_length=60, overlong="drop")
    assert drop.card["rows"] - drop.card["dropped_rows"] == 2
    assert drop.card["cut_tokens"] == 0
    with caplog.at_level("INFO", logger="lightning.pytorch.utilities.rank_zero"):
        rows_of(tmp_path, rows, sequence_length=60).dataset("train")
    assert f"1 were cut at 60 positions and lost {lost} tokens, 0 were left out" in caplog.text


def test_a_question_on_both_sides_is_refused_or_counted(tmp_path):
    items = tmp_path / "items.jsonl"
    items.write_text(json.dumps({**ITEM, "id": "leak", "question": " 23+5*2?\n"}) + "\n")
    message = "the question of the row 'one' is that of the item 'leak', and 1 more rows"
    for split in ("validation", "test"):
        rows = [ROW, {**ROW, "id": "two", "trace": ""}, {**ROW, "id": "3", "question": "9"}]
        data = rows_of(tmp_path, rows, **{split: str(items)})
        with pytest.raises(UserError, match=message):
            data.setup("fit")
    allowed = rows_of(tmp_path, rows, test=str(items), allow_leaks=True)
    allowed.setup("fit")
    assert allowed.card["leaked_rows"] == 2
    leaky = ReasoningRows(world(source="leaked", evaluation=50), sequence_length=200)
    with pytest.raises(UserError, match="and 1 more rows have an item's question"):
        leaky.setup("fit")


def test_the_world_gives_rows_and_items():
    data = ReasoningRows(world(answers=4, teacher="T1"), sequence_length=160, max_items=3)
    data.setup("fit")
    assert len(data.rows) == 40
    assert len({row["question_id"] for row in data.rows}) == 10
    assert [len(data.items(split)) for split in ("validation", "test")] == [3, 3]
    assert data.items("test")[0]["difficulty"] >= 1
    batch = next(iter(data.test_dataloader()))
    assert batch["items"].tolist() == [0, 1, 2]
    draws = [ReasoningRows(world(subset=subset)).rows for subset in (1, 2)]
    assert draws[0] != draws[1]
    assert data.items("test") == ReasoningRows(world(subset=2), max_items=3).items("test")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"question": None}, "question is missing, of the row 'one', in .*rows.jsonl"),
        ({"question": 7}, "question is 7, which is no text, of the row 'one'"),
        ({"question": " "}, "question is empty, of the row 'one'"),
        ({"trace": None}, "trace is missing, of the row 'one', .*annotate the rows first"),
        ({"final": ["3"]}, r"final is \['3'\], which is no text"),
        ({"final": ""}, "finds .* where the final answer is ''"),
        ({"final": "3\n4"}, "finds '3' where the final answer is '3"),
    ],
)
def test_a_row_that_cannot_be_learned_is_named(tmp_path, changed, message):
    data = rows_of(tmp_path, [{**ROW, "id": "zero"}, {**ROW, **changed}])
    with pytest.raises(UserError, match=message):
        data.dataset("train")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"answer": None}, "answer is missing, of the row in .*items.jsonl"),
        ({"answer": " "}, "answer is empty"),
        ({"difficulty": "hard"}, "difficulty is 'hard', of the item"),
        ({"question": 3}, "question is 3"),
    ],
)
def test_an_item_that_cannot_be_asked_is_named(tmp_path, changed, message):
    items = tmp_path / "items.jsonl"
    items.write_text(json.dumps({**ITEM, **changed}) + "\n")
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path, [ROW], test=str(items)).setup("test")


class Doubled(RowSource):
    def rows(self):
        return []

    def items(self, split):
        return [{**ITEM, "id": "same"}, {**ITEM, "id": "same"}] if split == "test" else []


@pytest.mark.parametrize(
    ("options", "stage", "message"),
    [
        ({"tokenizer": "bpe:300"}, "fit", "tokenizer is 'bpe:300'"),
        ({"overlong": "keep"}, "fit", "overlong is 'keep'"),
        ({"batch_size": 0}, "fit", "batch_size is 0"),
        ({"answer_format": "{trace}"}, "fit", r"must have \{final\}"),
        ({"answer_format": "{finale}"}, "fit", r"has the field \{finale\}"),
        ({"answer_format": "{"}, "fit", "answer_format is '{'"),
        ({"answer_pattern": "####"}, "fit", "must have a group"),
        ({"answer_pattern": "("}, "fit", "must be a regular expression"),
        ({"question_format": "Q"}, "fit", r"question_format is 'Q'.*must have \{question\}"),
        ({"system": "Hi."}, "fit", "system is given.*has no chat template"),
        ({"max_rows": 3}, "fit", "max_rows is 3.*there are 1 rows"),
        ({}, "test", "there are no items of test"),
        ({}, "predict", "has nothing to predict"),
        ({"batch_size": 2}, "fit", "less than one batch of 2"),
    ],
)
def test_options_that_cannot_be_used_are_refused(tmp_path, options, stage, message):
    with pytest.raises(UserError, match=message):
        rows_of(tmp_path, [ROW], **options).setup(stage)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("fit", "there are no rows"),
        ("validate", "there are no items, of validation"),
        ("test", "two items have the id 'same'"),
    ],
)
def test_a_class_of_ones_own_is_checked_too(stage, message):
    source = {"class_path": f"{__name__}.Doubled"}
    data = ReasoningRows(source, max_items=None)
    with pytest.raises(UserError, match=message):
        data.setup(stage) if stage != "fit" else data.rows


def test_a_folder_of_splits_is_refused(tmp_path):
    DatasetDict({"train": Dataset.from_list([ROW])}).save_to_disk(str(tmp_path / "set"))
    with pytest.raises(UserError, match="has the splits train; give the folder of one"):
        _ = ReasoningRows(str(tmp_path / "set")).rows


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "bad"}, "source is 'bad', in init_args of WorldRows"),
        ({"teacher": "T9"}, "teacher is 'T9'"),
        ({"rows": 41, "answers": 2}, "rows is 41 with 2 answers a question"),
    ],
)
def test_a_world_that_does_not_exist_is_refused(changes, message):
    from lit_research.methods.openthoughts import WorldRows

    with pytest.raises(UserError, match=message):
        WorldRows(**{"rows": 40, **changes})
