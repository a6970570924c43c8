"""A recipe: the paper's six steps as one pipeline that ends in exactly n examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.methods.openthoughts.choosing import Keep, Mix
from lit_research.methods.openthoughts.question_rows import Questions
from lit_research.methods.openthoughts.strategies import (
    AnswerFilter,
    NoAnswerFilter,
    QuestionFilter,
    RandomQuestions,
)
from lit_research.methods.openthoughts.teachers import Annotate, Teacher
from lit_research.ranges import COUNT, Range, check_range
from lit_research.stages import Pipeline, RowStage, Source, Stage, Step

ANSWERED, LAST = "answered", "examples"
"""Names of the step whose rows are the teacher's, and of the last one."""


@dataclass(frozen=True)
class Recipe:
    """How a set of (question, reasoning, answer) rows is made; steps are numbered as in the paper.

    Questions: the first ``m`` sources (1, 2) give ``pool`` of them for each one that is used, of
    which the filter (3) keeps ``kept``; without duplicates (4), as many are drawn as are needed.
    Answers: the teacher (6) answers each ``answers`` times (4), and the filter (5) keeps n.

    Args:
        sources: by name, the best first; each gives rows with a ``question``.
        teacher: answers.
        n: examples in the end.
        m: sources that are used.
        question_filter: which questions are kept.
        dedup: stages that reject duplicates, by name; none keeps them.
        answers: of each question, a; n must be a multiple, so that n is questions x a.
        answer_filter: which answers are kept.
        pool: questions drawn from the sources for each that is used, n / m of each source; None:
            all that they have.
        kept: of these, questions that the filter keeps for each that is used.
        spare: answers made for each that is kept; None: 2 with a filter that cuts, else 1.
        writers: by the name of a source, what makes questions of its rows: ``WriteQuestions`` of
            topics, ``ExtractQuestions`` of documents.

    Raises:
        UserError: numbers that are below 1, or do not fit each other.
    """

    sources: Mapping[str, Source]
    teacher: Teacher
    n: int
    m: int = 1
    question_filter: QuestionFilter = field(default_factory=RandomQuestions)
    dedup: Mapping[str, Stage] = field(default_factory=dict)
    answers: int = 1
    answer_filter: AnswerFilter = field(default_factory=NoAnswerFilter)
    pool: float | None = 1.0
    kept: float = 1.0
    spare: float | None = None
    writers: Mapping[str, RowStage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = "in a recipe"
        check_range(COUNT, where, n=self.n, m=self.m, answers=self.answers)
        check_range(Range(at_least=1), where, pool=self.pool, kept=self.kept, spare=self.spare)
        if not 1 <= self.m <= len(self.sources):
            raise UserError(
                f"m is {self.m}, {where}; must be at most the {len(self.sources)} sources"
            )
        for name in self.writers:
            if name not in self.sources:
                raise UserError(
                    f"there is a writer of the source {name!r}, {where}; must be of one of "
                    f"{', '.join(self.sources)}"
                )
        if self.n % self.answers:
            raise UserError(
                f"n is {self.n} and answers {self.answers}, {where}; n must be a multiple, so that "
                "it is questions times answers"
            )
        if self.pool is not None and self.pool < self.kept:
            raise UserError(
                f"pool is {self.pool:g} and kept {self.kept:g}, {where}; the filter cannot keep "
                "more questions than there are"
            )

    @property
    def questions(self) -> int:
        """Number of questions that the teacher is asked."""
        spare = self.spare or (2.0 if self.answer_filter.cuts else 1.0)
        return -(-round(spare * self.n) // self.answers)

    @property
    def compute_controlled(self) -> bool:
        """Whether it ends in n examples, as the arms that it is compared with do."""
        return self.answer_filter.compute_controlled

    def steps(self) -> dict[str, Stage | Step]:
        """Return the steps of the pipeline; the last one is ``examples``.

        Raises:
            UserError: two steps have one name.
        """
        asked = self.questions
        steps: dict[str, Stage | Step] = {}
        used = list(self.sources)[: self.m]
        for name in used:
            steps[f"source-{name}"] = self.sources[name]
            if name in self.writers:
                steps[f"written-{name}"] = self.writers[name]
            steps[f"questions-{name}"] = Questions(source=name)
        mixed = tuple(f"questions-{name}" for name in used)
        mix = _All() if self.pool is None else Mix(round(self.pool * asked), self.m)
        steps["mixed"] = Step(mix, mixed)
        last = Keep(self.n) if self.compute_controlled else _All()
        for more in (
            self.question_filter.stages(round(self.kept * asked)),
            self.dedup,
            {"asked": Keep(asked), ANSWERED: Annotate(self.teacher, self.answers)},
            self.answer_filter.stages(self.n),
            {LAST: last},
        ):
            if twice := sorted(steps.keys() & more.keys()):
                raise UserError(
                    f"two steps of a recipe are named {twice[0]!r}; must have names of their own: "
                    "rename the source, or the stage of dedup or of a strategy"
                )
            steps |= more
        return steps

    def pipeline(self, folder: str | Path, seed: int = 0) -> Pipeline:
        """Return the pipeline, whose rows are kept in a folder."""
        return Pipeline(self.steps(), folder, seed)


class _All(Keep):
    """Keeps all rows."""

    def __init__(self) -> None:
        super().__init__(1)

    def card(self) -> dict[str, Any]:
        return {}

    def choose(self, rows: Any, inputs: Any, seed: int) -> Any:
        from lit_research.stages import Reasons

        return Reasons([None] * len(rows))
