"""Multiple-choice items: what a row holds, how options are scored, where items come from."""

import json
import math
import threading

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightning.pytorch.trainer.states import TrainerFn
from torch.nn.functional import log_softmax

from lit_research.errors import UserError
from lit_research.methods.ensemble import Ensemble
from lit_research.methods.ensemble.choice_items import Item, cloze_items, published_items
from lit_research.methods.ensemble.choice_scores import ChoiceScores, accuracy, option_scores
from lit_research.methods.ensemble.choices import ChoiceRows, MultipleChoice, encode_items
from lit_research.methods.ensemble.core import Scores, scores_by_size
from lit_research.text import IGNORE, load_tokenizer

LM = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 96,
}
ITEMS = [
    Item("2 + 2 =", ["five", "four", "a"], 1, "sum"),
    Item("The cat sat on the", ["mat and slept for hours", "sky"], 0, "cat"),
    Item("é", ["ü", "longer than that"], 0, "bytes"),
]
CPU = torch.device("cpu")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORDS = TEXT.filter(lambda text: text.strip() != "")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("bytes")


@pytest.fixture(scope="module")
def topics():
    corpus = {"source": "embedded:topics"}
    return MultipleChoice(tokenizer="bytes", corpus=corpus, max_length=96, max_items=40)


@pytest.fixture(scope="module")
def ensemble():
    module = Ensemble(LM, vocab_size=257, seeds=[0, 1, 2])
    module.configure_model()
    return module.eval()


def batch_of(items, tokenizer, max_length=64):
    rows = ChoiceRows(encode_items(items, tokenizer, max_length), tokenizer.eos_token_id)
    return rows.__getitems__(list(range(len(rows))))


def score(ensemble, batches, average="logits"):
    choices = ChoiceScores(ensemble.size, average, CPU)
    with torch.no_grad():
        for batch in batches:
            logits = ensemble._member_logits(batch)
            choices.add(batch, scores_by_size(logits, batch["labels"]))
    choices.reduce()
    return choices


# Rows


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
        UserError, match=r"option 0 has 9 tokens, in item 'deep/7', .* is 8, .*: give 9 or more"
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
    with pytest.raises(UserError, match="in item 'x': give two or more"):
        Item("q", options, 0, "x")
    with pytest.raises(UserError, match="the answer is -1, in item 'y'"):
        Item("q", ["a", "b"], -1, "y")


# Scores


def test_padding_and_batching_change_no_score(tokenizer, ensemble):
    whole = batch_of(ITEMS, tokenizer)
    with torch.no_grad():
        *_, together = scores_by_size(ensemble._member_logits(whole), whole["labels"])
        for row, encoded in enumerate(encode_items(ITEMS, tokenizer, 64)):
            one = ChoiceRows([encoded], 256).__getitems__([0])
            *_, alone = scores_by_size(ensemble._member_logits(one), one["labels"])
            found = together.logits[row].sum()
            torch.testing.assert_close(alone.logits.sum(), found, atol=1e-5, rtol=0)


def test_option_scores_and_accuracy_by_hand():
    log_probs = torch.tensor([[-1.0, -2.0], [-2.5, 9.0], [-4.0, -4.0], [-1.0, -1.0]])
    labels = torch.tensor([[5, 6], [7, IGNORE], [1, 1], [1, 1]])
    item, option = torch.tensor([0, 0, 1, 0]), torch.tensor([0, 1, 0, 2])
    found = option_scores(log_probs, labels, item, option, torch.tensor([6, 1, 2, 8]))
    gone = -math.inf
    assert found.total.tolist() == [[-3.0, -2.5, -2.0], [-8.0, gone, gone]]
    assert found.per_token.tolist() == [[-1.5, -2.5, -1.0], [-4.0, gone, gone]]
    assert found.per_byte.tolist() == [[-0.5, -2.5, -0.25], [-4.0, gone, gone]]
    share, error = accuracy(found.total, torch.tensor([2, 1]))
    assert share == 0.5
    assert error == pytest.approx(0.5)  # sqrt(.5 * .5 / 1)


def test_of_equal_scores_the_first_is_chosen_and_nan_is_not_hidden():
    equal = torch.zeros(3, 4)
    assert accuracy(equal, torch.tensor([0, 0, 1]))[0] == pytest.approx(2 / 3)
    equal[0, 0] = math.nan
    assert accuracy(equal, torch.tensor([0, 0, 1]))[0].isnan()


def test_a_model_that_knows_the_answers_chooses_them(tokenizer):
    # A table of bigrams in which the right answers' transitions are likely, as the logits.
    items = [Item("Say:", ["no", "yes"], 1, "a"), Item("Sing:", ["la la la", "do"], 0, "b")]
    batch = batch_of(items, tokenizer)
    table = torch.zeros(257, 257)
    for right in (" yes", " la la la"):
        codes = right.encode()
        table[[ord(":"), *codes[:-1]], list(codes)] = 8.0
    logits = table[batch["input_ids"]]
    for good, expected in ((logits, 1.0), (-logits, 0.0)):
        choices = ChoiceScores(1, "logits", CPU)
        choices.add(batch, scores_by_size([good], batch["labels"]))
        choices.reduce()
        found = choices.results()
        assert (found["acc"], found["acc_norm"]) == ([expected], [expected])


def test_normalising_by_bytes_can_change_the_choice(tokenizer):
    # Uniform logits: the shorter option has the higher sum; per byte it pays for its space.
    batch = batch_of([Item("q", ["ab", "abcdefgh"], 1, "x")], tokenizer)
    choices = ChoiceScores(1, "logits", CPU)
    shape = (*batch["labels"].shape, 257)
    choices.add(batch, scores_by_size([torch.zeros(shape)], batch["labels"]))
    choices.reduce()
    found = choices.results()
    assert (found["acc"], found["acc_norm"]) == ([0.0], [1.0])
    assert math.isnan(found["acc_stderr"][0])


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_every_size_of_an_ensemble_is_scored(tokenizer, ensemble, average):
    batch = batch_of(ITEMS, tokenizer)
    found = score(ensemble, [batch], average).results()
    places = [batch[name] for name in ("item_id", "option_id", "option_bytes")]
    answer = torch.tensor([item.answer for item in ITEMS])
    with torch.no_grad():
        logits_KBTV = torch.stack(list(ensemble._member_logits(batch)))
    for size in (1, 2, 3):
        first = logits_KBTV[:size]
        if average == "logits":
            log_probs = log_softmax(first.mean(0), dim=-1)
        else:
            log_probs = first.softmax(-1).mean(0).log()
        labels = batch["labels"]
        of_label = log_probs.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        scores = option_scores(of_label, labels, *places)
        assert found["acc"][size - 1] == pytest.approx(float(accuracy(scores.total, answer)[0]))
        per_byte = float(accuracy(scores.per_byte, answer)[0])
        assert found["acc_norm"][size - 1] == pytest.approx(per_byte)
    for member in range(3):
        single = option_scores(
            log_softmax(logits_KBTV[member], -1).gather(-1, labels.clamp(min=0)[..., None])[..., 0],
            labels,
            *places,
        )
        assert found["acc_member"][member] == pytest.approx(
            float(accuracy(single.total, answer)[0])
        )


def test_several_batches_are_one(topics, ensemble):
    rows = topics.rows
    whole = rows.__getitems__(list(range(len(rows))))
    parts = [
        rows.__getitems__(list(range(n, min(n + 7, len(rows))))) for n in range(0, len(rows), 7)
    ]
    one, many = score(ensemble, [whole]), score(ensemble, parts)
    assert one.items == many.items == len(topics.items)
    assert one.results() == many.results()
    assert set(one.metrics("test")) >= {"test/acc", "test/acc_norm", "test/acc_k3", "test/items"}
    assert one.report().splitlines()[0] == f"{one.items} items, accuracy in %, mean of logits"
    assert len(one.report().splitlines()) == 6


class Ranks:
    """A strategy's reduction between threads, each of them a rank."""

    def __init__(self, size):
        self.given, self.barrier = [None] * size, threading.Barrier(size, timeout=10)

    def of(self, rank):
        strategy = type("Strategy", (), {})()
        strategy.reduce = lambda tensor, reduce_op: self._reduce(rank, tensor, reduce_op)
        return strategy

    def _reduce(self, rank, tensor, reduce_op):
        self.given[rank] = tensor
        self.barrier.wait()
        stacked = torch.stack(self.given)
        self.barrier.wait()
        return stacked.amax(0) if reduce_op == "max" else stacked.sum(0)


def test_ranks_share_the_options_of_an_item_and_one_may_have_none(tokenizer, ensemble):
    rows = ChoiceRows(encode_items(ITEMS, tokenizer, 64), 256)
    # Options of item 2 on both of the first ranks, one row on both, no row on the third.
    shares, ranks = [[0, 1, 2], [2, 3, 4, 5, 6], []], Ranks(3)
    gathered = [ChoiceScores(3, "logits", CPU) for _ in shares]
    with torch.no_grad():
        for choices, share in zip(gathered, shares, strict=True):
            if share:
                batch = rows.__getitems__(share)
                choices.add(batch, scores_by_size(ensemble._member_logits(batch), batch["labels"]))
    threads = [
        threading.Thread(target=choices.reduce, args=(ranks.of(rank),))
        for rank, choices in enumerate(gathered)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = score(ensemble, [batch_of(ITEMS, tokenizer)]).results()
    for choices in gathered:
        assert choices.items == 3
        assert choices.results() == expected


def test_items_that_were_not_scored_whole_are_left_out(tokenizer):
    rows = ChoiceRows(encode_items(ITEMS, tokenizer, 64), 256)

    def of_first(count):
        batch, choices = rows.__getitems__(list(range(count))), ChoiceScores(1, "logits", CPU)
        zeros = torch.zeros(batch["labels"].shape)
        choices.add(batch, [Scores(zeros, zeros, zeros)])
        choices.reduce()
        return choices

    assert of_first(6).items == 2
    assert of_first(7).items == 3
    with pytest.raises(UserError, match=r"no item has all its options scored, in .*: raise"):
        of_first(1).results()
    nothing = ChoiceScores(2, "logits", CPU)
    nothing.reduce()
    assert (nothing.seen, nothing.items) == (0, 0)


# The built-in set


def test_built_in_items_come_from_held_out_documents_alone(topics):
    splits = topics.corpus.documents
    held_out = dict(zip(splits["test"]["id"], splits["test"]["text"], strict=True))
    training = [" ".join(text.split()) for text in splits["train"]["text"]]
    for item in topics.items:
        document, start = item.id.rsplit(":", 1)
        whole = f"{item.question} {item.options[item.answer]}"
        assert held_out[document].startswith(whole, int(start))
        assert 200 <= len(item.question) < 400
        assert all(40 <= len(option) < 80 for option in item.options)
        assert len(set(item.options)) == 4
        for option in item.options:
            assert any(option in text for text in held_out.values())
        assert not any(" ".join(whole.split()) in text for text in training)
    answers = [item.answer for item in topics.items]
    assert {0, 1, 2, 3} == set(answers)


def test_built_in_items_follow_from_the_seed(topics):
    splits = topics.corpus.documents
    make = [cloze_items(splits["test"], splits["train"], count=40, seed=s) for s in (0, 0, 1)]
    assert make[0] == make[1] == topics.items
    assert make[0] != make[2]


def test_an_item_whose_answer_is_in_the_training_text_is_left_out():
    from datasets import Dataset

    def documents(texts):
        return Dataset.from_dict(
            {"text": texts, "id": [f"d{n}" for n in range(len(texts))], "kind": ["x"] * len(texts)}
        )

    held_out = [" ".join(f"{name}{n}" for n in range(100)) for name in "abcdef"]
    other = documents(["nothing of this kind"])
    count = {"count": 100, "seed": 0}
    from_all = cloze_items(documents(held_out), other, **count)
    assert {item.id[:2] for item in from_all} == {"d0", "d1", "d2", "d3", "d4", "d5"}
    # The same words with other space between them, as docstrings are in the source.
    known = documents([f"before\n    {held_out[2].replace(' ', chr(10))} after"])
    items = cloze_items(documents(held_out), known, **count)
    assert {item.id[:2] for item in items} == {"d0", "d1", "d3", "d4", "d5"}
    with pytest.raises(UserError, match="no item could be made from 6 held-out documents, in"):
        cloze_items(documents(held_out), documents(held_out), **count)


def test_the_tokenizer_is_that_of_the_training_corpus(tmp_path):
    corpus = {"source": "embedded:topics", "cache_dir": str(tmp_path), "tokenizer": "bpe:300"}
    data = MultipleChoice(tokenizer="bpe:300", corpus=corpus, max_items=5)
    trained = data.corpus.tokenizer
    assert data.vocab_size == 300
    folder = str(tmp_path / "exported")
    trained.save_pretrained(folder)
    # An exported folder is the same tokenizer, and each option's tokens say the option.
    again = MultipleChoice(tokenizer=folder, corpus={"source": "embedded:topics"}, max_items=5)
    data.setup("test")
    for one, other in zip(data.rows.rows, again.rows.rows, strict=True):
        assert one == other
        option = data.items[one.item].options[one.option]
        assert trained.decode(one.tokens[one.start :]) == f" {option}"


# Published sets

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
    data = MultipleChoice(source, write_rows(tmp_path / "rows.jsonl", row), tokenizer="bytes")
    [item] = data.items
    assert (item.question, item.options, item.answer) == expected
    assert item.id == row.get("id", "line 1")
    data.setup("validate")
    [batch] = data.val_dataloader()
    first = batch["labels"][batch["option_id"].tolist().index(0)]
    assert bytes(first[first != IGNORE].tolist()).decode() == f" {expected[1][0]}"


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
    with pytest.raises(UserError, match=r"there is no valid split, in .*both: give a datasets"):
        published_items("piqa", str(tmp_path / "both"))


def test_a_sample_of_a_published_set_follows_from_the_seed(tmp_path):
    rows = [{**PIQA, "goal": f"goal {n}"} for n in range(30)]
    path = write_rows(tmp_path / "valid.jsonl", *rows)
    samples = [MultipleChoice("piqa", path, "bytes", max_items=5, seed=s).items for s in (0, 0, 1)]
    assert samples[0] == samples[1] != samples[2]
    assert len(samples[0]) == 5


@pytest.mark.parametrize(
    ("source", "row", "message"),
    [
        ("piqa", ARC, "not a row of piqa: no column 'goal'; in .*, line 2: give .* goal, sol1"),
        ("piqa", {**PIQA, "label": -1}, "the answer is -1, in item 'line 2': .*; from .*, line 2"),
        ("sciq", {**SCIQ, "support": None}, "not a row of sciq: .*, line 2: give .* the columns"),
        ("arc_easy", {**ARC, "answerKey": "E"}, "answerKey 'E' is none of the labels"),
        ("arc_easy", {**ARC, "choices": 3}, "choices has no text and label; in"),
        ("arc_easy", [1], "not a row of arc_easy: .*, line 2: give"),
    ],
)
def test_rows_of_another_layout_are_refused_in_one_line(tmp_path, source, row, message):
    good = {"piqa": PIQA, "sciq": SCIQ, "arc_easy": ARC}[source]
    path = write_rows(tmp_path / "rows.jsonl", good, row)
    with pytest.raises(UserError, match=message) as caught:
        published_items(source, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "hellaswag"}, "source is 'hellaswag', in .*: give embedded, arc_easy"),
        ({"path": "here"}, "path is 'here', in .* source embedded reads none: drop it"),
        ({"max_items": 0}, "max_items is 0, in .*: give 1 or more"),
        ({"corpus": {"sauce": 1}}, "corpus has 'sauce', in .*: give arguments of Corpus, batch"),
        ({"corpus": {"tokenizer": "bytes"}}, "tokenizer is 'bpe:4096' and that of corpus 'bytes'"),
    ],
)
def test_mistakes_in_the_arguments_are_named(arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        MultipleChoice(**arguments)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_are_asked_for_with_their_columns(tmp_path):
    with pytest.raises(UserError, match=r"sciq has no path, in .*: give .* test split .* support"):
        _ = MultipleChoice("sciq", tokenizer="bytes").items
    with pytest.raises(UserError, match=r"piqa has the path '/gone', where nothing is, in .* sol1"):
        _ = MultipleChoice("piqa", "/gone", "bytes").items
    for name in ("train", "dev"):
        write_rows(tmp_path / "arc" / f"{name}.jsonl", ARC)
    with pytest.raises(UserError, match=r"no file's name begins with 'test', in .*arc: give"):
        published_items("arc_easy", str(tmp_path / "arc"))
    with pytest.raises(UserError, match=r"MultipleChoice has no data for fit, in .*: use the verb"):
        MultipleChoice(tokenizer="bytes").setup(TrainerFn.FITTING)
