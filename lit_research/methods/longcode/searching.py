"""``OptionSearch``: a solver that searches the code for the words of the question, like grep."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from lit_research.methods.longcode.asking import AskedQuestion, QuestionSolver, Reply
from lit_research.methods.longcode.items import LETTERS
from lit_research.ranges import COUNT, check_range

_QUOTED = re.compile(r"`([^`]+)`")
_NAME = re.compile(r"[A-Za-z_]\w*")


class OptionSearch(QuestionSolver):
    """Chooses the option that stands nearest to the names of the question in the code.

    The names are those in backticks; a name counts the more, the fewer lines have it. It reads all
    of the code and understands none: a model that is not better has searched and not read.

    Args:
        reach: lines over which the weight of a name falls by half.

    Raises:
        UserError: ``reach`` is below 1.
    """

    def __init__(self, reach: int = 8) -> None:
        check_range(COUNT, "in OptionSearch", reach=reach)
        self.reach = reach

    def card(self) -> dict[str, Any]:
        """Return its name and reach."""
        return {"solver": type(self).__name__, "reach": self.reach}

    def answer(self, asked: Sequence[AskedQuestion]) -> list[Reply]:
        """Return the letter of the best option of each; of equal ones a random one."""
        return [self._choose(one) for one in asked]

    def _choose(self, asked: AskedQuestion) -> Reply:
        lines = (asked.context or asked.rest).split("\n")
        near = self._nearness(asked.item.question, lines)
        scores = np.array([_best(option, lines, near) for option in asked.options])
        best = np.flatnonzero(scores == scores.max())
        letter = LETTERS[int(np.random.default_rng(asked.seed).choice(best))]
        return Reply(letter, letter=letter)

    def _nearness(self, question: str, lines: Sequence[str]) -> np.ndarray:
        """Return for each line how near the names of the question are, ``[lines]``."""
        wanted = Counter(
            name for quoted in _QUOTED.findall(question) for name in _NAME.findall(quoted)
        )
        near = np.zeros(len(lines))
        numbers = np.arange(len(lines))
        for name in wanted:
            places = np.array([n for n, line in enumerate(lines) if name in line], dtype=np.int64)
            if not len(places):
                continue
            weight = math.log(1 + len(lines) / len(places))
            after = np.searchsorted(places, numbers)
            above = np.abs(numbers - places[np.maximum(after - 1, 0)])
            below = np.abs(numbers - places[np.minimum(after, len(places) - 1)])
            near += weight * 0.5 ** (np.minimum(above, below) / self.reach)
        return near


def _best(option: str, lines: Sequence[str], near: np.ndarray) -> float:
    """Return the nearness of the best line that has an option, 0 where none has."""
    is_word = re.compile(rf"(?<![\w.]){re.escape(option)}(?!\w)")
    found = [n for n, line in enumerate(lines) if option in line and is_word.search(line)]
    return float(near[found].max()) if found else 0.0
