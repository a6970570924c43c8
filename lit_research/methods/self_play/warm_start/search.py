"""Proofs found by trying tactics in Lean: to warm up a small model, and to see what is provable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lit_research.lean import Attempt, LeanServer, Statement
from lit_research.lean.corpus.goals import Goal, goal_of, read_goals
from lit_research.methods.self_play.warm_start.tactics import candidates, closers

UNSOLVED = "unsolved goals"
GOAL_SIZE = 20  # characters that a further goal counts as, where scripts compete


class Provable(Protocol):
    """What has a statement and a header: a ``Theorem``, an ``Attempt``."""

    @property
    def statement(self) -> str:
        """``theorem NAME BINDERS : CONCLUSION``."""

    @property
    def parsed(self) -> Statement | None:
        """The parts of its statement; None if it is no statement."""

    @property
    def header(self) -> str:
        """What stands before it."""


@dataclass(frozen=True)
class _State:
    """A script that Lean accepts so far, and what it leaves to prove; small ones go first."""

    script: tuple[str, ...]
    goals: tuple[Goal, ...]
    size: int


class TacticSearch:
    """Breadth-first search over scripts of tactics; Lean alone says what they do.

    All unfinished scripts of all statements are checked together, a round for each line: that is
    what makes it fast. Scripts that leave the same goals are the same. A statement is done in the
    round in which it has a proof, with all proofs of that round. Statements without a proof at the
    end get a last round of tactics that solve much and teach little (``simp_all``, ``omega``).

    Args:
        lean: judges.
        tactics: gives the lines to try on a goal, the likely ones first.
        depth: lines of a proof at most.
        width: unfinished scripts of a statement that go on to the next round.
        checks: attempts at a statement at most.
        last: gives the lines of the last round; None leaves it out.
    """

    def __init__(
        self,
        lean: LeanServer,
        tactics: Callable[[Goal], list[str]] = candidates,
        depth: int = 12,
        width: int = 3,
        checks: int = 60,
        last: Callable[[Goal], list[str]] | None = closers,
    ) -> None:
        self.lean, self.tactics, self.last = lean, tactics, last
        self.depth, self.width, self.checks = depth, width, checks

    def prove(self, theorems: Sequence[Provable]) -> list[list[str]]:
        """Return the proofs found of each theorem, the shortest first; none is an empty list."""
        proofs: list[list[str]] = [[] for _ in theorems]
        first: dict[int, Goal] = {}
        for number, theorem in enumerate(theorems):
            goal = goal_of(theorem.parsed) if theorem.parsed is not None else None
            if goal is not None:
                first[number] = goal
        states = {number: [_State((), (goal,), 0)] for number, goal in first.items()}
        seen: dict[int, set[str]] = {number: set() for number in first}
        spent = dict.fromkeys(first, 0)
        for _ in range(self.depth):
            tries = self._tries(states, spent)
            if not tries:
                break
            states = self._round(theorems, tries, proofs, seen)
        if self.last is not None:
            left = [(number, goal) for number, goal in first.items() if not proofs[number]]
            tries = [(number, (tactic,)) for number, goal in left for tactic in self.last(goal)]
            self._round(theorems, tries, proofs, seen)
        return [sorted(found, key=lambda proof: (len(proof.split()), proof)) for found in proofs]

    def _tries(
        self, states: dict[int, list[_State]], spent: dict[int, int]
    ) -> list[tuple[int, tuple[str, ...]]]:
        """Return the scripts to check next, one line longer than those of ``states``."""
        tries: list[tuple[int, tuple[str, ...]]] = []
        for number, some in states.items():
            new: dict[tuple[str, ...], None] = {}
            for state in some:
                for tactic in self.tactics(state.goals[0]):
                    new[extended(state.script, tactic)] = None
            left = self.checks - spent[number]
            chosen = list(new)[:left]
            spent[number] += len(chosen)
            tries += [(number, script) for script in chosen]
        return tries

    def _round(
        self,
        theorems: Sequence[Provable],
        tries: list[tuple[int, tuple[str, ...]]],
        proofs: list[list[str]],
        seen: dict[int, set[str]],
    ) -> dict[int, list[_State]]:
        """Check scripts; collect proofs and return what goes on."""
        attempts = [
            Attempt(theorems[n].statement, "\n".join(script), theorems[n].header)
            for n, script in tries
        ]
        states: dict[int, list[_State]] = {}
        for (number, script), attempt, verdict in zip(
            tries, attempts, self.lean.verify(attempts), strict=True
        ):
            if verdict.proved:
                proofs[number].append(attempt.proof)
            elif verdict.kind == UNSOLVED:
                text = verdict.reason.partition(":")[2].strip()
                goals = tuple(read_goals(text))
                if goals and text not in seen[number]:
                    seen[number].add(text)
                    size = len(text.split("\n\n")[0]) + GOAL_SIZE * text.count("⊢")
                    states.setdefault(number, []).append(_State(script, goals, size))
        return {
            number: sorted(some, key=lambda state: state.size)[: self.width]
            for number, some in states.items()
            if not proofs[number]
        }


def extended(script: tuple[str, ...], tactic: str) -> tuple[str, ...]:
    """Return a script with a line more; rewrites of the goal that follow each other share a line.

    So ``rw [h]`` and ``rw [h1]`` become ``rw [h, h1]``.
    """
    if script and all(t.startswith("rw [") and t.endswith("]") for t in (script[-1], tactic)):
        return (*script[:-1], f"{script[-1][:-1]}, {tactic[4:]}")
    return (*script, tactic)
