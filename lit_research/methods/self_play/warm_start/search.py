"""Proof search: a breadth-first search over scripts of tactics, verified by Lean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lit_research.lean import Attempt, LeanServer, Statement
from lit_research.lean.corpus.goals import Goal, goal_of, read_goals
from lit_research.methods.self_play.warm_start.tactics import candidates, closers

UNSOLVED = "unsolved goals"
GOAL_SIZE = 20  # characters that each further goal adds to the size of a state


class Provable(Protocol):
    """Anything with a statement and a header, such as a ``Theorem`` or an ``Attempt``."""

    @property
    def statement(self) -> str:
        """``theorem NAME BINDERS : CONCLUSION``."""

    @property
    def parsed(self) -> Statement | None:
        """The parsed statement; None if the text is not a statement."""

    @property
    def header(self) -> str:
        """Imports and ``open`` commands before the statement."""


@dataclass(frozen=True)
class _State:
    """A script that Lean accepts so far, and its remaining goals; smaller ones have priority."""

    script: tuple[str, ...]
    goals: tuple[Goal, ...]
    size: int


class TacticSearch:
    """Breadth-first search over scripts of tactics; Lean alone decides what they do.

    Each round extends scripts by a line; all scripts of all statements are verified together, which
    makes the search fast. Of scripts that leave the same goals, the first is kept. A statement is
    done in the round of its first proof, with all proofs of that round. Unproved statements get a
    last round of strong tactics that are poor examples to train on (``simp_all``, ``omega``).

    Args:
        lean: verifies scripts.
        tactics: returns the lines to try on a goal, the most likely first.
        depth: largest number of lines of a proof.
        width: unfinished scripts per statement that are kept for the next round.
        checks: largest number of attempts per statement.
        last: returns the lines of the last round; None omits it.
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
        """Return the proofs of each theorem, the shortest first; empty for an unproved one."""
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
            open_goals = [(number, goal) for number, goal in first.items() if not proofs[number]]
            tries = [
                (number, (tactic,)) for number, goal in open_goals for tactic in self.last(goal)
            ]
            self._round(theorems, tries, proofs, seen)
        return [sorted(group, key=lambda proof: (len(proof.split()), proof)) for group in proofs]

    def _tries(
        self, states: dict[int, list[_State]], spent: dict[int, int]
    ) -> list[tuple[int, tuple[str, ...]]]:
        """Return the scripts to verify next, one line longer than those of ``states``."""
        tries: list[tuple[int, tuple[str, ...]]] = []
        for number, statement_states in states.items():
            new: dict[tuple[str, ...], None] = {}
            for state in statement_states:
                for tactic in self.tactics(state.goals[0]):
                    new[extended(state.script, tactic)] = None
            remaining = self.checks - spent[number]
            scripts = list(new)[:remaining]
            spent[number] += len(scripts)
            tries += [(number, script) for script in scripts]
        return tries

    def _round(
        self,
        theorems: Sequence[Provable],
        tries: list[tuple[int, tuple[str, ...]]],
        proofs: list[list[str]],
        seen: dict[int, set[str]],
    ) -> dict[int, list[_State]]:
        """Verify scripts; collect proofs, and return the unfinished scripts to extend."""
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
            number: sorted(statement_states, key=lambda state: state.size)[: self.width]
            for number, statement_states in states.items()
            if not proofs[number]
        }


def extended(script: tuple[str, ...], tactic: str) -> tuple[str, ...]:
    """Return a script with one more tactic; consecutive rewrites of the goal share a line.

    ``rw [h]`` and ``rw [h1]`` become ``rw [h, h1]``.
    """
    if script and all(t.startswith("rw [") and t.endswith("]") for t in (script[-1], tactic)):
        return (*script[:-1], f"{script[-1][:-1]}, {tactic[4:]}")
    return (*script, tactic)
