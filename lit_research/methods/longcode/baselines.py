"""Solvers that read no code: what an exam is worth shows in what they score."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from lit_research.methods.longcode.asking import (
    AskedQuestion,
    AskedRepair,
    QuestionSolver,
    RepairSolver,
    Reply,
)
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.longcode.repair_solvers import NULL_PATCH

_WORD = re.compile(r"[A-Za-z]+|\d+")


class _Chooser(QuestionSolver):
    """Chooses by the options alone; of equal ones a random one."""

    def card(self) -> dict[str, Any]:
        """Return its name."""
        return {"solver": type(self).__name__}

    def scores(self, asked: AskedQuestion) -> list[float]:
        """Return a score of each option; the highest is chosen."""
        raise NotImplementedError

    def answer(self, asked: Sequence[AskedQuestion]) -> list[Reply]:
        """Return the letter of the best option of each."""
        return [self._choose(one) for one in asked]

    def _choose(self, asked: AskedQuestion) -> Reply:
        scores = np.asarray(self.scores(asked), dtype=np.float64)
        best = np.flatnonzero(scores == scores.max())
        letter = LETTERS[int(np.random.default_rng(asked.seed).choice(best))]
        return Reply(letter, letter=letter)


class RandomLetter(_Chooser):
    """Chooses at random: 25%."""

    def scores(self, asked: AskedQuestion) -> list[float]:
        """Return equal scores."""
        return [0.0] * len(asked.options)


class LongestOption(_Chooser):
    """Chooses the longest option."""

    def scores(self, asked: AskedQuestion) -> list[float]:
        """Return the lengths in characters."""
        return [float(len(option)) for option in asked.options]


class OptionOverlap(_Chooser):
    """Chooses the option that shares most of its words with the question, without the code."""

    def scores(self, asked: AskedQuestion) -> list[float]:
        """Return the shares of words, parts of names counted apart."""
        question = {word.lower() for word in _WORD.findall(asked.item.question)}
        found = []
        for option in asked.options:
            words = [word.lower() for word in _WORD.findall(option)]
            found.append(sum(word in question for word in words) / max(len(words), 1))
        return found


class OraclePatch(RepairSolver):
    """Replies with the patch that is known to repair the fault: every item must be resolved."""

    def card(self) -> dict[str, Any]:
        """Return its name."""
        return {"solver": type(self).__name__}

    def repair(self, asked: Sequence[AskedRepair]) -> list[Reply]:
        """Return the patches of the items."""
        return [Reply(f"```diff\n{one.item.patch}\n```\n") for one in asked]


class NullPatch(RepairSolver):
    """Replies with a patch that changes no code: no item must be resolved."""

    def card(self) -> dict[str, Any]:
        """Return its name."""
        return {"solver": type(self).__name__}

    def repair(self, asked: Sequence[AskedRepair]) -> list[Reply]:
        """Return the same patch for all."""
        return [Reply(f"```diff\n{NULL_PATCH}\n```\n") for _ in asked]
