"""Replies that list questions: their schema, and what is read of them."""

from __future__ import annotations

import json
from typing import Any

QUESTIONS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "questions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "question": {"type": "string"},
                    "answer": {"type": ["string", "null"]},
                },
                "required": ["question", "answer"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["questions"],
    "additionalProperties": False,
}
"""The schema of replies, which a server is asked for and every reply is checked against."""


def read_questions(reply: str) -> list[tuple[str, str | None]]:
    """Return the questions of a reply with their answers, None where there is none.

    What stands around the object, such as a fence, is left out.

    Raises:
        ValueError: the reply is no JSON, or does not fit ``QUESTIONS_SCHEMA``.
    """
    start, end = reply.find("{"), reply.rfind("}")
    try:
        content = json.loads(reply[start : end + 1])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON ({error}): {reply!r:.80}") from None
    if not isinstance(content, dict) or not isinstance(content.get("questions"), list):
        raise ValueError(f"no list 'questions': {reply!r:.80}")
    return [_question(one) for one in content["questions"]]


def _question(one: Any) -> tuple[str, str | None]:
    question, answer = (one.get("question"), one.get("answer")) if isinstance(one, dict) else (0, 0)
    if not isinstance(question, str) or not isinstance(answer, str | None):
        raise ValueError(f"no question with an answer: {one!r:.80}")
    return question, answer or None
