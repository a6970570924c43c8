"""Answers of which it is known whether they are right: what the errors of a verifier show on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from lit_research.errors import UserError
from lit_research.methods.openthoughts.reasoning_world import ReasoningWorld, TeacherName
from lit_research.methods.openthoughts.rows import Row, read_rows
from lit_research.ranges import COUNT, check_range
from lit_research.storage import content_hash

_COLUMNS = ("question", "answer", "final")


class LabelledAnswers(ABC):
    """Answers with labels; subclass it in a file of your own.

    They should be like those that the verifier is used for, and independent of each other: its
    errors on other questions, or on answers in another form, may be others.
    """

    @abstractmethod
    def rows(self) -> Sequence[Row]:
        """Return rows with ``question, answer`` (the key)``, trace, final`` and ``right``."""

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """Return what the rows depend on."""


class LabelledFile(LabelledAnswers):
    """Labelled answers of a file or a folder of files: JSON lines, JSON, Parquet or ``datasets``.

    Args:
        path: of rows with ``question``, ``answer`` (the key), ``final``, perhaps ``trace`` and
            ``question_id``, and ``right``: true or false.

    Raises:
        UserError: a row lacks a column, or its label is neither true nor false.
    """

    def __init__(self, path: str) -> None:
        where = f"in the labelled answers of {path}"
        self._rows = [_labelled(row, where) for row in read_rows(path, _COLUMNS, where)]

    def rows(self) -> Sequence[Row]:
        """Return the rows."""
        return self._rows

    def card(self) -> dict[str, Any]:
        """Return the number of rows and a hash of them, wherever the file is."""
        parts = [repr(sorted(row.items())) for row in self._rows]
        return {"answers": len(parts), "hash": content_hash(*parts)}


class PlantedAnswers(LabelledAnswers):
    """Answers of a teacher of ``ReasoningWorld``, of which T3 has exactly 20% wrong finals.

    Args:
        count: number of answers.
        teacher: T0, T1, T2 or T3.
        seed: of the world; None takes ``seed_everything``.
        largest: largest operand of a step.
    """

    def __init__(
        self,
        count: int = 500,
        teacher: TeacherName = "T3",
        seed: int | None = None,
        largest: int = 9,
    ) -> None:
        check_range(COUNT, "in init_args of PlantedAnswers", count=count)
        self._count, self._teacher = count, teacher
        self._world = ReasoningWorld(seed, evaluation=1, largest=largest)

    @cached_property
    def _answers(self) -> list[Row]:
        asked = self._world.source("good", self._count)
        made = self._world.annotate(asked, self._teacher)
        return [{**row, "right": row["final"] == row["answer"]} for row in made]

    def rows(self) -> Sequence[Row]:
        """Return the rows."""
        return self._answers

    def card(self) -> dict[str, Any]:
        """Return the arguments."""
        world = {"seed": self._world.seed, "largest": self._world.largest}
        return {"answers": self._count, "teacher": self._teacher, **world}


def _labelled(row: Row, where: str) -> Row:
    if not isinstance(row.get("right"), bool):
        raise UserError(
            f"right is {row.get('right')!r}, of the row {row['id']!r}, {where}; must be true or "
            "false"
        )
    columns = (*_COLUMNS, "right")
    optional = {"trace": row.get("trace"), "question_id": row.get("question_id") or ""}
    return {**{column: row[column] for column in columns}, **optional}
