"""Propositional statements, derived backwards: each rule leaves behind the hypotheses it needs.

So an intuitionistic proof exists, about as long as the number of rules; truth tables then reject
contradictory hypotheses and statements that hold without most of theirs.
"""

from __future__ import annotations

import random

from lit_research.lean.corpus.expressions import FALSE, Draft, Expr, all_of, follows, join, make

ATOMS = tuple(Expr(name) for name in "pqrs")
# Level -> rules to apply, hypotheses that the statement must need, distractors at most.
_STEPS = {1: (1, 1), 2: (2, 3), 3: (4, 5), 4: (5, 7), 5: (6, 9)}
_NEEDED = {1: 1, 2: 2, 3: 3, 4: 3, 5: 4}
_FACTS = {1: 3, 2: 3, 3: 2, 4: 1, 5: 3}  # hypotheses that are single letters, at most
_DISTRACTORS = {1: 1, 2: 1, 3: 1, 4: 2, 5: 3}
_LARGEST = {1: 3, 2: 4, 3: 5, 4: 6, 5: 8}  # hypotheses
_DISJUNCTIVE = 0.04  # share of goals that are disjunctions
_CURRIED = 0.25  # share of statements with hypotheses written as implications


class _Derivation:
    """Hypotheses that make goals provable, collected rule by rule."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.hypotheses: list[Expr] = []

    def prove(self, goal: Expr, steps: int, given: tuple[Expr, ...] = ()) -> None:
        """Add hypotheses from which, with ``given``, ``goal`` follows in about ``steps`` rules."""
        if goal in given or goal in self.hypotheses:
            return
        if steps <= 0 and goal != FALSE:
            self.hypotheses.append(goal)
        elif goal.op in ("∧", "↔"):
            left, right = goal.args
            parts = (left, right)
            if goal.op == "↔":
                parts = (make("→", left, right), make("→", right, left))
            first = self.rng.randint(0, steps - 1)
            self.prove(parts[0], first, given)
            self.prove(parts[1], steps - 1 - first, given)
        elif goal.op == "∨":
            self.prove(self.rng.choice(goal.args), steps - 1, given)
        elif goal.op == "→":
            self.prove(goal.args[1], steps - 1, (*given, goal.args[0]))
        elif goal.op == "¬":
            self.prove(FALSE, steps - 1, (*given, goal.args[0]))
        else:
            self._eliminate(goal, steps - 1, given)

    def _eliminate(self, goal: Expr, steps: int, given: tuple[Expr, ...]) -> None:
        """Prove an atom or False from a new hypothesis that ends in it."""
        first, second = self._premise(goal, given), self._premise(goal, given)
        if first == second or goal in (first, second):
            second = self.rng.choice([atom for atom in ATOMS if atom not in (first, goal)])
            if first == goal:
                first = self.rng.choice([atom for atom in ATOMS if atom not in (second, goal)])
        if goal == FALSE:
            self._add(make("¬", first))
            return self.prove(first, steps, given)
        rule = self.rng.choice(("mp", "mp", "mp2", "and", "or", "syllogism", "iff", "cases"))
        if rule == "and":
            self._add(make("∧", *self._shuffled(goal, second)))
        elif rule in ("or", "cases"):
            self._add(make("∨", *self._shuffled(first, second)))
            self.prove(make("→", first, goal), steps // 2, given)
            self.prove(make("→", second, goal), steps - steps // 2, given)
        elif rule == "syllogism":
            self._add(make("∨", *self._shuffled(first, goal)))
            self.prove(make("¬", first), steps, given)
        elif rule == "mp2":
            both = self.rng.random() < 0.5
            self._add(
                make("→", make("∧", first, second), goal)
                if both
                else join("→", [first, second, goal])
            )
            self.prove(first, steps // 2, given)
            self.prove(second, steps - steps // 2, given)
        else:
            self._add(
                make("→", first, goal) if rule == "mp" else make("↔", *self._shuffled(first, goal))
            )
            self.prove(first, steps, given)

    def _premise(self, goal: Expr, given: tuple[Expr, ...]) -> Expr:
        if given and self.rng.random() < 0.6:
            return self.rng.choice(given)
        return self.rng.choice([atom for atom in ATOMS if atom != goal])

    def _add(self, hypothesis: Expr) -> None:
        if hypothesis not in self.hypotheses:
            self.hypotheses.append(hypothesis)

    def _shuffled(self, left: Expr, right: Expr) -> list[Expr]:
        return self.rng.sample([left, right], 2)

    def atom(self) -> Expr:
        return self.rng.choice(ATOMS)

    def goal(self, depth: int) -> Expr:
        """Return a goal; its parts are random formulas."""
        if depth <= 0 or self.rng.random() < 0.25:
            return self.atom()
        if self.rng.random() < _DISJUNCTIVE:
            return make("∨", *self.rng.sample(ATOMS, 2))
        op = self.rng.choice(("∧", "∧", "→", "→", "¬", "↔"))
        if op == "¬":
            return make(op, self.atom())
        if op == "↔":
            return make(op, *self.rng.sample(ATOMS, 2))
        left = self.formula(depth - 1) if op == "→" else self.goal(depth - 1)
        right = self.goal(depth - 1)
        return make(op, left, right) if left != right else left

    def formula(self, depth: int) -> Expr:
        """Return any formula, as a premise or a distractor."""
        if depth <= 0 or self.rng.random() < 0.4:
            atom = self.atom()
            return make("¬", atom) if self.rng.random() < 0.15 else atom
        op = self.rng.choice(("∧", "∨", "→"))
        left, right = self.formula(depth - 1), self.formula(depth - 1)
        return make(op, left, right) if left != right else left


def propositional(level: int, rng: random.Random) -> Draft | None:
    """Return a propositional statement; None where the draw is rejected."""
    derivation = _Derivation(rng)
    goal = derivation.goal(min(3, (level + 1) // 2))
    derivation.prove(goal, rng.randint(*_STEPS[level]))
    hypotheses = derivation.hypotheses
    facts = sum(not hypothesis.args for hypothesis in hypotheses)
    if level > 1 and (goal in hypotheses or not _NEEDED[level] <= len(hypotheses) <= 7):
        return None
    if facts > _FACTS[level] or not all_of(hypotheses):
        return None
    needed = [i for i in range(len(hypotheses)) if not follows(_without(hypotheses, i), goal)]
    if len(needed) < _NEEDED[level]:
        return None
    for _ in range(rng.randint(0, _DISTRACTORS[level])):
        extra = derivation.formula(2)
        if extra not in hypotheses and extra != goal and not follows([extra], goal):
            hypotheses.append(extra)
    if len(hypotheses) > _LARGEST[level] or not all_of(hypotheses):
        return None
    if not follows(hypotheses, goal) or any(follows([], h) for h in hypotheses):
        return None
    rng.shuffle(hypotheses)
    return curried(hypotheses, goal, rng)


def _without(items: list[Expr], i: int) -> list[Expr]:
    return items[:i] + items[i + 1 :]


def curried(hypotheses: list[Expr], goal: Expr, rng: random.Random) -> Draft:
    """Return a draft, sometimes with its last hypotheses as premises of the conclusion."""
    kept = len(hypotheses)
    if hypotheses and rng.random() < _CURRIED:
        kept = rng.randint(0, len(hypotheses) - 1)
    return Draft(tuple(hypotheses[:kept]), join("→", [*hypotheses[kept:], goal]))
