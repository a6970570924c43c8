"""Variations of a statement that are true if it is: the first lemmas of a small Conjecturer.

A randomly initialised model has never seen a lemma. The warm start trains it on statements with
one or two edits each: sides exchanged, a part taken, a hypothesis moved, added as a conjunct or
(rarely) as a disjunct. It learns to write well-formed statements that are related to the target.

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
    """Return the loosest operator outside of brackets, and its left and right side.

    None if there is none: a relation other than ``=`` and ``≠``, a negation, a quantifier.
    """
    part = without_brackets(tuple(words))
    indices = loose(part)
    for level in _LEVELS:
        for index in indices:
            if part[index] in level:
                left, right = list(part[:index]), list(part[index + 1 :])
                return (part[index], left, right) if left and right else None
    return None


def _closed(words: Words) -> Words:
    """Return ``words`` in brackets, unless they are one word or in brackets already."""
    is_closed = len(words) == 1 or len(without_brackets(tuple(words))) < len(words)
    return words if is_closed else ["(", *words, ")"]


def _hypotheses(statement: Statement) -> list[tuple[int, Words]]:
    """Return the indices of the binders that are hypotheses, with their propositions."""
    return [
        (number, list(binder.type_tokens))
        for number, binder in enumerate(statement.bindings)
        if binder.bracket == "(" and len(binder.names) == 1 and _HYPOTHESIS.fullmatch(*binder.names)
    ]


def _with(statement: Statement, conclusion: Words) -> Statement:
    return Statement(statement.name, statement.binders, " ".join(conclusion))


def _flip(statement: Statement) -> list[Statement]:
    """Exchange the sides of a symmetric operator."""
    split = split_conclusion(tokens(statement.conclusion))
    if split is None or split[0] not in _SYMMETRIC:
        return []
    operator, left, right = split
    if operator in ("=", "≠"):
        return [_with(statement, [*right, operator, *left])]
    return [_with(statement, [*_closed(right), operator, *_closed(left)])]


def _part(statement: Statement) -> list[Statement]:
    """Take one side of ``∧``, one direction of ``↔``."""
    split = split_conclusion(tokens(statement.conclusion))
    if split is None:
        return []
    operator, left, right = split
    if operator == AND:
        return [_with(statement, left), _with(statement, right)]
    if operator == IFF:
        pairs = ((left, right), (right, left))
        return [_with(statement, [*_closed(a), IMPLIES, *b]) for a, b in pairs]
    return []


def _intro(statement: Statement) -> list[Statement]:
    """Turn the premise of an implication into a hypothesis."""
    split = split_conclusion(tokens(statement.conclusion))
    if split is None or split[0] != IMPLIES:
        return []
    _, premise, conclusion = split
    used = set(statement.body)
    names = ["h", *(f"h{number}" for number in range(1, 20))]
    name = next(name for name in names if name not in used)
    binder = f"({name} : {' '.join(premise)})"
    return [Statement(statement.name, (*statement.binders, binder), " ".join(conclusion))]


def _revert(statement: Statement) -> list[Statement]:
    """Turn the last hypothesis into the premise of an implication."""
    hypotheses = _hypotheses(statement)
    if not hypotheses or hypotheses[-1][0] != len(statement.binders) - 1:
        return []
    conclusion = [*_closed(hypotheses[-1][1]), IMPLIES, *_closed(tokens(statement.conclusion))]
    return [Statement(statement.name, statement.binders[:-1], " ".join(conclusion))]


def _join(statement: Statement) -> list[Statement]:
    """Add a hypothesis as a conjunct."""
    claim = _closed(tokens(statement.conclusion))
    return [_with(statement, [*claim, AND, *_closed(words)]) for _, words in _hypotheses(statement)]


def _weaken(statement: Statement) -> list[Statement]:
    """Add a hypothesis as a disjunct."""
    claim = _closed(tokens(statement.conclusion))
    return [_with(statement, [*claim, OR, *_closed(words)]) for _, words in _hypotheses(statement)]


# Relative frequencies; disjunctions are as rare as in the targets.
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
        edits: largest number of edits.
    """
    variation = statement
    for _ in range(edits):
        order = list(_EDITS)
        while order:
            edit, _ = chosen = rng.choices(order, [weight for _, weight in order])[0]
            order.remove(chosen)
            edited = edit(variation)
            if edited:
                variation = rng.choice(edited)
                break
    parsed = parse_statement(variation.text)
    return parsed if parsed is not None and parsed.body != statement.body else None


def with_alternatives(
    statement: Statement, rng: random.Random, count: int
) -> tuple[Statement, list[str]] | None:
    """Return the statement with disjuncts added to its conclusion, and tactics that choose it.

    The new disjuncts are the conclusion with variables exchanged for others of the same type:
    well formed and rarely true. For two of them it is ``A ∨ (C ∨ B)``, with ``right``, ``left``
    before a proof of ``C``. None if no variable of the conclusion can be exchanged.

    Args:
        statement: whose proofs prove the result, after the tactics.
        rng: draws the disjuncts and their order.
        count: largest number of new disjuncts.
    """
    conclusion = tokens(statement.conclusion)
    types = {name: b.type_tokens for b in statement.bindings for name in b.names}
    # A name that the conclusion binds again does not refer to the binder there.
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
    disjuncts = [list(words) for words in rng.sample(list(others), min(count, len(others)))]
    index = rng.randint(0, len(disjuncts))
    disjuncts.insert(index, conclusion)
    disjunction = _closed(disjuncts[-1])
    for disjunct in reversed(disjuncts[:-1]):
        disjunction = [*_closed(disjunct), OR, *_closed(disjunction)]
    tactics = ["right"] * index + ["left"] * (index < len(disjuncts) - 1)
    return _with(statement, disjunction), tactics
