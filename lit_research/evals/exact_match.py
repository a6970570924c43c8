"""Exact match: the answer that a completion states, compared with the reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from lit_research.evals.repeated import clustered_mean
from lit_research.evals.results import Result
from lit_research.lm.engines import Completion


@dataclass(frozen=True)
class Answer:
    """What was read in a completion.

    Attributes:
        text: the answer; None where there is none to be read.
        truncated: whether the completion was cut at the most tokens.
    """

    text: str | None
    truncated: bool = False


def last_match(pattern: str) -> Callable[[str], str | None]:
    r"""Return a reader of answers: the first group of the last match of a regular expression.

    Args:
        pattern: with one group or more, such as ``#### *(.+)`` or ``answer is \(?([A-D])``.

    Raises:
        ValueError: it has no group.
    """
    compiled = re.compile(pattern)
    if compiled.groups == 0:
        raise ValueError(
            f"pattern is {pattern!r}, in last_match; must have a group, which is the answer"
        )

    def read(text: str) -> str | None:
        matches = list(compiled.finditer(text))
        return matches[-1].group(1) if matches else None

    return read


def read_answers(
    completions: Sequence[Completion], read: Callable[[str], str | None]
) -> list[Answer]:
    """Read the answer in each completion; one that failed has none.

    Args:
        completions: of an engine.
        read: returns the answer of a text, or None; ``last_match`` makes one.
    """
    return [
        Answer(None if c.failed else read(c.text), c.finish_reason == "length") for c in completions
    ]


def collapse_space(text: str) -> str:
    """Return ``text`` without space at its ends, and with one space where there was any."""
    return " ".join(text.split())


def matches(
    answers: Sequence[Answer],
    references: Sequence[str],
    *,
    normalise: Callable[[str], str] = collapse_space,
) -> list[bool]:
    """Return whether each answer equals its reference once both are normalised.

    Raises:
        ValueError: not one reference for each answer.
    """
    if len(answers) != len(references):
        raise ValueError(
            f"there are {len(references)} references for {len(answers)} answers, in exact match; "
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
    """Return the share of answers that equal their reference; an unread answer is a wrong one.

    Args:
        answers: of ``read_answers``.
        references: one for each answer.
        questions: which question each answers, where there are several answers to one; the
            standard error is clustered by it.
        normalise: what is done to both before they are compared.

    Raises:
        ValueError: not one reference, or question, for each answer.
    """
    right = [float(match) for match in matches(answers, references, normalise=normalise)]
    value, error = clustered_mean(right, questions)
    n = len(answers) if questions is None else len(set(questions))
    unread = sum(answer.text is None for answer in answers)
    truncated = sum(answer.truncated for answer in answers)
    return Result("exact_match", n, value, error, len(answers), unread, truncated)
