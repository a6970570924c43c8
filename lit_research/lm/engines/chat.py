"""Prompts as messages of a chat: what engines with the option ``chat`` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lit_research.errors import UserError
from lit_research.lm.engines.base import Prompts
from lit_research.storage import content_hash


def check_chat(chat: bool, system: str | None, where: str) -> None:
    """Refuse a system message without a chat.

    Raises:
        UserError: ``system`` is given and ``chat`` is False.
    """
    if system is not None and not chat:
        raise UserError(f"system is {system!r} and chat false, {where}; must be a chat (chat true)")


def chat_card(chat: bool, system: str | None, template: str | None = None) -> dict[str, Any]:
    """Return what the chat adds to an engine's card; nothing without one."""
    if not chat:
        return {}
    hashed = {"template": content_hash(template)} if template else {}
    return {"chat": {"system": system, **hashed}}


def messages(prompt: str | Sequence[int], system: str | None, where: str) -> list[dict[str, str]]:
    """Return the chat that asks for the answer to ``prompt``.

    Raises:
        UserError: the prompt is token ids.
    """
    if not isinstance(prompt, str):
        raise UserError(
            f"a prompt is token ids and chat true, {where}; must be texts, which the engine renders"
        )
    before = [] if system is None else [{"role": "system", "content": system}]
    return [*before, {"role": "user", "content": prompt}]


def template_of(tokenizer: Any, where: str) -> str:
    """Return the tokenizer's chat template.

    Raises:
        UserError: it has none.
    """
    if not (template := getattr(tokenizer, "chat_template", None)):
        raise UserError(
            f"the tokenizer has no chat template and chat is true, {where}; must be the tokenizer "
            "of an instruction-tuned model, or chat false"
        )
    return str(template)


def render(tokenizer: Any, prompts: Prompts, system: str | None, where: str) -> list[list[int]]:
    """Return the token ids of each chat, up to where the answer begins.

    Raises:
        UserError: a prompt is token ids, or the template refuses the messages.
    """
    from jinja2 import TemplateError

    chats = [messages(prompt, system, where) for prompt in prompts]
    if not chats:
        return []
    try:
        found = tokenizer.apply_chat_template(chats, add_generation_prompt=True, return_dict=True)
    except TemplateError as error:
        raise UserError(
            f"the tokenizer's chat template refuses the messages ({error}), {where}; must be "
            "messages that it takes (many take no system message)"
        ) from error
    return [list(ids) for ids in found["input_ids"]]
