"""Orders of natural numbers: facts derived from hypotheses, one rule after another."""

from __future__ import annotations

import random
from itertools import pairwise

from lit_research.lean.corpus.equations import (
    F,
    M,
    N,
    equal,
    exists,
    forall,
    of,
    widened,
)
from lit_research.lean.corpus.expressions import ONE, ZERO, Draft, Expr, make, variables
from lit_research.lean.corpus.propositions import curried

NUMBERS = tuple(Expr(name) for name in ("a", "b", "c", "d", "n", "m", "k"))
_LINKS = {1: (1, 1), 2: (2, 2), 3: (2, 3), 4: (3, 4), 5: (4, 6)}  # hypotheses of a chain
_RULES = {1: 0, 2: 0, 3: 1, 4: 2, 5: 3}  # further rules that follow the chain
_MONOTONE = forall(N, forall(M, make("→", make("≤", N, M), make("≤", of(F, N), of(F, M)))))


def le(left: Expr, right: Expr) -> Expr:
    """Return ``left ≤ right``."""
    return make("≤", left, right)


def order(level: int, rng: random.Random) -> Draft | None:
    """Return what follows from a chain of ``≤``, ``<`` and ``=`` by monotony and other rules."""
    if level == 1 and rng.random() < 0.35:
        return _fact(rng)
    names = rng.sample(NUMBERS, len(NUMBERS))
    chain, fact = _chain(names[: rng.randint(*_LINKS[level]) + 1], level, rng)
    spare = [name for name in names if not any(name in link.args for link in chain)]
    hypotheses = list(chain)
    monotone = level >= 3 and rng.random() < 0.35
    if monotone and fact.op == "≤":
        hypotheses.append(_MONOTONE)
        fact = le(of(F, fact.args[0]), of(F, fact.args[1]))
    for _ in range(_RULES[level]):
        fact = _derived(fact, hypotheses, spare or [ONE], rng)
    goal = _last(fact, level, hypotheses, rng)
    if spare:
        for _ in range(rng.randint(0, (1, 1, 1, 2, 3)[level - 1])):
            hypotheses.append(_distractor([*spare, names[0]], rng))
    unique = list(dict.fromkeys(hypotheses))
    if level > 1 and goal in unique:
        return None
    rng.shuffle(unique)
    draft = curried(unique, goal, rng)
    if draft.conclusion.op == "→":
        return draft

    def other() -> Expr:
        return rng.choice(chain)

    return widened(draft, other, lambda: le(rng.choice(names), rng.choice(names)), rng)


def _fact(rng: random.Random) -> Draft:
    """Return a fact without hypotheses."""
    x, y, z = rng.sample(NUMBERS, 3)
    both, more = make("+", x, y), make("+", x, ONE)
    facts = [
        le(x, x),
        le(ZERO, rng.choice((x, both, make("*", x, y)))),
        le(x, both),
        le(y, both),
        make("<", x, more),
        make("<", both, make("+", both, ONE)),
        le(both, make("+", both, z)),
        le(x, more),
        make("¬", make("<", x, x)),
        make("¬", le(more, x)),
        make("<", ZERO, more),
        make("∨", le(x, y), le(y, x)),
        equal(x, x),
    ]
    return Draft((), rng.choice(facts))


def _chain(names: list[Expr], level: int, rng: random.Random) -> tuple[list[Expr], Expr]:
    """Return links from one name to the next, and what they say of the ends."""
    links, strict = [], False
    for left, right in pairwise(names):
        draw = rng.random()
        if draw < 0.2:
            links.append(make("<", left, right))
            strict = True
        elif draw < 0.3 and level > 1:
            links.append(equal(*rng.sample([left, right], 2)))
        elif draw < 0.4 and level > 2:
            links.append(make("¬", make("<", right, left)))
        else:
            links.append(le(left, right))
    op = "<" if strict and rng.random() < 0.6 else "≤"
    return links, make(op, names[0], names[-1])


def _derived(fact: Expr, hypotheses: list[Expr], spare: list[Expr], rng: random.Random) -> Expr:
    """Return what one rule makes of a fact; a rule may need a hypothesis more."""
    (left, right), op = fact.args, fact.op
    other = rng.choice(spare)
    rule = rng.choice(("add", "add", "multiply", "weaken", "below", "both"))
    if rule == "add":
        sides = [make("+", side, other) for side in fact.args]
        if rng.random() < 0.5:
            sides = [make("+", other, side) for side in fact.args]
        return make(op, *sides)
    if rule == "multiply" and op == "≤":
        return le(make("*", left, other), make("*", right, other))
    if rule == "weaken":
        return make(op, left, make("+", right, other))
    if rule == "both" and len(spare) > 1:
        smaller, larger = rng.sample(spare, 2)
        hypotheses.append(le(smaller, larger))
        return make(op, make("+", left, smaller), make("+", right, larger))
    return le(make("+", left, ONE), right) if op == "<" else le(left, make("+", right, ONE))


def _last(fact: Expr, level: int, hypotheses: list[Expr], rng: random.Random) -> Expr:
    """Return the conclusion: the fact itself, or a form of it."""
    left, right = fact.args
    draw = rng.random()
    if draw < 0.15 and fact.op == "<" and level >= 2:
        return make("¬", le(right, left))
    if draw < 0.15 and level >= 2:
        return make("¬", make("<", right, left))
    if draw < 0.25 and level >= 2 and fact.op == "≤":
        hypotheses.append(le(right, left))
        return equal(left, right)
    if draw < 0.4 and level >= 4:
        used = set().union(*map(variables, [fact, *hypotheses]))
        bound = next((name for name in NUMBERS if name.op not in used), None)
        if bound is not None:
            return exists(bound, make("∧", le(left, bound), le(bound, right)))
    return fact


def _distractor(names: list[Expr], rng: random.Random) -> Expr:
    left, right = rng.choice(names), rng.choice(NUMBERS)
    op = rng.choice(("≤", "<"))
    return make(op, left, make("+", right, ONE)) if left == right else make(op, left, right)
