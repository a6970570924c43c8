"""Multiple choice by an ensemble: every size of it is scored; the data is its members'."""

import math

import pytest
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch.nn.functional import log_softmax

from lit_research.errors import UserError
from lit_research.evals import (
    ChoiceRows,
    Item,
    choice_accuracy,
    cloze_items,
    encode_items,
)
from lit_research.methods.ensemble import Ensemble, MultipleChoice
from lit_research.methods.ensemble.accuracy_by_size import AccuracyBySize
from lit_research.methods.ensemble.core import Scores, scores_by_size
from lit_research.text import IGNORE, load_tokenizer
from tests.evals.choices import ITEMS, batch_of, option_scores
from tests.evals.test_published import ARC, PIQA, write_rows

LM = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 96,
}
CPU = torch.device("cpu")


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


def score(ensemble, batches, average="logits"):
    choices = AccuracyBySize(ensemble.size, average, CPU)
    with torch.no_grad():
        for batch in batches:
            logits = ensemble._member_logits(batch)
            choices.add(batch, scores_by_size(logits, batch["labels"]))
    return choices


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
        choices = AccuracyBySize(1, "logits", CPU)
        choices.add(batch, scores_by_size([good], batch["labels"]))
        found = choices.results()
        assert (found["acc"], found["acc_norm"]) == ([expected], [expected])


def test_normalising_by_bytes_can_change_the_choice(tokenizer):
    # Uniform logits: the shorter option has the higher sum; per byte it pays for its space.
    batch = batch_of([Item("q", ["ab", "abcdefgh"], 1, "x")], tokenizer)
    choices = AccuracyBySize(1, "logits", CPU)
    shape = (*batch["labels"].shape, 257)
    choices.add(batch, scores_by_size([torch.zeros(shape)], batch["labels"]))
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
        total, per_byte = (
            float(choice_accuracy(of_option, answer)[0])
            for of_option in (scores.total, scores.per_byte)
        )
        assert found["acc"][size - 1] == pytest.approx(total)
        assert found["acc_norm"][size - 1] == pytest.approx(per_byte)
    for member in range(3):
        single = option_scores(
            log_softmax(logits_KBTV[member], -1).gather(-1, labels.clamp(min=0)[..., None])[..., 0],
            labels,
            *places,
        )
        assert found["acc_member"][member] == pytest.approx(
            float(choice_accuracy(single.total, answer)[0])
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
    # 200 characters and more do not fit into 96 tokens of a byte each.
    assert one.metrics("test")["test/items_truncated"] == len(topics.items)


def test_items_that_were_not_scored_whole_are_left_out(tokenizer):
    rows = ChoiceRows(encode_items(ITEMS, tokenizer, 64), 256)

    def of_first(count):
        batch, choices = rows.__getitems__(list(range(count))), AccuracyBySize(1, "logits", CPU)
        zeros = torch.zeros(batch["labels"].shape)
        choices.add(batch, [Scores(zeros, zeros, zeros)])
        return choices

    assert of_first(6).items == 2
    assert of_first(7).items == 3
    with pytest.raises(UserError, match=r"no item has all its options scored, in .*; raise"):
        of_first(1).results()
    nothing = AccuracyBySize(2, "logits", CPU)
    assert (nothing.choices.seen, nothing.items) == (0, 0)


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
        scored = [
            token for token, is_label in zip(one.tokens, one.learned, strict=True) if is_label
        ]
        assert trained.decode(scored) == f" {option}"


def test_items_of_other_sizes_and_of_some_kinds_of_documents(topics):
    corpus = {"source": "embedded:topics"}
    small = {"prefix_characters": 30, "option_characters": 10, "max_items": 20}
    made = MultipleChoice(tokenizer="bytes", corpus=corpus, kinds=["topics"], **small).items
    assert all(30 <= len(item.question) < 60 for item in made)
    assert all(10 <= len(option) < 20 for item in made for option in item.options)
    for kinds in ([], ["topics", "verse"]):
        with pytest.raises(UserError, match=r"kinds is \[.*; must be of the kinds .*, topics"):
            _ = MultipleChoice(tokenizer="bytes", corpus=corpus, kinds=kinds).items


# Published sets


def test_a_published_set_is_loaded(tmp_path):
    data = MultipleChoice("arc_easy", write_rows(tmp_path / "rows.jsonl", ARC), tokenizer="bytes")
    data.setup("validate")
    [batch] = data.val_dataloader()
    first = batch["labels"][batch["option_id"].tolist().index(0)]
    assert bytes(first[first != IGNORE].tolist()) == b" iron"


def test_a_sample_of_a_published_set_follows_from_the_seed(tmp_path):
    rows = [{**PIQA, "goal": f"goal {n}"} for n in range(30)]
    path = write_rows(tmp_path / "valid.jsonl", *rows)
    samples = [MultipleChoice("piqa", path, "bytes", max_items=5, seed=s).items for s in (0, 0, 1)]
    assert samples[0] == samples[1] != samples[2]
    assert len(samples[0]) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "hellaswag"}, "source is 'hellaswag', in .*; give embedded, arc_easy"),
        ({"path": "here"}, "path is 'here', in .* source embedded reads none: drop it"),
        (
            {"source": "piqa", "kinds": ["a"]},
            "kinds is .*, in .* with source piqa; leave it out",
        ),
        ({"option_characters": 0}, "option_characters is 0, in .*; must be at least 1"),
        ({"max_items": 0}, "max_items is 0, in .*; must be at least 1"),
        ({"corpus": {"sauce": 1}}, "corpus has 'sauce', in .*; give arguments of Corpus, batch"),
        ({"corpus": {"tokenizer": "bytes"}}, "tokenizer is 'bpe:4096' and that of corpus 'bytes'"),
    ],
)
def test_mistakes_in_the_arguments_are_named(arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        MultipleChoice(**arguments)
    assert "\n" not in str(caught.value)


def test_messages_say_which_option_to_change(tmp_path):
    where = "in data.init_args of MultipleChoice"
    with pytest.raises(UserError, match=f"sciq has no path, {where}; give"):
        _ = MultipleChoice("sciq", tokenizer="bytes").items
    rows = write_rows(tmp_path / "rows.jsonl", PIQA)
    with pytest.raises(UserError, match=f"has 9 tokens, .* max_length is 4, {where}; must"):
        _ = MultipleChoice("piqa", rows, tokenizer="bytes", max_length=4).rows
    with pytest.raises(UserError, match=r"MultipleChoice has no data for fit, in .*; use the verb"):
        MultipleChoice(tokenizer="bytes").setup(TrainerFn.FITTING)
