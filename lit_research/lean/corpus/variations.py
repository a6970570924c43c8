"""Variations of a statement that are true if it is: what a small Conjecturer learns to write first.

A randomly initialised model has never seen a lemma. The warm start shows it statements with one or
two edits each: sides exchanged, a part taken, a hypothesis moved, joined or (rarely) offered as an
alternative. They teach it to write about the statement it was shown, in well-formed Lean.

Edits read only tokens and brackets; operators bind as in Lean (``↔`` loosest, then ``→``, ``∨``,
``∧``, then relations).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from lit_research.lean.corpus.formulas import bound_inside, loose, without_brackets
from lit_research.lean.lexer import tokens
from lit_research.lean.statements import (
    AND,
    CONNECTIVES,
    IFF,
    IMPLIES,
    OR,
    Statement,
    parse_statement,
)

Words = list[str]
# The loosest first; those that associate to the right are split at their first occurrence.
_LEVELS = (*((operator,) for operator in CONNECTIVES), ("=", "≠"))
_SYMMETRIC = (IFF, OR, AND, "=", "≠")
_HYPOTHESIS = re.compile(r"h\d*")


def split_conclusion(words: Sequence[str]) -> tuple[str, Words, Words] | None:
    """Return the loosest operator outside of brackets, and what stands left and right of it.

    None if there is none: a relation other than ``=`` and ``≠``, a negation, a quantifier.
    """
    part = without_brackets(tuple(words))
    places = loose(part)
    for level in _LEVELS:
        for place in places:
            if part[place] in level:
                left, right = list(part[:place]), list(part[place + 1 :])
                return (part[place], left, right) if left and right else None
    return None


def _closed(words: Words) -> Words:
    """Return ``words`` in brackets, unless they are one word or in brackets already."""
    is_closed = len(words) == 1 or len(without_brackets(tuple(words))) < len(words)
    return words if is_closed else ["(", *words, ")"]


def _hypotheses(statement: Statement) -> list[tuple[int, Words]]:
    """Return the numbers of the binders that are hypotheses, with what they say."""
    return [
        (number, list(binder.type_tokens))
        for number, binder in enumerate(statement.bindings)
        if binder.bracket == "(" and len(binder.names) == 1 and _HYPOTHESIS.fullmatch(*binder.names)
    ]


def _with(statement: Statement, conclusion: Words) -> Statement:
    return Statement(statement.name, statement.binders, " ".join(conclusion))


def _flip(statement: Statement) -> list[Statement]:
    """Exchange the sides of a symmetric operator."""
    found = split_conclusion(tokens(statement.conclusion))
    if found is None or found[0] not in _SYMMETRIC:
        return []
    operator, left, right = found
    if operator in ("=", "≠"):
        return [_with(statement, [*right, operator, *left])]
    return [_with(statement, [*_closed(right), operator, *_closed(left)])]


def _part(statement: Statement) -> list[Statement]:
    """Take one side of ``∧``, one direction of ``↔``."""
    found = split_conclusion(tokens(statement.conclusion))
    if found is None:
        return []
    operator, left, right = found
    if operator == AND:
        return [_with(statement, left), _with(statement, right)]
    if operator == IFF:
        pairs = ((left, right), (right, left))
        return [_with(statement, [*_closed(a), IMPLIES, *b]) for a, b in pairs]
    return []


def _intro(statement: Statement) -> list[Statement]:
    """Turn what stands before ``→`` into a hypothesis."""
    found = split_conclusion(tokens(statement.conclusion))
    if found is None or found[0] != IMPLIES:
        return []
    used = set(statement.body)
    names = ["h", *(f"h{number}" for number in range(1, 20))]
    name = next(name for name in names if name not in used)
    binder = f"({name} : {' '.join(found[1])})"
    return [Statement(statement.name, (*statement.binders, binder), " ".join(found[2]))]


def _revert(statement: Statement) -> list[Statement]:
    """Turn the last hypothesis into what stands before ``→``."""
    some = _hypotheses(statement)
    if not some or some[-1][0] != len(statement.binders) - 1:
        return []
    conclusion = [*_closed(some[-1][1]), IMPLIES, *_closed(tokens(statement.conclusion))]
    return [Statement(statement.name, statement.binders[:-1], " ".join(conclusion))]


def _join(statement: Statement) -> list[Statement]:
    """Claim a hypothesis too."""
    own = _closed(tokens(statement.conclusion))
    return [_with(statement, [*own, AND, *_closed(words)]) for _, words in _hypotheses(statement)]


def _weaken(statement: Statement) -> list[Statement]:
    """Offer a hypothesis as an alternative."""
    own = _closed(tokens(statement.conclusion))
    return [_with(statement, [*own, OR, *_closed(words)]) for _, words in _hypotheses(statement)]


# How often each is tried; alternatives are as rare as in the targets.
_EDITS: tuple[tuple[Callable[[Statement], list[Statement]], float], ...] = (
    (_flip, 4),
    (_part, 4),
    (_intro, 3),
    (_revert, 3),
    (_join, 2),
    (_weaken, 0.2),
)


def vary(statement: Statement, rng: random.Random, edits: int = 1) -> Statement | None:
    """Return a different statement that is true if this one is; None if no edit applies.

    Args:
        statement: what to vary.
        rng: draws the edits.
        edits: how many, at most.
    """
    found = statement
    for _ in range(edits):
        order = list(_EDITS)
        while order:
            edit, _ = chosen = rng.choices(order, [weight for _, weight in order])[0]
            order.remove(chosen)
            made = edit(found)
            if made:
                found = rng.choice(made)
                break
    again = parse_statement(found.text)
    return again if again is not None and again.body != statement.body else None


def with_alternatives(
    statement: Statement, rng: random.Random, count: int
) -> tuple[Statement, list[str]] | None:
    """Return the statement with alternatives to its conclusion, and the tactics that pick it.

    The alternatives are the conclusion with other variables of the same type in place of its own:
    well formed and rarely true. ``A ∨ (C ∨ B)`` for two of them, with ``right``, ``left``
    before a proof of ``C``. None if the conclusion has no variable that another could stand for.

    Args:
        statement: what remains provable.
        rng: draws alternatives and places.
        count: alternatives, at most.
    """
    conclusion = tokens(statement.conclusion)
    types = {name: b.type_tokens for b in statement.bindings for name in b.names}
    # A name that is bound inside, too, is not the binder's there.
    names = [
        n for n in dict.fromkeys(conclusion) if n in types and n not in bound_inside(conclusion)
    ]
    others: dict[tuple[str, ...], None] = {}
    for a in names:
        for b in types:
            if a != b and types[a] == types[b]:
                others[tuple({a: b, b: a}.get(word, word) for word in conclusion)] = None
    others.pop(tuple(conclusion), None)
    if not others:
        return None
    parts = [list(part) for part in rng.sample(list(others), min(count, len(others)))]
    place = rng.randint(0, len(parts))
    parts.insert(place, conclusion)
    said = _closed(parts[-1])
    for part in reversed(parts[:-1]):
        said = [*_closed(part), OR, *_closed(said)]
    tactics = ["right"] * place + ["left"] * (place < len(parts) - 1)
    return _with(statement, said), tactics
