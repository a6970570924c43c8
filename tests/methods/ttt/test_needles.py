"""A needle is where it should be, its answer is at the end, and a test finds what a model finds."""

import numpy as np
import pytest
import torch

from lit_research.errors import UserError
from lit_research.methods.ttt import Needles
from lit_research.text import IGNORE

SHORT = {"header": "", "needle": "The {word} has {number}. ", "question": "The {word} has"}


def needles(**changes):
    return Needles(**{"sequence_length": 1024, "batch_size": 2, "seed": 0, **changes})


def texts(data, batch):
    last = batch["labels"][:, -1:]
    return [data.tokenizer.decode(row) for row in torch.cat([batch["input_ids"], last], dim=1)]


def test_a_sequence_is_ruler_s_header_noise_needle_question_and_answer():
    data = needles()
    for text in texts(data, data.sequences("train").__getitems__(range(8))):
        assert len(text) == 1025
        assert text.startswith("Some special magic numbers are hidden")
        assert text.count("The grass is green.") > 3
        _, rest = text.split("One of the special magic numbers for ")
        word, rest = rest.split(" is: ", 1)
        number, rest = rest.split(". ", 1)
        assert len(number) == 7
        question = "mentioned in the provided text? The special magic number for"
        assert text.endswith(f"{question} {word} mentioned in the provided text is {number}")


def test_needles_are_at_their_depths_between_whole_sentences():
    data = needles(depths=3)
    batch = data.sequences("test").__getitems__(range(3))
    assert batch["depth"].tolist() == [0, 1, 2]
    places = [text.index("One of the special magic") for text in texts(data, batch)]
    before = [text[:place] for text, place in zip(texts(data, batch), places, strict=True)]
    assert all(text.endswith((". ", "\n")) for text in before)
    assert places[0] < 200 < places[1] - 200 < places[2] - 400
    assert texts(data, batch)[2].split(". \nWhat")[0][-7:].isdigit()


def test_answers_are_the_last_labels():
    data = needles(digits=3)
    batch = data.sequences("test").__getitems__([0, 1])
    assert torch.equal(batch["answers"], batch["labels"][:, -4:])
    assert all(text.strip().isdigit() for text in data.tokenizer.batch_decode(batch["answers"]))
    assert "answers" not in data.sequences("train").__getitems__([0])


def test_a_shorter_answer_is_padded_in_front():
    data = needles()
    sequences = data.sequences("test")

    class Varied(type(sequences.haystack)):
        def draw(self, rng, length, depth):
            return np.arange(length + 1), int(rng.integers(2, 5))

    haystack = sequences.haystack
    sequences.haystack = Varied(**{name: getattr(haystack, name) for name in vars(haystack)})
    batch = sequences.__getitems__(range(12))
    sizes = (batch["answers"] != IGNORE).sum(1)
    assert set(sizes.tolist()) == {2, 3, 4}
    for answers, size in zip(batch["answers"], sizes, strict=True):
        assert (answers[:-size] == IGNORE).all()
        assert answers[-1] == 1024


def test_sequences_are_a_function_of_seed_split_and_index_and_paired_over_lengths():
    one, two = needles(), needles()
    alone = two.sequences("train").__getitems__([5])["input_ids"]
    assert torch.equal(one.sequences("train").__getitems__([3, 5])["input_ids"][1:], alone)
    assert not torch.equal(one.sequences("validation").__getitems__([5])["input_ids"], alone)
    long, short = (one.sequences("test", n).__getitems__(range(4)) for n in (1024, 512))
    assert torch.equal(long["answers"], short["answers"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digits": 0}, "digits is 0"),
        ({"contexts": [0]}, "contexts is"),
        ({"tokenizer": "bpe:300"}, "no corpus"),
        ({"needle": "{number}"}, "put {word} and {number}"),
        ({"noise": [""]}, "one or more sentences"),
    ],
)
def test_mistakes_are_refused_at_once(changes, message):
    with pytest.raises(UserError, match=message):
        needles(**changes)


def test_a_length_without_room_is_refused_before_the_run():
    with pytest.raises(UserError, match="no room"):
        needles(contexts=[256]).setup("test")
    needles(sequence_length=64, digits=2, **SHORT).setup("test")
