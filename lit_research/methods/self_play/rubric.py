"""The Guide's rubric as rules on tokens: relevance, redundancy, complexity.

The three sub-scores of appendix E.3 (Bailey et al. 2026, arXiv 2604.20209), which there a language
model gives. Nothing is proved and no types are known: "related" is shared structure.

=========  =========================================================================================
Relevance  The conjecture, beside its target
=========  =========================================================================================
5          concludes a proper part of the target's conclusion (a conjunct, a disjunct, a side of an
           ``↔``) under hypotheses of the target; or the same conclusion with fewer hypotheses
4          shares a compound term (three tokens or more, up to names of variables) with the target,
           or its conclusion is an instance of the target's
3          uses the same operators: the two sets overlap by half (Jaccard)
2          has a type or a symbol in common with the target that is not purely logical
1          has none; or is trivial (``True``, ``x = x``, a hypothesis, from ``False``; an
           alternative to what is trivial; a conjunction of what is)
0          is the target up to names and the order of premises; or has nothing in common and is
           trivial
=========  =========================================================================================

==========  ========================================================================================
Redundancy  1 if
==========  ========================================================================================
            two hypotheses are equal; or a hypothesis has no variable that occurs in the conclusion
            or in another hypothesis; or the conclusion is one of several hypotheses
==========  ========================================================================================

==========  ========================================================================================
Complexity  Of what is concluded after all premises; the largest that applies
==========  ========================================================================================
4           4 disjuncts or more that are unrelated; operators nested 6 deep
3           2-3 unrelated disjuncts, or one given twice; 4 or more related ones; 5 conjuncts or
            more; nested 4 deep
2           2-3 related disjuncts; 4 conjuncts; 2-3 unrelated conjuncts
1           2-3 related conjuncts; an ``↔``
0           anything else: an atom, a negated or quantified one
==========  ========================================================================================

Only conclusions of three tokens or more count for a 5. Conjuncts are related if a chain of shared
variables joins them all, where a hypothesis (or the other side of an ``↔``) that names variables of
two parts joins these too. Disjuncts are related if they are cases of one question: all name the
same variables, or a hypothesis (or the other side) that has alternatives itself names some of each.
Each side of an ``↔`` is graded by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lit_research.lean.corpus.formulas import (
    DIVIDES,
    FORALL,
    QUANTIFIERS,
    RELATIONS,
    Formula,
    Tokens,
    formula_of,
    pieces,
    shape,
    statement_key,
    terms,
    variables,
)
from lit_research.lean.lexer import CLOSING, OPENING, tokens
from lit_research.lean.statements import AND, IFF, IMPLIES, NOT, OR, Statement

LOGIC = frozenset({OR, AND, IFF, IMPLIES, NOT, *QUANTIFIERS, "=", "≠", "True", "False"})
PUNCTUATION = frozenset({":", ",", ";", ".", "|", "@", "=>", *OPENING, *CLOSING})
UNIVERSES = frozenset({"Type", "Sort", "u", "v"})
# Heads of types: `(n : Fin m)` declares, where `(h : Even m)` supposes.
TYPES = frozenset(
    {"Nat", "Int", "Bool", "List", "Option", "Fin", "Prop", "Type", "Sort", "Array", "String"}
    | {"Char", "Unit", "Prod", "Sum", "Set", "Real"}
)


@dataclass(frozen=True)
class Outline:
    """What the rules look at.

    Attributes:
        variables: names that the statement binds.
        types: of the variables that its binders declare, sorted.
        hypotheses: what it supposes, in binders or as premises of its conclusion.
        whole: its conclusion as it stands.
        goal: the conclusion after ``∀`` and premises.
    """

    variables: frozenset[str]
    types: tuple[Tokens, ...]
    hypotheses: tuple[Tokens, ...]
    whole: Formula
    goal: Formula


@lru_cache(maxsize=65536)
def outline(statement: Statement) -> Outline:
    """Return the outline of a statement."""
    bound = statement.bindings
    predicates = {
        n for b in bound for n in b.names if formula_of(b.type_tokens).tokens[-1:] == ("Prop",)
    }
    whole = goal = formula_of(tokens(statement.conclusion))
    declared = [
        b for b in bound if b.bracket == "[" or not _is_proposition(b.type_tokens, predicates)
    ]
    types = sorted(b.type_tokens for b in declared for _ in b.names or ("",))
    supposed = [b.type_tokens for b in bound if b not in declared for _ in b.names]
    while goal.operator in (FORALL, IMPLIES):
        supposed += [premise.tokens for premise in goal.parts[:-1]]
        goal = goal.parts[-1]
    hypotheses = tuple(formula_of(h).tokens for h in supposed)
    return Outline(variables(statement), tuple(types), hypotheses, whole, goal)


def _is_proposition(type_: Tokens, predicates: Iterable[str]) -> bool:
    """Return whether a binder of this type supposes something, or declares a variable."""
    formula = formula_of(type_)
    while formula.operator in (IMPLIES, FORALL):
        formula = formula.parts[-1]
    if formula.operator or RELATIONS & set(formula.tokens):
        return True
    head = formula.tokens[0] if formula.tokens else ""
    if head in ("True", "False") or head in predicates:
        return True
    unknown = head.partition(".")[0] not in TYPES
    return unknown and len(formula.tokens) > 1 and head not in UNIVERSES


def relevance(conjecture: Statement, target: Statement) -> int:
    """Return how a conjecture bears on its target, 0 to 5; see the table above."""
    ours, theirs = outline(conjecture), outline(target)
    related = _vocabulary(conjecture) & _vocabulary(target)
    if statement_key(conjecture) == statement_key(target) or _claim(ours) == _claim(theirs):
        return 0
    if is_trivial(ours):
        return 1 if related else 0
    if not related:
        return 1
    if _is_subgoal(ours, theirs):
        return 5
    if _compounds(ours) & _compounds(theirs) or _is_instance(ours, theirs):
        return 4
    mine, its = _operators(ours), _operators(theirs)
    return 3 if 2 * len(mine & its) >= len(mine | its) else 2


def _claim(stated: Outline) -> tuple[tuple[Tokens, ...], Tokens]:
    """Return what statements share that differ in names and the places of premises alone."""
    ordered = sorted(stated.hypotheses, key=lambda h: shape(h, stated.variables))
    parts = [*stated.goal.tokens, *(token for h in ordered for token in ("⊢", *h))]
    return stated.types, shape(parts, stated.variables)


def is_trivial(stated: Outline) -> bool:
    """Return whether a statement holds at sight."""
    return ("False",) in stated.hypotheses or _holds(stated.goal, stated.hypotheses)


def _holds(formula: Formula, known: Sequence[Tokens]) -> bool:
    """Return whether a formula holds at sight where others are known."""
    goal = formula.tokens
    middle = len(goal) // 2
    mirrored = len(goal) % 2 == 1 and goal[:middle] == goal[middle + 1 :]
    reflexive = mirrored and goal[middle : middle + 1] in {("=",), ("≤",), (IFF,), (DIVIDES,)}
    if goal == ("True",) or reflexive or goal in known:
        return True
    if formula.operator == IMPLIES:
        *premises, end = formula.parts
        return _holds(end, [*known, *(premise.tokens for premise in premises)])
    if formula.operator == OR:
        return any(_holds(part, known) for part in formula.parts)
    return formula.operator == AND and all(_holds(part, known) for part in formula.parts)


def _is_subgoal(ours: Outline, theirs: Outline) -> bool:
    goal = shape(ours.goal.tokens, ours.variables)
    if not _is_long(goal):
        return False
    supposed = {shape(h, ours.variables) for h in ours.hypotheses}
    given = {shape(h, theirs.variables) for h in theirs.hypotheses}
    if not supposed <= given:
        return False
    if goal == shape(theirs.goal.tokens, theirs.variables):
        return len(ours.hypotheses) < len(theirs.hypotheses)
    return any(goal == shape(piece, theirs.variables) for piece in pieces(theirs.goal))


def _is_long(part: Tokens) -> bool:
    return sum(token not in PUNCTUATION for token in part) >= 3


def _is_instance(ours: Outline, theirs: Outline) -> bool:
    """Return whether tokens in the place of the target's variables give the conjecture's goal."""
    values: dict[str, str] = {}
    if len(ours.goal.tokens) != len(theirs.goal.tokens) or len(theirs.goal.tokens) < 3:
        return False
    for mine, its in zip(ours.goal.tokens, theirs.goal.tokens, strict=True):
        if its in theirs.variables and mine not in PUNCTUATION:
            if values.setdefault(its, mine) != mine:
                return False
        elif mine != its:
            return False
    return True


def _compounds(stated: Outline) -> set[Tokens]:
    parts = terms(stated.goal)
    for hypothesis in stated.hypotheses:
        parts |= terms(formula_of(hypothesis))
    return {shape(part, stated.variables) for part in parts if _is_long(part)}


def _operators(stated: Outline) -> set[str]:
    used = {token for part in (stated.goal.tokens, *stated.hypotheses) for token in part}
    return {t for t in used - PUNCTUATION if t.partition(".")[0] not in stated.variables}


def _vocabulary(statement: Statement) -> set[str]:
    names = variables(statement)
    used = {t for t in statement.body if t.partition(".")[0] not in names and not t.isdecimal()}
    return used - LOGIC - PUNCTUATION - UNIVERSES


def redundancy(conjecture: Statement) -> int:
    """Return 1 if a premise is not needed, as far as one can see; else 0."""
    stated = outline(conjecture)
    supposed = stated.hypotheses
    if len(set(supposed)) < len(supposed):
        return 1
    if len(supposed) > 1 and stated.goal.tokens in supposed:
        return 1
    for place, hypothesis in enumerate(supposed):
        others = (stated.goal.tokens, *supposed[:place], *supposed[place + 1 :])
        elsewhere = {name for part in others for name in _names(part, stated.variables)}
        if not _names(hypothesis, stated.variables) & elsewhere:
            return 1
    return 0


def complexity(conjecture: Statement) -> int:
    """Return how complex the conclusion is, 0 to 4; see the table above."""
    stated = outline(conjecture)
    links = [_link(h, stated.variables) for h in stated.hypotheses]
    grade = _grade(stated.goal, links, stated.variables)
    depth = stated.whole.depth
    return max(grade, 4 if depth >= 6 else 3 if depth >= 4 else 0)


# Variables that a premise names, and whether it has alternatives.
_Link = tuple[frozenset[str], bool]


def _link(part: Tokens, variables: frozenset[str]) -> _Link:
    """Return the variables that a hypothesis names, and whether it has alternatives."""
    return frozenset(_names(part, variables)), OR in part


def _grade(goal: Formula, links: list[_Link], variables: frozenset[str]) -> int:
    if goal.operator == IFF:  # each side is to the other what a hypothesis is
        names = [_link(side.tokens, variables) for side in goal.parts]
        others = [[n for k, n in enumerate(names) if k != i] for i in range(len(names))]
        sides = zip(goal.parts, others, strict=True)
        return max(1, *(_grade(side, links + other, variables) for side, other in sides))
    grades = [int(any(node.operator == IFF for node in goal.nodes()))]
    for operator in (OR, AND):
        nodes = [node for node in goal.nodes() if node.operator == operator]
        if not nodes:
            continue
        count = 1 + goal.tokens.count(operator)
        if operator == OR:
            related = all(_are_cases(node.parts, links, variables) for node in nodes)
            grades.append((2 if related else 3) + (count >= 4))
        else:
            joins = [names for names, _ in links]
            related = all(_are_related(node.parts, joins, variables) for node in nodes)
            grades.append(3 if count >= 5 else 2 if count == 4 or not related else 1)
    return max(grades)


def _are_cases(parts: Sequence[Formula], links: list[_Link], variables: frozenset[str]) -> bool:
    """Return whether alternatives differ, and are about the same or offered by a premise."""
    if len({part.tokens for part in parts}) < len(parts):
        return False
    parted = [frozenset(_names(part.tokens, variables)) for part in parts]
    joins = [names for names, has_alternatives in links if has_alternatives]
    return len(set(parted)) == 1 or any(all(p & names for p in parted) for names in joins)


def _are_related(
    parts: Sequence[Formula], links: list[frozenset[str]], variables: frozenset[str]
) -> bool:
    """Return whether chains of shared variables join all parts."""
    parted = [_names(part.tokens, variables) for part in parts]
    reached, waiting = set(parted[0]), parted[1:]
    while waiting:
        near = reached.union(*(link for link in links if link & reached))
        joined = [part for part in waiting if part & near]
        if not joined and near == reached:
            return False
        waiting = [part for part in waiting if not part & near]
        reached = near.union(*joined)
    return True


def _names(part: Iterable[str], names: frozenset[str]) -> set[str]:
    return {head for token in part if (head := token.partition(".")[0]) in names}
