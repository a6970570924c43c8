"""Statements about lists of numbers: equations, lengths, members, maps."""

from __future__ import annotations

import random
from itertools import pairwise

from lit_research.lean.corpus.equations import (
    A,
    B,
    C,
    F,
    G,
    N,
    equal,
    forall,
    of,
    widened,
)
from lit_research.lean.corpus.expressions import (
    NIL,
    ONE,
    TYPE_OF,
    Draft,
    Expr,
    make,
    positions,
    substitute,
    variables,
)
from lit_research.lean.corpus.propositions import curried
from lit_research.lean.corpus.rewriting import LISTS, rewritten

XS, YS, ZS = (Expr(name) for name in ("xs", "ys", "zs"))
_SHORT_LISTS = (NIL, make("[]", A), make("[]", A, B))
_PAIRS = {4: 0.4, 5: 0.7}  # share of statements of a level with two parts
_LAWS = {1: 1, 2: 2, 3: 4, 4: 6, 5: 9}  # rewriting steps between both sides


def lists(level: int, rng: random.Random) -> Draft | None:
    """Return an equation, a bound of a length, a membership, or what a map does to a list.

    At the upper levels it is a conjunction of two: one alone is often proved by ``simp``.
    """
    if rng.random() < _PAIRS.get(level, 0.0):
        parts = [_one(level - 1, rng) for _ in range(2)]
        if parts[0] is None or parts[1] is None:
            return None
        hypotheses = list(dict.fromkeys((*parts[0].hypotheses, *parts[1].hypotheses)))
        return Draft(tuple(hypotheses), make("∧", *(part.conclusion for part in parts if part)))
    return _one(level, rng)


def _one(level: int, rng: random.Random) -> Draft | None:
    draw = rng.random()
    generators = [(0.22, _membership)]
    if level >= 3:
        generators += [(0.16, _subset), (0.18, _bound), (0.15, _cancelled)]
    if level >= 4:
        generators += [(0.16, _mapped)]
    for share, generator in generators:
        if draw < share:
            return generator(level, rng)
        draw -= share
    return _equation(level, rng)


def _equation(level: int, rng: random.Random) -> Draft | None:
    start = _list(min(4, 1 + (level + 1) // 2), rng)
    if rng.random() < 0.4:
        start = make("List.length", start)
    end = rewritten(start, LISTS, _LAWS[level], rng)
    if start == end or len(str(end)) > 80 or _is_vague(start) or _is_vague(end):
        return None
    sides = rng.sample([start, end], 2)
    spare = ZS not in [part for _, part in positions(start)]
    if level >= 3 and spare and rng.random() < 0.3:
        old = rng.choice((XS, YS))
        if any(old == part for _, part in positions(start)):
            goal = equal(sides[0], substitute(sides[1], old, ZS))
            return curried([equal(*rng.sample([old, ZS], 2))], goal, rng)

    def other() -> Expr:
        xs = rng.choice((XS, YS, ZS))
        return equal(*rng.sample([make("List.length", make("List.reverse", xs)), _length(xs)], 2))

    def claim() -> Expr:
        return equal(_length(rng.choice((XS, YS))), _length(_list(2, rng)))

    draft = widened(Draft((), equal(*sides)), other, claim, rng)
    return None if _is_vague(draft.conclusion) else draft


def _length(xs: Expr) -> Expr:
    return make("List.length", xs)


def _is_vague(expr: Expr) -> bool:
    """Return whether Lean cannot infer the element type of some list, as in ``List.length []``."""
    lists_ = [part.args[0] for _, part in positions(expr) if part.op == "List.length"]
    if expr.op not in TYPE_OF and expr.op not in ("List.length", "+", "=", "∧", "∨", "≤"):
        lists_.append(expr)
    return any(not variables(xs) for xs in lists_)


def _list(leaves: int, rng: random.Random) -> Expr:
    draw = rng.random()
    if leaves <= 1:
        leaf = rng.choice((XS, YS, ZS)) if draw < 0.8 else rng.choice(_SHORT_LISTS)
        return leaf if rng.random() < 0.7 else make("List.reverse", rng.choice((XS, YS)))
    if draw < 0.5:
        left = rng.randint(1, leaves - 1)
        return make("++", _list(left, rng), _list(leaves - left, rng))
    inner = _list(leaves - 1, rng)
    if draw < 0.65:
        return make("::", rng.choice((A, B)), inner)
    return make("List.reverse", inner) if draw < 0.82 else make("List.map", F, inner)


def _membership(level: int, rng: random.Random) -> Draft:
    """Return a statement that an element stays a member while the list grows."""
    x = rng.choice((A, B))
    list_: Expr = rng.choice((XS, YS))
    hypotheses = [make("∈", x, list_)]
    for _ in range(level):
        draw = rng.random()
        if draw < 0.45:
            list_ = make("++", *rng.sample([list_, _list(1, rng)], 2))
        elif draw < 0.6:
            list_ = make("::", rng.choice((B, C)), list_)
        elif draw < 0.75 or level < 3:
            list_ = make("List.reverse", list_)
        else:
            x, list_ = of(F, x), make("List.map", F, list_)
    if level >= 3 and rng.random() < 0.5 and ZS not in [part for _, part in positions(list_)]:
        hypotheses.append(equal(*rng.sample([list_, ZS], 2)))
        list_ = ZS
    return curried(hypotheses, make("∈", x, list_), rng)


def _subset(level: int, rng: random.Random) -> Draft:
    """Return a consequence of a chain of inclusions, for one element or for all of them."""
    chain = rng.sample([XS, YS, ZS], rng.randint(2, 3 if level > 3 else 2))
    n_in = [make("∈", N, xs) for xs in chain]
    hypotheses = [forall(N, make("→", *pair)) for pair in pairwise(n_in)]
    last: Expr = chain[-1]
    for _ in range(level - 2):
        last = make("++", *rng.sample([last, _list(1, rng)], 2))
        if rng.random() < 0.3:
            last = make("List.reverse", last)
    if rng.random() < 0.5:
        hypotheses.append(make("∈", A, chain[0]))
        return curried(rng.sample(hypotheses, len(hypotheses)), make("∈", A, last), rng)
    return Draft(tuple(hypotheses), forall(N, make("→", n_in[0], make("∈", N, last))))


def _bound(level: int, rng: random.Random) -> Draft:
    """Return a bound on the length of a list made of lists with bounded lengths."""
    bounds = {XS: A, YS: B, ZS: C}
    parts = rng.sample([XS, YS, ZS], 2 if level < 5 else 3)
    hypotheses = [make("≤", _length(xs), bounds[xs]) for xs in parts]
    whole, limit = parts[0], bounds[parts[0]]
    for xs in parts[1:]:
        whole, limit = make("++", whole, xs), make("+", limit, bounds[xs])
    if rng.random() < 0.5:
        whole = make("List.reverse", whole)
    if level >= 4 and rng.random() < 0.5:
        whole, limit = make("::", N, whole), make("+", limit, ONE)
    if level >= 4 and rng.random() < 0.5:
        whole = make("List.map", F, whole)
    return curried(hypotheses, make("≤", _length(whole), limit), rng)


def _cancelled(level: int, rng: random.Random) -> Draft:
    """Return an equation whose hypothesis has a common part to cancel."""
    x, y, z = rng.sample([XS, YS, ZS], 3)
    variant = rng.randint(0, 3)
    hypothesis = equal(make("++", x, y), make("++", x, z))
    if variant == 1:
        hypothesis = equal(make("List.reverse", y), make("List.reverse", z))
    elif variant == 2:
        hypothesis = equal(make("::", A, y), make("::", rng.choice((A, B)), z))
    elif level >= 4:
        hypothesis = equal(*(make("List.reverse", side) for side in hypothesis.args))
    goal = equal(y, z)
    if level >= 4:
        goal = equal(*(make("List.map", F, make("++", side, x)) for side in (y, z)))
    elif rng.random() < 0.5:
        goal = equal(_length(y), _length(z))
    return curried([hypothesis], goal, rng)


def _mapped(level: int, rng: random.Random) -> Draft:
    """Return a fact on functions, mapped over a list: by induction, or by a lemma on maps."""
    inverse = forall(N, equal(of(F, of(G, N)), N))
    twice = make("List.map", F, make("List.map", G, rng.choice((XS, YS))))
    target = twice.args[1].args[1]
    draw = rng.random()
    if draw < 0.3:
        agree = forall(N, equal(of(F, N), of(G, N)))
        sides = [make("List.map", f, make("++", XS, YS)) for f in (F, G)]
        return Draft((agree,), equal(*rng.sample(sides, 2)))
    if draw < 0.5:
        return Draft((inverse,), equal(twice, target))
    if draw < 0.6:
        same = forall(N, equal(of(F, N), N))
        return Draft((same,), equal(make("List.map", F, make("++", XS, YS)), make("++", XS, YS)))
    if draw < 0.85 or level < 5:
        wrapped = make("List.reverse", twice)
        return Draft((inverse,), equal(wrapped, make("List.reverse", target)))
    composed = make("List.map", make("fun", N, of(F, of(G, N))), target)
    return Draft((), equal(*rng.sample([twice, composed], 2)))
