"""Conversations as rows: the tokenizer's chat template, the assistant's tokens as labels."""

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
    """Return the token ids of a conversation up to the beginning of the assistant's next turn.

    Pass them to the engine as token ids: many tokenizers would add a second begin-of-text token to
    the rendered text, which already has the template's.

    Args:
        messages: ``{"role": ..., "content": ...}`` each.
        tokenizer: with a chat template.
        options: of the template, such as ``enable_thinking``.

    Raises:
        UserError: the tokenizer has no template, or the template refuses the messages.
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
    """Return a conversation as a row whose labels are the assistant's tokens.

    Labels are what the assistant has to generate: its text and the token that ends its turn; not
    its header, which the template writes, nor the white space after the end of the turn. Each piece
    is tokenised separately, as at generation (see ``chat_prompt``), so no token is part header and
    part answer.

    Args:
        messages: ``{"role": ..., "content": ...}`` each; the last is the assistant's.
        tokenizer: with a chat template.
        turns: which of the assistant's turns are labels: ``all``, or only the ``last``, for
            templates that change earlier turns (such as by removing their thoughts).
        options: of the template.

    Raises:
        UserError: the tokenizer has no template, the last message is not the assistant's, or the
            template renders an answer differently when the conversation continues, or marks not
            where it begins or ends.
    """
    if turns not in get_args(Turns):
        raise UserError(f"turns is {turns!r}, in encode_chat; must be one of 'all' and 'last'")
    if not messages or messages[-1]["role"] != "assistant":
        role = f"of {messages[-1]['role']!r}" if messages else "missing"
        raise UserError(f"the last message is {role}, in encode_chat; must be the assistant's")
    tokens: list[int] = []
    learned: list[bool] = []
    for text, is_learned in _pieces(messages, tokenizer, turns, options):
        ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        tokens += ids
        learned += [is_learned] * len(ids)
    return Row(tokens, learned)


def encode_answer(prompt: str, answer: str, tokenizer: PreTrainedTokenizerBase) -> Row:
    """Return a prompt and its answer as plain text, without a template.

    Labels are the answer and the end-of-text token.

    Args:
        prompt: tokenised separately, as an engine tokenises it.
        answer: the end-of-text token follows it.
        tokenizer: the model's.

    Raises:
        UserError: the tokenizer has no end-of-text token.
    """
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} has no end-of-text token, in encode_answer; "
            "set tokenizer.eos_token"
        )
    prompt_ids = tokenizer(prompt, verbose=False)["input_ids"]
    answer_ids = tokenizer(answer, add_special_tokens=False, verbose=False)["input_ids"]
    return Row.answer(prompt_ids, [*answer_ids, tokenizer.eos_token_id])


def _pieces(
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    turns: Turns,
    options: Mapping[str, Any],
) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of the rendered conversation, and whether each is a label."""
    whole, position = _render(messages, tokenizer, False, options), 0
    last = len(messages) - 1
    for turn, message in enumerate(messages):
        if message["role"] != "assistant" or (turns == "last" and turn < last):
            continue
        before = _render(messages[:turn], tokenizer, True, options)
        after = whole if turn == last else _render(messages[: turn + 1], tokenizer, False, options)
        if not (whole.startswith(after) and after.startswith(before) and len(before) >= position):
            raise UserError(
                f"the chat template of {tokenizer.name_or_path!r} renders turn {turn} differently "
                "when the conversation continues, or not after its generation prompt, in "
                "encode_chat; give turns 'last', or options of the template that prevent it"
            )
        _check_borders(messages, turn, before, after[len(before) :], tokenizer)
        end = len(before) + len(_without_space_after_end(after[len(before) :], tokenizer))
        yield whole[position : len(before)], False
        yield whole[len(before) : end], True
        position = end
    yield whole[position:], False


def _check_borders(
    messages: Sequence[Message],
    turn: int,
    before: str,
    answer: str,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Refuse a template that marks neither where an answer begins nor where it ends."""
    question = messages[turn - 1]["content"].strip() if turn else ""
    text = messages[turn]["content"].strip()
    lacking = "beginning" if question and before.endswith(question) else ""
    lacking = lacking or ("end" if text and answer.endswith(text) else "")
    if lacking:
        raise UserError(
            f"the chat template of {tokenizer.name_or_path!r} has no border at the {lacking} of "
            f"turn {turn}, the assistant's, in encode_chat; must mark both, or the model learns "
            "neither when to answer nor when to stop"
        )


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
            f"the tokenizer {tokenizer.name_or_path!r} has no chat template, for a conversation; "
            "give the tokenizer of an instruction-tuned model, set tokenizer.chat_template, or use "
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
            f"the chat template of {tokenizer.name_or_path!r} refuses a conversation ({error}), "
            f"of the roles {[message['role'] for message in messages]}; give roles that it knows"
        ) from error
    assert isinstance(text, str)
    return text
