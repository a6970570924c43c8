"""What a row of an option holds, and what is refused."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.evals import Item, encode_items, items_with_room
from lit_research.text import IGNORE, load_tokenizer
from tests.evals.choices import ITEMS, batch_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORDS = TEXT.filter(lambda text: text.strip() != "")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("bytes")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT, st.lists(WORDS, min_size=2, max_size=4))
def test_labels_are_the_tokens_of_the_option_and_of_the_space_before_it(tokenizer, question, texts):
    batch = batch_of([Item(question, texts, 0, "x")], tokenizer, max_length=600)
    for row, text in enumerate(texts):
        counted = batch["labels"][row] != IGNORE
        space = question[len(question.rstrip()) :] + " "
        assert bytes(batch["labels"][row][counted].tolist()) == (space + text).encode()
        # The label after input t is input t + 1, so the row goes on as the label says.
        places = counted.nonzero().flatten()
        inputs, labels = batch["input_ids"][row], batch["labels"][row]
        assert torch.equal(inputs[places[1:]], labels[places[:-1]])
        before = [token for token in inputs[: places[0] + 1].tolist() if token != 256]
        assert bytes(before) == question.rstrip().encode()
        assert batch["option_bytes"][row] == len(text.encode())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.integers(1, 15), st.integers(16, 40))
def test_truncation_takes_the_beginning_of_the_question(tokenizer, asked, answered, max_length):
    question, option = "q" * (asked - 1) + "?", "o" * answered
    batch = batch_of([Item(question, [option, "x"], 0, "x")], tokenizer, max_length)
    row = batch["option_id"].tolist().index(0)
    counted = batch["labels"][row] != IGNORE
    assert batch["input_ids"].shape[1] == min(max_length, asked + answered)
    assert bytes(batch["labels"][row][counted].tolist()).decode() == f" {option}"
    assert batch["input_ids"][row][counted][0] == ord("?")


def test_an_option_that_leaves_no_room_for_the_question_is_refused(tokenizer):
    items = [Item("q", ["o" * 8, "x"], 0, "deep/7")]
    assert len(encode_items(items, tokenizer, 9)) == 2
    with pytest.raises(
        UserError, match=r"option 0 of item 'deep/7' has 9 tokens, .* is 8, .*; must be at least 9,"
    ):
        encode_items(items, tokenizer, 8)


def test_an_item_stays_together_and_long_items_come_first(tokenizer):
    rows = encode_items(ITEMS, tokenizer, 64)
    assert [(row.item, row.option) for row in rows] == [
        (1, 0), (1, 1), (2, 0), (2, 1), (0, 0), (0, 1), (0, 2)
    ]  # fmt: skip


def test_the_name_of_a_special_token_is_text(tokenizer):
    [row, _] = encode_items([Item("a", ["<|endoftext|>", "b"], 0, "x")], tokenizer, 64)
    assert bytes(row.tokens).decode() == "a <|endoftext|>"


@pytest.mark.parametrize("options", [["a"], ["a", " "], ["a", None]])
def test_items_without_real_options_are_refused(options):
    with pytest.raises(UserError, match="in item 'x'; must be at least two, none empty"):
        Item("q", options, 0, "x")
    with pytest.raises(UserError, match="answer is -1, in item 'y'; must be the index"):
        Item("q", ["a", "b"], -1, "y")


def test_rows_know_whose_question_was_cut_and_which_items_have_room(tokenizer):
    cut = {row.item for row in encode_items(ITEMS, tokenizer, 27) if row.truncated}
    assert cut == {1}  # 18 characters and 24 of the longer option
    assert [item.id for item in items_with_room(ITEMS, tokenizer, 17)] == ["sum", "bytes"]
    batch = batch_of(ITEMS, tokenizer, max_length=27)
    assert set(batch["item_id"][batch["truncated"] == 1].tolist()) == cut
