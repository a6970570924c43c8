"""Equations that hold by construction: chains of equalities and polynomials."""

from __future__ import annotations

import random
from collections.abc import Callable

from lit_research.lean.corpus.expressions import (
    ONE,
    TWO,
    ZERO,
    Draft,
    Expr,
    make,
    positions,
    substitute,
)
from lit_research.lean.corpus.propositions import curried
from lit_research.lean.corpus.rewriting import (
    ARITHMETIC,
    rewritten,
    same_polynomial,
)

A, B, C, D, N, M, K = (Expr(name) for name in ("a", "b", "c", "d", "n", "m", "k"))
NUMBERS = (A, B, C, D)
F, G = Expr("f"), Expr("g")
_LINKS = {1: (1, 1), 2: (2, 2), 3: (3, 3), 4: (3, 4), 5: (4, 6)}  # of a chain of equalities
_LAWS = {1: 1, 2: 2, 3: 4, 4: 6, 5: 9}  # rewriting steps between both sides
_CONJUNCTION, _DISJUNCTION = 0.12, 0.05  # shares of conclusions with a second part


def of(function: Expr, argument: Expr) -> Expr:
    """Return ``function argument``."""
    return Expr(function.op, (argument,))


def equal(left: Expr, right: Expr) -> Expr:
    """Return ``left = right``."""
    return make("=", left, right)


def forall(variable: Expr, body: Expr) -> Expr:
    """Return ``∀ variable, body``."""
    return make("∀", variable, body)


def exists(variable: Expr, body: Expr) -> Expr:
    """Return ``∃ variable, body``."""
    return make("∃", variable, body)


def widened(
    draft: Draft, other: Callable[[], Expr], claim: Callable[[], Expr], rng: random.Random
) -> Draft:
    """Sometimes join a second part to the conclusion: ``∧`` and one that holds, ``∨`` and any.

    Args:
        draft: with a conclusion of one part.
        other: makes a conclusion that holds under the same hypotheses.
        claim: makes one that may be false.
        rng: draws whether and which.
    """
    draw = rng.random()
    if draw < _DISJUNCTION:
        parts = rng.sample([draft.conclusion, claim()], 2)
        return Draft(draft.hypotheses, make("∨", *parts))
    if draw < _DISJUNCTION + _CONJUNCTION:
        return Draft(draft.hypotheses, make("∧", draft.conclusion, other()))
    return draft


def equality(level: int, rng: random.Random) -> Draft | None:
    """Return a chain of equalities: each hypothesis replaces a part of the term before."""
    first = _term(max(1, level // 2), rng)
    terms, hypotheses = [first], []
    for _ in range(rng.randint(*_LINKS[level])):
        part = rng.choice([part for _, part in positions(terms[-1])])
        if level >= 3 and rng.random() < 0.15 and part.op in "fg":
            hypotheses.append(forall(N, equal(of(F, N), of(G, N))))
            new = substitute_head(part)
        else:
            new = _term(rng.randint(0, 1), rng)
            hypotheses.append(equal(*rng.sample([part, new], 2)))
        terms.append(substitute(terms[-1], part, new))
        if new == part or len(set(terms)) < len(terms):
            return None
    if len(set(hypotheses)) < len(hypotheses):
        return None
    last = terms[-1]
    for _ in range(rng.randint(0, 1 if level < 4 else 2)):
        extra = equal(*rng.sample([_term(1, rng), _term(1, rng)], 2))
        if extra.args[0] != extra.args[1] and extra not in hypotheses:
            hypotheses.append(extra)
    goal = equal(first, last)
    if level > 1 and goal in hypotheses:
        return None
    if level >= 2 and rng.random() < 0.2:
        hypotheses, goal = _negated(first, last, hypotheses, rng)
    elif level >= 3 and rng.random() < 0.15 and last.op in "fg":
        goal = exists(N, equal(first, of(Expr(last.op), N)))
    rng.shuffle(hypotheses)
    draft = curried(hypotheses, goal, rng)
    middle = rng.choice(terms[1:])
    if draft.conclusion.op == "→":
        return draft
    return widened(
        draft, lambda: equal(middle, first), lambda: equal(_term(1, rng), _term(0, rng)), rng
    )


def substitute_head(term: Expr) -> Expr:
    """Return ``f t`` for ``g t`` and the other way round."""
    return Expr("g" if term.op == "f" else "f", term.args)


def _term(depth: int, rng: random.Random) -> Expr:
    term = rng.choice(NUMBERS)
    for _ in range(rng.randint(0, depth)):
        term = of(rng.choice((F, G)), term)
    return term


def _negated(
    first: Expr, last: Expr, hypotheses: list[Expr], rng: random.Random
) -> tuple[list[Expr], Expr]:
    """Return hypotheses and goal with an inequality carried along the chain."""
    other = _term(1, rng)
    if rng.random() < 0.5:
        return [*hypotheses, make("≠", last, other)], make("≠", first, other)
    return [*hypotheses, make("≠", of(F, first), other)], make("≠", of(F, last), other)


def arithmetic(level: int, rng: random.Random) -> Draft | None:
    """Return an identity of natural numbers, one after substitution, or one by induction."""
    draw = rng.random()
    if level >= 3 and draw < 0.15:
        return _recursion(level, rng)
    if level >= 2 and draw < 0.25:
        return _substitution(level, rng)
    if level >= 2 and draw < 0.35:
        return _existence(level, rng)
    if draw < 0.45:
        return _cancellation(level, rng)
    pair = _identity(level, rng)
    if pair is None:
        return None

    def other() -> Expr:
        return equal(*(_identity(1, rng) or pair))

    def claim() -> Expr:
        return equal(_sum(2, rng), _sum(1, rng))

    return widened(Draft((), equal(*pair)), other, claim, rng)


def _identity(level: int, rng: random.Random) -> tuple[Expr, Expr] | None:
    start = _sum(min(4, 1 + level), rng)
    end = rewritten(start, ARITHMETIC, _LAWS[level], rng)
    if start == end or len(str(end)) > 60:
        return None
    assert same_polynomial(start, end), (start, end)
    return (start, end) if rng.random() < 0.5 else (end, start)


def _sum(leaves: int, rng: random.Random) -> Expr:
    """Return a random sum of products with the given number of leaves."""
    if leaves <= 1:
        draw = rng.random()
        return rng.choice((A, B, C)) if draw < 0.9 else rng.choice((ONE, TWO, TWO))
    left = rng.randint(1, leaves - 1)
    op = "+" if rng.random() < 0.6 else "*"
    return make(op, _sum(left, rng), _sum(leaves - left, rng))


def _recursion(level: int, rng: random.Random) -> Draft:
    """Return the solution of a recursion: the kind of statement that needs induction."""
    start, step = (Expr(str(rng.randint(low, 3))) for low in (0, 1))
    after = of(F, make("+", N, ONE))
    if level >= 5 and rng.random() < 0.4:  # the sum of odd numbers
        add: Expr = make("+", make("*", TWO, N), ONE)
        value: Expr = make("*", M, M)
        start = ZERO
    elif level >= 4 and rng.random() < 0.4:
        add, value = A, make("*", M, A)
        start = ZERO
    else:
        add, value = step, make("*", step, M) if step != ONE else M
    if start != ZERO:
        value = make("+", value, start)
    base = equal(of(F, ZERO), start)
    rule = forall(N, equal(after, make("+", of(F, N), add)))
    goal = equal(of(F, M), value)
    return Draft((base, rule), goal if rng.random() < 0.6 else forall(M, goal))


def _substitution(level: int, rng: random.Random) -> Draft | None:
    pair = _identity(level - 1, rng)
    names = [v for v in (A, B, C) if pair and any(v == part for _, part in positions(pair[0]))]
    if pair is None or not names:
        return None
    old = rng.choice(names)
    hypothesis = equal(*rng.sample([D, old], 2))
    return curried([hypothesis], equal(pair[0], substitute(pair[1], old, D)), rng)


def _existence(level: int, rng: random.Random) -> Draft | None:
    if level >= 4 and rng.random() < 0.5:  # sums and products of even numbers
        hypotheses = [equal(A, make("+", N, N)), equal(B, make("+", M, M))]
        whole = make("+", A, B) if rng.random() < 0.6 else make("*", A, rng.choice((B, C)))
        return curried(hypotheses, exists(K, equal(whole, make("+", K, K))), rng)
    pair = _identity(level - 1, rng)
    inner = [part for _, part in positions(pair[1])][1:] if pair else []
    if pair is None or not inner:
        return None
    hidden = rng.choice(inner)
    return Draft((), exists(K, equal(pair[0], substitute(pair[1], hidden, K))))


def _cancellation(level: int, rng: random.Random) -> Draft:
    x, y, z = rng.sample((A, B, C), 3)
    if level == 1:
        left, right = equal(of(Expr("Nat.succ"), x), of(Expr("Nat.succ"), y)), equal(x, y)
        if rng.random() < 0.5:
            left, right = right, equal(make("+", x, z), make("+", y, z))
        return curried([left], right, rng)
    shift: Expr = _sum(level - 1, rng)
    shift = z if shift.op.isdecimal() else shift
    sides = [make("+", x, shift), make("+", y, shift)]
    if rng.random() < 0.5:
        sides = [make("+", shift, x), make("+", shift, y)]
    if level >= 3:
        sides[1] = rewritten(sides[1], ARITHMETIC[:4], level - 2, rng)
    goal = equal(x, y)
    if level >= 4:
        goal = equal(make("*", x, x), make("*", y, x))
    return curried([equal(*sides)], goal, rng)
