"""Supervised fine-tuning: rows of tokens of a prompt and an answer, whose labels are the answer.

``encode_chat`` (chat templates) and ``encode_answer`` (plain text) make a ``Row``; ``chat_prompt``
makes the prompt that an engine continues; ``truncate_rows`` truncates long rows and counts them;
``PackedRows`` packs rows into windows without attention across rows, ``stack_rows`` pads them into
a batch.
"""

from lit_research.sft.chat import chat_prompt, encode_answer, encode_chat
from lit_research.sft.packing import PackedRows
from lit_research.sft.rows import (
    Cuts,
    Row,
    completion_rows,
    stack_rows,
    truncate_rows,
    written_rows,
)

__all__ = [
    "Cuts",
    "PackedRows",
    "Row",
    "chat_prompt",
    "completion_rows",
    "encode_answer",
    "encode_chat",
    "stack_rows",
    "truncate_rows",
    "written_rows",
]
