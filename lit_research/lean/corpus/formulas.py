"""Statements as trees of logical operators, and their keys up to the names of variables.

Tokens and brackets alone, no types: enough to compare statements, to grade them by rule, and cheap.
A ``Formula`` is read from any statement, Mathlib's included, and keeps the tokens of its parts,
whatever they mean. :mod:`lit_research.lean.corpus.expressions` has the other tree: every term down
to its variables, with a meaning, of the embedded statements alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from lit_research.lean.lexer import CLOSING, OPENING, tokens
from lit_research.lean.statements import AND, CONNECTIVES, IFF, IMPLIES, NOT, OR, Statement

Tokens = tuple[str, ...]

FORALL, EXISTS = "∀", "∃"
QUANTIFIERS = (FORALL, EXISTS, "fun", "λ")
DIVIDES = "\u2223"
RELATIONS = frozenset(
    {"=", "≠", "<", "≤", ">", "≥", DIVIDES, "∈", "∉", "==", "!=", "<=", ">=", "≍"}
)
_WRITTEN = {"->": IMPLIES, "<->": IFF}
_DEEPEST = 60  # a formula nested deeper counts as an atom there
_LONGEST = 200  # tokens; longer bracketed terms are ignored


@dataclass(frozen=True)
class Formula:
    """A node: its operator (empty for an atom), its parts, and all of its tokens.

    The parts of an implication are its premises and its conclusion; of a disjunction or conjunction
    its disjuncts or conjuncts; of a quantifier or negation its body.
    """

    operator: str
    parts: tuple[Formula, ...]
    tokens: Tokens

    def nodes(self) -> Iterator[Formula]:
        """Yield this node and all below it."""
        yield self
        for part in self.parts:
            yield from part.nodes()

    @property
    def depth(self) -> int:
        """Nesting of operators, an atom being 0; ``∀ x, ∀ y`` and ``¬¬`` count once."""
        run = self.operator in (FORALL, EXISTS, NOT)
        return max(
            (p.depth + (not run or p.operator != self.operator) for p in self.parts), default=0
        )


def is_name(token: str) -> bool:
    """Return whether a token is a name (of a variable, a constant or a keyword)."""
    return token[0] == "_" or token[0].isalpha() or token[0] == "«"


def variables(statement: Statement) -> frozenset[str]:
    """Return the names that a statement binds, in its binders or by quantifiers inside."""
    bindings = statement.bindings
    names = {name for binder in bindings for name in binder.names}
    for part in [*(b.type_tokens for b in bindings), tokens(statement.conclusion)]:
        names |= bound_inside(part)
    return frozenset(names)


def bound_inside(part: Sequence[str]) -> set[str]:
    """Return the names that quantifiers bind in a part of a statement."""
    names: set[str] = set()
    for index, token in enumerate(part):
        if token in QUANTIFIERS:
            names |= _bound(part[index + 1 :])
    return names


def _bound(part: Sequence[str]) -> set[str]:
    """Return the names at the start of the tokens after a quantifier, except those in types."""
    names: set[str] = set()
    depth, type_depth = 0, -1  # bracket depth; that at the start of the current type
    for token in part:
        if token in OPENING:
            depth += 1
        elif token in CLOSING:
            depth -= 1
            if depth < 0:
                break
            type_depth = -1 if depth < type_depth else type_depth
        elif type_depth >= 0:
            if depth == 0 and token in (",", "=>"):
                break
        elif token == ":":
            type_depth = depth
        elif is_name(token):
            names.add(token)
        else:
            break
    return names


def shape(part: Iterable[str], names: frozenset[str]) -> Tokens:
    """Return the tokens with variables numbered in the order of their first occurrence.

    Two parts have the same shape if a one-to-one renaming of variables turns one into the other.
    """
    numbers: dict[str, int] = {}
    numbered = []
    for token in part:
        head, dot, rest = token.partition(".")
        if head in names:
            head = f"#{numbers.setdefault(head, len(numbers))}"
        numbered.append(head + dot + rest)
    return tuple(numbered)


@lru_cache(maxsize=65536)
def statement_key(statement: Statement) -> Tokens:
    """Return a key that two statements share if they are equal up to the names of variables.

    ``(a b : T)`` counts as ``(a : T) (b : T)``. The order of binders matters.
    """
    binders: list[str] = []
    for binder in statement.bindings:
        opened, closed = binder.bracket, OPENING[binder.bracket]
        for name in binder.names:
            binders += [opened, name, ":", *binder.type_tokens, closed]
        if not binder.names:
            binders += [opened, *binder.type_tokens, closed]
    return shape([*binders, ":", *tokens(statement.conclusion)], variables(statement))


def formula_of(part: Sequence[str], level: int = 0) -> Formula:
    """Return the tree of a proposition's tokens."""
    part = without_brackets(tuple(_WRITTEN.get(t, t) for t in part))
    if level >= _DEEPEST or not part:
        return Formula("", (), part)
    indices = loose(part)
    for operator in CONNECTIVES:
        cuts = [index for index in indices if part[index] == operator]
        if cuts:
            edges = [-1, *cuts, len(part)]
            pieces = [part[a + 1 : b] for a, b in pairwise(edges)]
            joined = [formula_of(piece, level + 1) for piece in pieces]
            return Formula(operator, tuple(_flat(joined, operator)), part)
    if part[0] == NOT:
        return Formula(NOT, (formula_of(part[1:], level + 1),), part)
    if part[0] in (FORALL, EXISTS):
        commas = [1 + index for index in loose(part[1:]) if part[1 + index] == ","]
        if commas:
            return Formula(part[0], (formula_of(part[commas[0] + 1 :], level + 1),), part)
    return Formula("", (), part)


def _flat(parts: list[Formula], operator: str) -> Iterator[Formula]:
    """Flatten nested parts of the same associative operator, and the last part of ``→``."""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part.operator == operator and (operator in (OR, AND) or (operator == IMPLIES and last)):
            yield from part.parts
        else:
            yield part


def loose(part: Tokens) -> list[int]:
    """Return the indices outside of brackets, up to the first quantifier, which binds the rest."""
    indices, depth = [], 0
    for index, token in enumerate(part):
        if token in OPENING:
            depth += 1
        elif token in CLOSING:
            depth -= 1
        elif depth == 0:
            if token in QUANTIFIERS:
                break
            indices.append(index)
    return indices


def without_brackets(part: Tokens) -> Tokens:
    """Return the tokens without the round brackets around all of them."""
    starts: list[int] = []
    ends: dict[int, int] = {}
    for index, token in enumerate(part):
        if token in OPENING:
            starts.append(index)
        elif token in CLOSING and starts:
            ends[starts.pop()] = index
    first, last = 0, len(part) - 1
    while first < last and part[first] == "(" and ends.get(first) == last:
        first, last = first + 1, last - 1
    return part[first : last + 1]


def pieces(formula: Formula) -> set[Tokens]:
    """Return the tokens of all sub-formulas, as Lean nests them, and of bracketed terms."""
    parts = {node.tokens for node in formula.nodes()} | set(_groups(formula.tokens))
    for node in formula.nodes():
        if node.operator in (OR, AND, IMPLIES):
            cuts = [index for index in loose(node.tokens) if node.tokens[index] == node.operator]
            parts |= {without_brackets(node.tokens[cut + 1 :]) for cut in cuts}
    return parts - {()}


def terms(formula: Formula) -> set[Tokens]:
    """Return the pieces of a formula, and the sides of relations."""
    parts = pieces(formula)
    for node in formula.nodes():
        if not node.operator:
            parts |= set(_sides(node.tokens))
    return parts - {()}


def _sides(part: Tokens) -> Iterator[Tokens]:
    for index in loose(part):
        if part[index] in RELATIONS:
            yield without_brackets(part[:index])
            yield without_brackets(part[index + 1 :])


def _groups(part: Tokens) -> Iterator[Tokens]:
    starts: list[int] = []
    for index, token in enumerate(part):
        if token in OPENING:
            starts.append(index)
        elif token in CLOSING and starts:
            start = starts.pop()
            if index - start <= _LONGEST:
                yield without_brackets(part[start + 1 : index])
