"""The assistant's tokens are learned, and nothing else of a conversation."""

import pytest

from lit_research.errors import UserError
from lit_research.sft import chat_prompt, encode_answer, encode_chat
from tests.lm.models import bytes_tokenizer

END = "<|endoftext|>"
# As ChatML: a line break after the end of each turn.
LINES = (
    "{% for m in messages %}<{{ m.role }}>\n{{ m.content }}" + END + "\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>\n{% endif %}"
)
# As Llama 2: users alone have marks, and other roles are refused.
MARKS = (
    "{% for m in messages %}{% if m.role == 'user' %}[I]{{ m.content }}[/I]"
    "{% elif m.role == 'assistant' %}{{ m.content }}" + END + "{% else %}"
    "{{ raise_exception('no role ' + m.role) }}{% endif %}{% endfor %}"
)
# Text after text.
BARE = "{% for m in messages %}{{ m.content }}{% endfor %}"
NAMES = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
# As Qwen3: what was thought in earlier turns is left out.
THINKING = (
    "{% for m in messages %}<{{ m.role }}>"
    "{{ m.content if loop.last else m.content.split('</think>')[-1] }}" + END + "\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
CHAT = [
    {"role": "user", "content": "1+1?"},
    {"role": "assistant", "content": "2"},
    {"role": "user", "content": "Sure?"},
    {"role": "assistant", "content": "Yes, \n"},
]


def tokenizer_of(template):
    tokenizer = bytes_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


def learned(row, tokenizer):
    pairs = zip(row.tokens, row.learned, strict=True)
    return tokenizer.decode([token for token, is_learned in pairs if is_learned])


@pytest.mark.parametrize("template", [LINES, MARKS])
@pytest.mark.parametrize(
    ("turns", "expected"), [("all", f"2{END}Yes, \n{END}"), ("last", f"Yes, \n{END}")]
)
def test_the_assistant_alone_is_learned_with_the_end_of_its_turns(template, turns, expected):
    tokenizer = tokenizer_of(template)
    row = encode_chat(CHAT, tokenizer, turns=turns)
    assert learned(row, tokenizer) == expected
    whole = tokenizer.apply_chat_template(CHAT, tokenize=False)
    assert tokenizer.decode(row.tokens) == whole
    # The tokens before an answer are those that an engine would read.
    prompt = chat_prompt(CHAT[:3], tokenizer)
    assert row.tokens[: len(prompt)] == prompt
    assert row.learned[len(prompt)]


def test_thoughts_are_learned_in_the_last_turn_where_the_template_forgets_them():
    tokenizer = tokenizer_of(THINKING)
    chat = [*CHAT[:1], {"role": "assistant", "content": "hm</think>2"}, *CHAT[2:]]
    with pytest.raises(UserError, match=r"turn 1 differently.*give turns 'last'"):
        encode_chat(chat, tokenizer)
    assert learned(encode_chat(chat, tokenizer, turns="last"), tokenizer) == f"Yes, \n{END}"
    assert learned(encode_chat(chat[:2], tokenizer), tokenizer) == f"hm</think>2{END}"


def test_options_reach_the_template():
    tokenizer = tokenizer_of("{{ note }}" + MARKS)
    prompt = chat_prompt(CHAT[:1], tokenizer, note="Be brief. ")
    assert tokenizer.decode(prompt) == "Be brief. [I]1+1?[/I]"
    row = encode_chat(CHAT[:2], tokenizer, note="Be brief. ")
    assert learned(row, tokenizer) == f"2{END}"


def test_plain_text_learns_the_answer_and_the_end():
    tokenizer = bytes_tokenizer()
    row = encode_answer("Q: 1+1? A:", " 2", tokenizer)
    assert learned(row, tokenizer) == f" 2{END}"
    assert len(row.tokens) == len("Q: 1+1? A:") + 3
    tokenizer.eos_token = None
    with pytest.raises(UserError, match="has no end-of-text token"):
        encode_answer("Q", "A", tokenizer)


@pytest.mark.parametrize(
    ("template", "messages", "options", "message"),
    [
        (None, CHAT, {}, "has no chat template"),
        (LINES, CHAT[:3], {}, "the last message is of 'user'"),
        (LINES, [], {}, "the last message is missing, in encode_chat; must be"),
        (LINES, CHAT, {"turns": "first"}, "turns is 'first'"),
        (BARE, CHAT[:2], {}, "has no border at the beginning of turn 1, the assistant's"),
        (NAMES, CHAT[:2], {}, "has no border at the end of turn 1"),
        (MARKS, [{"role": "tool", "content": "x"}, *CHAT], {}, "no role tool"),
    ],
)
def test_conversations_that_cannot_be_learned_are_refused(template, messages, options, message):
    with pytest.raises(UserError, match=message):
        encode_chat(messages, tokenizer_of(template), **options)
