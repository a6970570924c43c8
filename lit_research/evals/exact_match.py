"""Exact match: the answer that a completion states, compared with the reference.

For tasks with a short final answer (arithmetic, lettered options, the output of a program), asked
once or several times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from lit_research.errors import UserError
from lit_research.evals.repeated import clustered_mean
from lit_research.evals.results import Result
from lit_research.lm.engines import Completion


@dataclass(frozen=True)
class Answer:
    """The answer parsed from a completion.

    Attributes:
        text: the answer; None where the completion states none.
        truncated: whether the completion was cut at the maximum number of tokens.
    """

    text: str | None
    truncated: bool = False


def last_match(pattern: str) -> Callable[[str], str | None]:
    r"""Return a parser of answers: the first group of the last match of a regular expression.

    Args:
        pattern: with at least one group, such as ``#### *(.+)`` or ``answer is \(?([A-D])``.

    Raises:
        UserError: the pattern has no group.
    """
    compiled = re.compile(pattern)
    if compiled.groups == 0:
        raise UserError(
            f"pattern is {pattern!r}, in last_match; must have a group, which is the answer"
        )

    def parse(text: str) -> str | None:
        matches = list(compiled.finditer(text))
        return matches[-1].group(1) if matches else None

    return parse


def parse_answers(
    completions: Sequence[Completion], parse: Callable[[str], str | None]
) -> list[Answer]:
    """Parse the answer of each completion; a failed completion has none.

    Args:
        completions: of an engine.
        parse: returns the answer in a text, or None; ``last_match`` makes one.
    """
    return [
        Answer(None if c.failed else parse(c.text), c.finish_reason == "length")
        for c in completions
    ]


def collapse_space(text: str) -> str:
    """Return ``text`` stripped, with each run of white space replaced by one space."""
    return " ".join(text.split())


def matches(
    answers: Sequence[Answer],
    references: Sequence[str],
    *,
    normalise: Callable[[str], str] = collapse_space,
) -> list[bool]:
    """Return whether each answer equals its reference once both are normalised.

    Raises:
        ValueError: the number of references is not that of the answers.
    """
    if len(answers) != len(references):
        raise ValueError(
            f"there are {len(references)} references for {len(answers)} answers, in exact_match; "
            "must be one for each"
        )
    return [
        answer.text is not None and normalise(answer.text) == normalise(reference)
        for answer, reference in zip(answers, references, strict=True)
    ]


def exact_match(
    answers: Sequence[Answer],
    references: Sequence[str],
    questions: Sequence[Hashable] | None = None,
    *,
    normalise: Callable[[str], str] = collapse_space,
) -> Result:
    """Return the share of answers that equal their reference; a parse failure is incorrect.

    Args:
        answers: of ``parse_answers``.
        references: one for each answer.
        questions: the question of each answer, where a question has several answers; the standard
            error is then clustered by question.
        normalise: applied to both before they are compared.

    Raises:
        ValueError: the number of references, or of questions, is not that of the answers.
    """
    correct = [float(match) for match in matches(answers, references, normalise=normalise)]
    value, stderr = clustered_mean(correct, questions)
    n = len(answers) if questions is None else len(set(questions))
    parse_failures = sum(answer.text is None for answer in answers)
    truncated = sum(answer.truncated for answer in answers)
    return Result("exact_match", n, value, stderr, len(answers), parse_failures, truncated)
