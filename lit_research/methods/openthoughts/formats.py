"""Layouts of reasoning data: read into the columns of a recipe, and written from them.

OpenThoughts-114k, OpenThoughts2-1M and OpenThoughts3-1.2M hold ``conversations`` of from/value
pairs; ShareGPT is the same with ``human`` and ``gpt``; OpenAI's rows hold ``messages`` of
role/content pairs; Alpaca's ``instruction, input, output``. Reasoning stands between ``<think>``
tags or those of OpenThoughts-114k.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from lit_research.errors import UserError
from lit_research.files import replacing, write_json
from lit_research.stages import Rejected, Row, RowStage

if TYPE_CHECKING:
    import pyarrow as pa

Layout = Literal["conversations", "messages", "alpaca"]
Tags = Literal["think", "openthoughts"]

THINK = ("<think>", "</think>")
THOUGHT = ("<|begin_of_thought|>", "<|end_of_thought|>")
SOLUTION = ("<|begin_of_solution|>", "<|end_of_solution|>")
_ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}
_ROLES |= {"system": "system"}
_INFO = "dataset_info.json"


class Imported(RowStage):
    """Reads rows of any of the layouts, told from their columns, each by itself.

    ``difficulty``, ``source`` and ``domain`` go on where they are; a row with more than a question
    and an answer, or with neither layout, is rejected.
    """

    def card(self) -> dict[str, Any]:
        """Return nothing: there are no arguments."""
        return {}

    def columns(self) -> Mapping[str, pa.DataType]:
        """Return the columns that are read."""
        import pyarrow as pa

        texts = ("system", "question", "answer", "trace", "final", "source", "domain")
        return {**dict.fromkeys(texts, pa.string()), "difficulty": pa.float64()}

    def rows(self, rows: list[Row], seed: int) -> Iterable[Row | Rejected]:
        """Yield each row with a question, its reasoning and its answer."""
        for row in rows:
            found = read_row(row)
            if isinstance(found, str):
                yield Rejected(row, found)
            else:
                yield {"id": row["id"], **found}


def read_row(row: Mapping[str, Any]) -> dict[str, Any] | str:
    """Return ``system, question, answer, trace, final, source, domain, difficulty`` of a row.

    Or why it is not read. ``answer``, the key, is ``ground_truth_solution`` or ``answer`` where the
    row has one.
    """
    turns = _turns(row)
    if isinstance(turns, str):
        return turns
    system = next((text for role, text in turns if role == "system"), None)
    said = [turn for turn in turns if turn[0] != "system"]
    if [role for role, _ in said] not in (["user", "assistant"], ["user"]):
        return "not one question and one answer"
    trace, final = split_answer(said[1][1]) if len(said) == 2 else (None, None)
    difficulty = row.get("difficulty")
    return {
        "system": system,
        "question": said[0][1],
        "answer": row.get("answer") or row.get("ground_truth_solution"),
        "trace": trace,
        "final": final,
        "source": row.get("source"),
        "domain": row.get("domain"),
        "difficulty": None if difficulty is None else float(difficulty),
    }


def _turns(row: Mapping[str, Any]) -> list[tuple[str, str]] | str:
    """Return (role, text) of each turn, or why there are none."""
    if (turns := row.get("conversations")) is not None:
        keys = ("from", "value")
    elif (turns := row.get("messages")) is not None:
        keys = ("role", "content")
    elif isinstance(row.get("instruction"), str):
        asked = "\n\n".join(text for text in (row["instruction"], row.get("input")) if text)
        answered = [("assistant", row["output"])] if isinstance(row.get("output"), str) else []
        return [("user", asked), *answered]
    else:
        return "of no known layout"
    before = [("system", row["system"])] if isinstance(row.get("system"), str) else []
    try:
        pairs = [(_ROLES[turn[keys[0]]], turn[keys[1]]) for turn in turns]
    except (KeyError, TypeError):
        return "turns without a known role"
    if not all(isinstance(text, str) for _, text in pairs):
        return "a turn is no text"
    return [*before, *pairs]


def split_answer(text: str) -> tuple[str | None, str]:
    """Return the reasoning between its tags, None without, and the answer behind it."""
    for opening, closing in (THINK, THOUGHT):
        before, found, after = text.partition(closing)
        if found:
            final = after.strip()
            if final.startswith(SOLUTION[0]):
                final = final.removeprefix(SOLUTION[0]).removesuffix(SOLUTION[1]).strip()
            _, _, trace = before.rpartition(opening)
            return trace.strip("\n"), final
    return None, text.strip()


def join_answer(trace: str | None, final: str, tags: Tags = "think") -> str:
    """Return the text of an answer, its reasoning between tags; ``split_answer`` undoes it."""
    if trace is None:
        return final
    if tags == "think":
        return f"{THINK[0]}\n{trace}\n{THINK[1]}\n\n{final}"
    return f"{THOUGHT[0]}\n\n{trace}\n\n{THOUGHT[1]}\n\n{SOLUTION[0]}\n\n{final}\n\n{SOLUTION[1]}"


def export_row(row: Mapping[str, Any], layout: Layout, tags: Tags = "think") -> dict[str, Any]:
    """Return a row in another layout, with its ``id``, ``source``, ``domain``, ``difficulty``."""
    answer = join_answer(row.get("trace"), row.get("final") or "", tags)
    system = row.get("system")
    kept = ("id", "source", "domain", "difficulty")
    others = {name: row[name] for name in kept if row.get(name) is not None}
    if layout == "alpaca":
        return {"instruction": row["question"], "input": "", "output": answer, **others}
    turns = [("user", row["question"]), ("assistant", answer)]
    if layout == "messages":
        before = [("system", system)] if system else []
        messages = [{"role": role, "content": text} for role, text in before + turns]
        return {"messages": messages, **others}
    names = {"user": "human", "assistant": "gpt"}
    conversation = [{"from": names[role], "value": text} for role, text in turns]
    return {**({"system": system} if system else {}), "conversations": conversation, **others}


def export_rows(
    rows: Iterable[Mapping[str, Any]],
    folder: str | Path,
    name: str,
    *,
    layout: Layout = "conversations",
    tags: Tags = "think",
) -> Path:
    """Write ``FOLDER/NAME.jsonl``, and its entry in LLaMA-Factory's ``FOLDER/dataset_info.json``.

    Args:
        rows: with ``question``, ``trace``, ``final``.
        folder: a data folder of LLaMA-Factory (``dataset_dir``).
        name: of the data set there.
        layout: ``conversations`` (ShareGPT, OpenThoughts), ``messages`` (OpenAI) or ``alpaca``.
        tags: around the reasoning.

    Returns:
        The file.

    Raises:
        UserError: another layout.
    """
    if layout not in get_args(Layout):
        raise UserError(
            f"layout is {layout!r}, in export_rows; must be {', '.join(get_args(Layout))}"
        )
    file = Path(folder) / f"{name}.jsonl"
    with replacing(file) as temporary, temporary.open("w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps(export_row(row, layout, tags), ensure_ascii=False) + "\n")
    info = Path(folder) / _INFO
    known = json.loads(info.read_text(encoding="utf-8")) if info.is_file() else {}
    write_json(info, {**known, name: _factory_entry(file.name, layout)})
    return file


def _factory_entry(file: str, layout: Layout) -> dict[str, Any]:
    """Return what LLaMA-Factory must know of a file."""
    if layout == "alpaca":
        return {"file_name": file}
    if layout == "conversations":
        columns = {"messages": "conversations", "system": "system"}
        return {"file_name": file, "formatting": "sharegpt", "columns": columns}
    tags = {"role_tag": "role", "content_tag": "content"}
    tags |= {"user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}
    return {
        "file_name": file,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": tags,
    }
