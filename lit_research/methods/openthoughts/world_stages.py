"""``ReasoningWorld`` as the source and the teacher of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from lit_research.methods.openthoughts.question_scores import Score
from lit_research.methods.openthoughts.questions import solve
from lit_research.methods.openthoughts.reasoning_world import (
    ReasoningWorld,
    SourceName,
    TeacherName,
)
from lit_research.methods.openthoughts.teachers import Taught, Teacher
from lit_research.ranges import COUNT, check_range
from lit_research.stages import Row, Source

if TYPE_CHECKING:
    import pyarrow as pa

_SHARD = 1024


class WorldQuestions(Source):
    """Questions of a source of ``ReasoningWorld``, with their keys.

    Args:
        source: its name.
        count: number of questions.
        seed: of the world; None takes ``seed_everything``.
        evaluation: items of each evaluation split, which are not among the questions.
        largest: largest operand of a step.
    """

    def __init__(
        self,
        source: SourceName = "good",
        count: int = 4000,
        seed: int | None = None,
        evaluation: int = 300,
        largest: int = 9,
    ) -> None:
        check_range(COUNT, "in WorldQuestions", count=count)
        self._source, self._count = source, count
        self._world = ReasoningWorld(seed, evaluation, largest)
        self._rows: pa.Table | None = None

    def card(self) -> dict[str, Any]:
        """Return the arguments."""
        world = self._world
        settings = {"seed": world.seed, "evaluation": world.evaluation, "largest": world.largest}
        return {"source": self._source, "count": self._count, **settings}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_rows": None}

    def shard_count(self) -> int:
        """Return the number of shards."""
        return -(-self._count // _SHARD)

    def shard(self, index: int, seed: int) -> pa.Table:
        """Return the questions of a shard."""
        if self._rows is None:
            self._rows = self._made()
        return self._rows.slice(index * _SHARD, _SHARD).combine_chunks()

    def _made(self) -> pa.Table:
        import pyarrow as pa

        rows = self._world.source_rows(self._source, self._count)
        names = ("id", "question_id", "question", "answer", "source", "domain")
        schema = pa.schema([(name, pa.string()) for name in names])
        parts = iter(lambda: list(islice(rows, _SHARD)), [])
        return pa.concat_tables(pa.Table.from_pylist(part, schema) for part in parts)


class WorldDifficulty(Score):
    """The difficulty of a question of ``ReasoningWorld``: its number of steps."""

    column = "difficulty"

    def card(self) -> dict[str, Any]:
        """Return nothing: it has no settings."""
        return {}

    def scores(self, rows: Sequence[Row], seed: int) -> Sequence[float | str]:
        """Return the number of steps of each question."""
        return [float(len(solve(row["question"]).results)) for row in rows]


class WorldTeacher(Teacher):
    """A program that answers the questions of ``ReasoningWorld``.

    Args:
        name: T0 (the answer alone), T1 (the result of each step), T2 (every step) or T3 (T2 with a
            wrong final in 20% of the rows of a shard).
        trust_key: whether the last step comes to the question's key even if that is wrong.
        seed: of the forms of its answers; None takes ``seed_everything``.
    """

    def __init__(
        self, name: TeacherName = "T2", trust_key: bool = True, seed: int | None = None
    ) -> None:
        self._name, self._trust_key, self._world = name, trust_key, ReasoningWorld(seed)

    def card(self) -> dict[str, Any]:
        """Return the arguments, and that a program's answers have no licence to mind."""
        return {
            "version": 2,  # of what the programs write
            "teacher": self._name,
            "trust_key": self._trust_key,
            "seed": self._world.seed,
            "licence": "of this package",
            "sampling": None,
        }

    def answer(self, questions: Sequence[Row], n: int, seed: int) -> Sequence[Sequence[Taught]]:
        """Return n answers to each question, in different forms."""
        rows = self._world.annotate(questions, self._name, answers=n, trust_key=self._trust_key)
        taught = [Taught(row["trace"], row["final"], len(row["trace"])) for row in rows]
        return [taught[start : start + n] for start in range(0, len(taught), n)]
