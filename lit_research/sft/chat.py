"""Conversations as rows: the tokenizer's chat template, and the assistant's tokens as labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from lit_research.errors import UserError
from lit_research.sft.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = Mapping[str, str]
Turns = Literal["all", "last"]


def chat_prompt(
    messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, **options: Any
) -> list[int]:
    """Return the token ids of a conversation, up to where the assistant's next turn begins.

    Give them to the engine that is to answer. As a text, the prompt would get a second
    begin-of-text token from many tokenizers: the template has written one.

    Args:
        messages: ``{"role": ..., "content": ...}`` each.
        tokenizer: with a chat template.
        options: for the template, ``enable_thinking`` say.

    Raises:
        UserError: there is no template, or it takes no such messages.
    """
    text = _render(messages, tokenizer, True, options)
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]


def encode_chat(
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    *,
    turns: Turns = "all",
    **options: Any,
) -> Row:
    """Return a conversation as a row whose learned tokens are the assistant's.

    Learned is what the assistant itself has to write: its text and the token that ends its turn;
    not its header, which the template writes, nor the white space after the end of the turn. Each
    part is tokenised by itself, as at generation (see ``chat_prompt``): no token is half header and
    half answer.

    Args:
        messages: ``{"role": ..., "content": ...}`` each; the last is the assistant's.
        tokenizer: with a chat template.
        turns: ``all`` of the assistant's turns are learned, or the ``last``: for templates that
            change earlier turns (leave their thoughts out, say).
        options: for the template.

    Raises:
        UserError: there is no template, the last message is not the assistant's, or the template
            writes an answer differently once the conversation goes on.
    """
    if turns not in get_args(Turns):
        raise UserError(f"turns is {turns!r}, in encode_chat; must be one of 'all' and 'last'")
    if not messages or messages[-1]["role"] != "assistant":
        role = repr(messages[-1]["role"]) if messages else "nobody"
        raise UserError(
            f"the last message is of {role}, in a conversation to learn from; it must be the "
            "assistant's"
        )
    tokens: list[int] = []
    learned: list[bool] = []
    for text, is_learned in _parts(messages, tokenizer, turns, options):
        ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        tokens += ids
        learned += [is_learned] * len(ids)
    return Row(tokens, learned)


def encode_answer(prompt: str, answer: str, tokenizer: PreTrainedTokenizerBase) -> Row:
    """Return a prompt with its answer as plain text, without a template; the end is learned too.

    Args:
        prompt: tokenised by itself, as an engine tokenises it.
        answer: followed by the end-of-text token.
        tokenizer: the model's.

    Raises:
        UserError: the tokenizer has no end-of-text token.
    """
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} has no end-of-text token, for answers to "
            "learn from; set tokenizer.eos_token"
        )
    before = tokenizer(prompt, verbose=False)["input_ids"]
    after = tokenizer(answer, add_special_tokens=False, verbose=False)["input_ids"]
    return Row.answer(before, [*after, tokenizer.eos_token_id])


def _parts(
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    turns: Turns,
    options: Mapping[str, Any],
) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of the rendered conversation, and whether each is learned."""
    whole, place = _render(messages, tokenizer, False, options), 0
    last = len(messages) - 1
    for number, message in enumerate(messages):
        if message["role"] != "assistant" or (turns == "last" and number < last):
            continue
        before = _render(messages[:number], tokenizer, True, options)
        after = (
            whole if number == last else _render(messages[: number + 1], tokenizer, False, options)
        )
        if not (whole.startswith(after) and after.startswith(before) and len(before) >= place):
            raise UserError(
                f"the chat template of {tokenizer.name_or_path!r} writes turn {number} differently "
                "once the conversation goes on, or not after the beginning that it asks the "
                "assistant to continue; give turns 'last', or options of the template against that"
            )
        end = len(before) + len(_without_space_after_end(after[len(before) :], tokenizer))
        yield whole[place : len(before)], False
        yield whole[len(before) : end], True
        place = end
    yield whole[place:], False


def _without_space_after_end(turn: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a turn without the white space that the template puts after its last token."""
    stripped = turn.rstrip()
    return stripped if stripped.endswith(tuple(tokenizer.all_special_tokens)) else turn


def _render(
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    answer_next: bool,
    options: Mapping[str, Any],
) -> str:
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} has no chat template, for conversations; "
            "give that of an instruction-tuned model, set tokenizer.chat_template, or use "
            "encode_answer"
        )
    try:
        text = tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=answer_next,
            **options,
        )
    except TemplateError as error:
        raise UserError(
            f"the chat template of {tokenizer.name_or_path!r} takes no such conversation: {error}; "
            f"of the roles {[message['role'] for message in messages]}; give roles that it knows"
        ) from error
    assert isinstance(text, str)
    return text
