"""What a message advises exists, helps, and is not what another message warns of."""

import shutil

import pytest

from lit_research.errors import UserError
from lit_research.methods.ensemble import MultipleChoice
from lit_research.methods.ttt import Permutations
from tests.methods.ensemble.helpers import checkpoint, run

MODEL, DATA = "model.init_args", "data.init_args"
TOPICS = {"source": "embedded:topics"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    run(folder, {"trainer.max_steps": 1, "trainer.val_check_interval": 1})
    return checkpoint(folder)


def choices(**changes):
    return {
        "data.class_path": "MultipleChoice",
        DATA: {"tokenizer": "bytes", "corpus": TOPICS, "max_items": 20, **changes},
    }


def test_items_longer_than_the_model_are_told_by_their_own_option(trained, tmp_path):
    gather = {f"{MODEL}.gather": [trained]}
    expected = r"max_length is 44, in data.init_args of MultipleChoice.*; give 32 or less$"
    with pytest.raises(UserError, match=expected):
        run(tmp_path, {**choices(max_length=44), **gather}, "test")
    with pytest.raises(UserError, match=r"max_length is 32.*each of 20 .* no more positions$"):
        run(tmp_path, {**choices(max_length=32), **gather}, "test")
    wider = {f"{MODEL}.lm.max_position_embeddings": 64}  # rotary: the weights are the same
    found = run(tmp_path, {**choices(max_length=44), **gather, **wider}, "test")
    assert 0 < len(found.datamodule.items) <= 20
    assert 0 <= float(found.trainer.callback_metrics["test/acc"]) <= 1


def test_built_in_items_without_room_are_left_out_and_others_stay():
    every = MultipleChoice(tokenizer="bytes", corpus=TOPICS, max_length=256, max_items=40).items
    lengths = [max(len(f" {option}".encode()) for option in item.options) for item in every]
    limit = sorted(lengths)[len(lengths) // 2]
    assert min(lengths) <= limit < max(lengths)
    some = MultipleChoice(tokenizer="bytes", corpus=TOPICS, max_length=limit, max_items=40).items
    assert some == [item for item, n in zip(every, lengths, strict=True) if n <= limit]


def test_the_longest_sequence_is_told_by_the_option_that_sets_it():
    assert Permutations(sequence_length=64).length_argument == "sequence_length"
    longer = Permutations(sequence_length=64, eval_length=128)
    assert (longer.sequence_length, longer.length_argument) == (128, "eval_length")


def test_a_member_that_is_there_twice_is_told_with_both_files(trained, tmp_path):
    copy = tmp_path / "copy.ckpt"
    shutil.copyfile(trained, copy)
    with pytest.raises(UserError, match=rf"duplicate member \(seed 4, in {trained} and {copy}\)"):
        run(tmp_path, {f"{MODEL}.gather": [trained, str(copy)]}, "test")
