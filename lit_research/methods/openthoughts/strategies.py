"""Strategies: what a step of a recipe may do, each a few stages that leave exactly n rows."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from lit_research.methods.openthoughts.choosing import Keep, Order
from lit_research.methods.openthoughts.question_scores import FastText, Score
from lit_research.stages import Filter, Reasons, Stage

if TYPE_CHECKING:
    import pyarrow as pa


class Strategy(ABC):
    """One way to do a step; subclass it in a file of your own.

    Attributes:
        compute_controlled: whether it leaves n rows, so that arms with it train equally long.
    """

    compute_controlled: bool = True

    @abstractmethod
    def stages(self, n: int) -> dict[str, Stage]:
        """Return the stages that leave n rows, by the names that they have in messages."""


class QuestionFilter(Strategy):
    """Which questions are kept (the paper's step 3)."""


class RandomQuestions(QuestionFilter):
    """Questions at random: the control."""

    def stages(self, n: int) -> dict[str, Stage]:
        """Return a random choice."""
        return {"random-questions": Keep(n)}


class TopQuestions(QuestionFilter):
    """Questions with the highest or the lowest score.

    Args:
        score: difficulty, response length, AskLLM, fastText, embedding distance, or your own.
        order: which are kept.
    """

    def __init__(self, score: Score, order: Order = "highest") -> None:
        self._score, self._order = score, order

    def stages(self, n: int) -> dict[str, Stage]:
        """Return the score and the choice by it."""
        column = self._score.column
        return {column: self._score, f"{self._order}-{column}": Keep(n, column, self._order)}


class AnswerFilter(Strategy):
    """Which answers are kept (the paper's step 5).

    Attributes:
        cuts: whether it needs more than n answers; the paper gives it 2n.
    """

    cuts: bool = True


class NoAnswerFilter(AnswerFilter):
    """All answers, of which n are made (the paper's winner)."""

    cuts = False

    def stages(self, n: int) -> dict[str, Stage]:
        """Return nothing."""
        return {}


class RandomAnswers(AnswerFilter):
    """Answers at random, of 2n: the control of the filters."""

    def stages(self, n: int) -> dict[str, Stage]:
        """Return a random choice."""
        return {"random-answers": Keep(n)}


class AllAnswers(AnswerFilter):
    """All 2n answers. Not compute-controlled: its student is trained on twice the examples."""

    compute_controlled = False

    def stages(self, n: int) -> dict[str, Stage]:
        """Return nothing."""
        return {}


class LongestAnswers(AnswerFilter):
    """The answers with the longest reasoning, in characters."""

    def stages(self, n: int) -> dict[str, Stage]:
        """Return the choice by length."""
        return {"longest-answers": Keep(n, "trace", "highest")}


class ShortestAnswers(AnswerFilter):
    """The answers with the shortest reasoning, in characters."""

    def stages(self, n: int) -> dict[str, Stage]:
        """Return the choice by length."""
        return {"shortest-answers": Keep(n, "trace", "lowest")}


class EnglishAnswers(AnswerFilter):
    """Answers in English, n of them at random."""

    def stages(self, n: int) -> dict[str, Stage]:
        """Return the filter and a random choice."""
        return {"english": English(), "english-answers": Keep(n)}


class FastTextAnswers(AnswerFilter):
    """The answers that a fastText classifier finds most like chosen examples.

    Args:
        score: with ``column_read`` ``trace``.
    """

    def __init__(self, score: FastText) -> None:
        self._score = score

    def stages(self, n: int) -> dict[str, Stage]:
        """Return the score and the choice by it."""
        return {"fasttext-answers": self._score, "best-answers": Keep(n, self._score.column)}


# The commonest words of English prose; of running text they are well over a fifth.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the of and to in a is that for it as was with be by on not he i this are or his from at "
        "which but have an had they you were their one all we can her has there been if more when "
        "will would who so no what let then since where because thus hence also does do each two",
    )
)
_WORDS = re.compile(r"[^\W\d_]+")
_LOOKED_AT = 5000  # characters


class English(Filter):
    """Rejects rows whose reasoning is not English, as far as letters and common words show.

    A rule, not a model: at most one letter in twenty outside ASCII, and in texts of at least twenty
    words, one in twelve among the commonest words of English.

    Args:
        column: what is looked at.
    """

    def __init__(self, column: str = "trace") -> None:
        self._column = column

    def card(self) -> dict[str, Any]:
        """Return the argument."""
        return {"column": self._column}

    def reasons(self, rows: pa.Table) -> Reasons:
        """Return which rows are in another language."""
        texts = rows[self._column].to_pylist()
        return Reasons([None if is_english(text or "") else "not English" for text in texts])


def is_english(text: str) -> bool:
    """Return whether a text reads as English; short ones do unless their letters are others."""
    words = _WORDS.findall(text[:_LOOKED_AT].lower())
    letters = "".join(words)
    if sum(letter > "\x7f" for letter in letters) > len(letters) / 20:
        return False
    words = [word for word in words if len(word) > 1 or word in "ai"]
    return len(words) < 20 or 12 * sum(word in _COMMON for word in words) >= len(words)
