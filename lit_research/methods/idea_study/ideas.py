"""Ideas as texts: from a file, or written by a program for trying things out."""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_research.errors import UserError


@dataclass(frozen=True)
class Idea:
    """An idea, or the report on its execution.

    Attributes:
        id: its name; the same before and after execution.
        arm: who had it.
        text: what raters read.
        topic: of the idea.
    """

    id: str
    arm: str
    text: str
    topic: str = ""


class IdeaSource(ABC):
    """Ideas from a class; subclass it in a file of your own."""

    @abstractmethod
    def ideas(self) -> list[Idea]:
        """Return the ideas of all arms."""


class IdeaFile(IdeaSource):
    """Ideas from a file.

    Args:
        path: ``.jsonl`` or ``.csv`` with the columns ``id``, ``arm``, ``text`` and perhaps
            ``topic``.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def ideas(self) -> list[Idea]:
        """Return the ideas.

        Raises:
            UserError: the file is missing or of another form, a text is empty, or an id is there
                twice.
        """
        file = Path(self.path).expanduser()
        if not file.is_file() or file.suffix not in (".jsonl", ".csv"):
            raise UserError(
                f"{self.path} is no file of ideas; must be a .jsonl or .csv that exists"
            )
        text = file.read_text(encoding="utf-8-sig")
        try:
            rows: Iterable[Any] = (
                csv.DictReader(io.StringIO(text, newline=""), strict=True)
                if file.suffix == ".csv"
                else [json.loads(line) for line in text.split("\n") if line.strip()]
            )
            found = [self._idea(number, row) for number, row in enumerate(rows, 1)]
        except (json.JSONDecodeError, csv.Error) as error:
            raise UserError(f"{self.path} cannot be read ({error}); must be valid") from error
        return check_ideas(found, f"in {self.path}")

    def _idea(self, number: int, row: Any) -> Idea:
        fields = row if isinstance(row, dict) else {}
        values = {name: fields.get(name) for name in ("id", "arm", "text")}
        for name, value in values.items():
            if not isinstance(value, str) or not value.strip():
                raise UserError(f"{name} is {value!r}, in {self.path}, idea {number}; must be text")
        return Idea(**{k: str(v) for k, v in values.items()}, topic=str(fields.get("topic") or ""))


def check_ideas(ideas: list[Idea], where: str) -> list[Idea]:
    """Return ideas, of which there must be some, each once.

    Raises:
        UserError: there are none, or an id is there twice.
    """
    if not ideas:
        raise UserError(f"there are no ideas, {where}; must be one or more")
    seen: set[str] = set()
    for idea in ideas:
        if idea.id in seen:
            raise UserError(f"the id {idea.id!r} is there twice, {where}; must be different ids")
        seen.add(idea.id)
    return ideas
