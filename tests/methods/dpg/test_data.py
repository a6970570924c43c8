"""Prompts: what is cut, what is left out, and what cannot be."""

import pytest

from lit_research.errors import UserError
from lit_research.methods.dpg import Prompts


def prompts(**changes):
    fields = {"prompts": ["ab", "abcdefgh"], "tokenizer": "bytes", "template": "say <{text}>!"}
    return Prompts(**{**fields, "seed": 0, "max_prompt_tokens": 10, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["say <ab>!", "say <abc>!"]),
        ({"long_prompts": "truncate"}, ["say <ab>!", "say <abc>!"]),
        ({"long_prompts": "drop"}, ["say <ab>!"]),
        ({"max_prompt_tokens": 15, "long_prompts": "drop"}, ["say <ab>!", "say <abcdefgh>!"]),
        ({"max_prompt_tokens": 15}, ["say <ab>!", "say <abcdefgh>!"]),
        ({"template": "{text}", "max_prompt_tokens": 3}, ["ab", "abc"]),
        ({"template": "{text}?{text}", "max_prompt_tokens": 6}, ["ab?ab", "abcdef"]),
    ],
    ids=str,
)
def test_long_prompts_lose_the_end_of_their_text_or_are_left_out(changes, expected):
    data = prompts(**changes)
    assert [data.tokenizer.decode(ids) for ids in data.prompts["train"]] == expected
    assert len(data.texts["train"]) == len(expected)


def test_texts_stay_whole():
    assert prompts().texts["train"] == ["say <ab>!", "say <abcdefgh>!"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"long_prompts": "cut"}, "long_prompts is 'cut'"),
        ({"max_prompt_tokens": 7}, "max_prompt_tokens is 7, and the template alone has 7 tokens"),
        ({"max_prompt_tokens": 7, "long_prompts": "drop"}, "none of 2 prompts of train has 1 to 7"),
    ],
)
def test_prompts_without_room_for_a_text_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        prompts(**changes).prompts_of("train")
