"""``MajorityVote``: the answer that most attempts at a question give counts as right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from lit_research.evals.exact_match import collapse_space
from lit_research.evals.final_answers import final_of
from lit_research.evals.verdicts import RIGHT, WRONG, Attempt, Verdict, Verifier
from lit_research.ranges import COUNT, check_range


class MajorityVote(Verifier):
    """Compares the final answers of all attempts at a question; no answer key is read.

    Right is the answer that more attempts state than any other. It cannot tell of an attempt
    without a final answer, and of all attempts at a question if two answers are stated most often,
    or if too few state any. All attempts at a question must be in one call.

    Args:
        normalise: answers are the same if this makes them equal; by the path of a function.
        min_parsed: attempts at a question that must state an answer.
        max_characters: longest text in which a final answer is looked for.

    Raises:
        UserError: a number is below 1.
    """

    needs_key = False

    def __init__(
        self,
        normalise: Callable[[str], str] = collapse_space,
        min_parsed: int = 2,
        max_characters: int = 2_000_000,
    ) -> None:
        check_range(COUNT, "of MajorityVote", min_parsed=min_parsed, max_characters=max_characters)
        self.normalise, self.min_parsed = normalise, min_parsed
        self.max_characters = max_characters

    def card(self) -> dict[str, Any]:
        """Return the settings."""
        return {
            "name": "MajorityVote",
            "normalise": _name(self.normalise),
            "min_parsed": self.min_parsed,
            "max_characters": self.max_characters,
        }

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict on each attempt; see the class."""
        finals = [final_of(attempt, self.max_characters) for attempt in attempts]
        answers = [None if one.text is None else self.normalise(one.text) for one in finals]
        votes: dict[str, Counter[str]] = {}
        for attempt, answer in zip(attempts, answers, strict=True):
            of_question = votes.setdefault(attempt.group, Counter())
            if answer is not None:
                of_question[answer] += 1
        elected = {group: self._elect(of_question) for group, of_question in votes.items()}
        verdicts = []
        for attempt, final, answer in zip(attempts, finals, answers, strict=True):
            winner, reason = elected[attempt.group]
            if answer is None:
                reason = f"no final answer: {final.reason}"
            verdict = RIGHT if answer == winner else WRONG
            verdicts.append(Verdict.cannot_tell(reason) if reason else verdict)
        return verdicts

    def _elect(self, votes: Counter[str]) -> tuple[str | None, str]:
        """Return the answer with most votes, and why there is none."""
        if votes.total() < self.min_parsed:
            return None, f"too few: {votes.total()} of at least {self.min_parsed} answers"
        (winner, most), *others = votes.most_common(2)
        if others and others[0][1] == most:
            return None, f"tie: two answers with {most} of {votes.total()} votes"
        return winner, ""


def _name(function: Callable[..., Any]) -> str:
    """Return the path of a function, or of the class of a callable."""
    known = function if hasattr(function, "__qualname__") else type(function)
    return f"{known.__module__}.{known.__qualname__}"
