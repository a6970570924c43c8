"""``WorldRows``: rows of a source of ``ReasoningWorld``, annotated by one of its teachers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.openthoughts.reasoning_world import (
    ReasoningWorld,
    SourceName,
    TeacherName,
)
from lit_research.methods.openthoughts.rows import RowSource
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed

_WHERE = "in init_args of WorldRows"


class WorldRows(RowSource):
    """Training rows of a ``ReasoningWorld``, and its evaluation items.

    Args:
        source: of the questions; see ``ReasoningWorld.source``.
        rows: number of them, those of all answers counted: the n of a comparison.
        teacher: T0 (the answer alone), T1 (the result of each step), T2 (every step) or T3 (T2 with
            20% wrong finals).
        answers: rows of each question; ``rows`` must be a multiple.
        trust_key: whether a teacher's last step comes to the source's key even if it is wrong.
        subset: None takes the first questions of the source; a number takes others, drawn at random
            from four times as many with this seed, so that arms of several seeds differ in rows.
        seed: of the world; None takes ``seed_everything``. Give a number where runs of several
            seeds must be scored on the same items.
        evaluation: items of each evaluation split.
        largest: largest operand of a step.

    Raises:
        UserError: an argument is out of range.
    """

    def __init__(
        self,
        source: SourceName = "good",
        rows: int = 4000,
        teacher: TeacherName = "T2",
        answers: int = 1,
        trust_key: bool = True,
        subset: int | None = None,
        seed: int | None = None,
        evaluation: int = 300,
        largest: int = 9,
    ) -> None:
        for name, value, known in (
            ("source", source, get_args(SourceName)),
            ("teacher", teacher, get_args(TeacherName)),
        ):
            if value not in known:
                raise UserError(f"{name} is {value!r}, {_WHERE}; must be one of {known}")
        check_range(COUNT, _WHERE, rows=rows, answers=answers)
        if rows % answers:
            raise UserError(
                f"rows is {rows} with {answers} answers a question, {_WHERE}; must be a multiple"
            )
        self.source, self.count, self.teacher, self.subset = source, rows, teacher, subset
        self.answers, self.trust_key = answers, trust_key
        self.world = ReasoningWorld(seed, evaluation, largest)

    def rows(self) -> list[dict[str, Any]]:
        """Return the annotated rows."""
        count = self.count // self.answers
        if self.subset is None:
            questions = self.world.source(self.source, count)
        else:
            pool = self.world.source(self.source, 4 * count)
            seed = derive_seed(self.world.seed, "subset", self.subset)
            order = np.random.default_rng(seed).permutation(len(pool))[:count]
            questions = [pool[index] for index in sorted(order.tolist())]
        return self.world.annotate(
            questions, self.teacher, answers=self.answers, trust_key=self.trust_key
        )

    def items(self, split: str) -> Sequence[Mapping[str, Any]]:
        """Return the items of ``validation`` or ``test``."""
        return self.world.items(split)
