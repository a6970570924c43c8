"""The Guide's rubric as rules on tokens: relevance, redundancy, complexity.

The three sub-scores of appendix E.3 (Bailey et al. 2026, arXiv 2604.20209), which the paper obtains
from a language model. Nothing is proved or type-checked: "related" means shared structure.

=========  =========================================================================================
Relevance  The conjecture, compared with its target
=========  =========================================================================================
5          concludes a proper part of the target's conclusion (a conjunct, a disjunct, a side of an
           ``↔``) under hypotheses of the target; or the same conclusion with fewer hypotheses
4          shares a compound term (three tokens or more, up to names of variables) with the target,
           or its conclusion is an instance of the target's
3          uses the same operators: the two sets overlap by half (Jaccard)
2          shares a type or a symbol that is not purely logical with the target
1          shares none; or is trivial (``True``, ``x = x``, a hypothesis, anything from ``False``; a
           disjunction with a trivial disjunct; a conjunction of trivial conjuncts)
0          is the target up to names and the order of premises; or shares nothing and is trivial
=========  =========================================================================================

==========  ========================================================================================
Redundancy  1 if
==========  ========================================================================================
            two hypotheses are equal; or a hypothesis has no variable that occurs in the conclusion
            or in another hypothesis; or the conclusion is one of several hypotheses
==========  ========================================================================================

==========  ========================================================================================
Complexity  Of the conclusion after all premises; the largest that applies
==========  ========================================================================================
4           4 or more unrelated disjuncts; operators nested 6 deep
3           2-3 unrelated disjuncts, or a repeated one; 4 or more related ones; 5 or more
            conjuncts; operators nested 4 deep
2           2-3 related disjuncts; 4 conjuncts; 2-3 unrelated conjuncts
1           2-3 related conjuncts; an ``↔``
0           anything else: an atom, or a negated or quantified one
==========  ========================================================================================

Only conclusions of at least three tokens get a 5. Conjuncts are related if a chain of shared
variables connects them all; a hypothesis (or the other side of an ``↔``) with variables of two
conjuncts connects these. Disjuncts are related if they are cases of one question: all have the same
variables, or some hypothesis (or the other side) that is a disjunction itself has variables of
each. Each side of an ``↔`` is graded by itself.
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
# Heads of types: `(n : Fin m)` declares a variable, `(h : Even m)` is a hypothesis.
TYPES = frozenset(
    {"Nat", "Int", "Bool", "List", "Option", "Fin", "Prop", "Type", "Sort", "Array", "String"}
    | {"Char", "Unit", "Prod", "Sum", "Set", "Real"}
)


@dataclass(frozen=True)
class Outline:
    """The parts of a statement that the rules use.

    Attributes:
        variables: names that the statement binds.
        types: of the variables that its binders declare, sorted.
        hypotheses: in binders, or as premises of the conclusion.
        whole: the conclusion as it is written.
        goal: the conclusion without leading ``∀`` and premises.
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
    """Return whether a binder of this type is a hypothesis; otherwise it declares a variable."""
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
    """Return the relevance of a conjecture to its target, 0 to 5; see the table above."""
    ours, theirs = outline(conjecture), outline(target)
    shared = _vocabulary(conjecture) & _vocabulary(target)
    if statement_key(conjecture) == statement_key(target) or _claim(ours) == _claim(theirs):
        return 0
    if is_trivial(ours):
        return 1 if shared else 0
    if not shared:
        return 1
    if _is_subgoal(ours, theirs):
        return 5
    if _compounds(ours) & _compounds(theirs) or _is_instance(ours, theirs):
        return 4
    our_operators, their_operators = _operators(ours), _operators(theirs)
    common, union = our_operators & their_operators, our_operators | their_operators
    return 3 if 2 * len(common) >= len(union) else 2


def _claim(outlined: Outline) -> tuple[tuple[Tokens, ...], Tokens]:
    """Return a key that is equal for statements up to names and the order of premises."""
    ordered = sorted(outlined.hypotheses, key=lambda h: shape(h, outlined.variables))
    parts = [*outlined.goal.tokens, *(token for h in ordered for token in ("⊢", *h))]
    return outlined.types, shape(parts, outlined.variables)


def is_trivial(outlined: Outline) -> bool:
    """Return whether a statement is trivially true."""
    return ("False",) in outlined.hypotheses or _holds(outlined.goal, outlined.hypotheses)


def _holds(formula: Formula, known: Sequence[Tokens]) -> bool:
    """Return whether a formula trivially follows from known ones."""
    goal = formula.tokens
    middle = len(goal) // 2
    mirrored = len(goal) % 2 == 1 and goal[:middle] == goal[middle + 1 :]
    reflexive = mirrored and goal[middle : middle + 1] in {("=",), ("≤",), (IFF,), (DIVIDES,)}
    if goal == ("True",) or reflexive or goal in known:
        return True
    if formula.operator == IMPLIES:
        *premises, conclusion = formula.parts
        return _holds(conclusion, [*known, *(premise.tokens for premise in premises)])
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
    """Return whether substituting tokens for the target's variables gives the conjecture's goal."""
    values: dict[str, str] = {}
    if len(ours.goal.tokens) != len(theirs.goal.tokens) or len(theirs.goal.tokens) < 3:
        return False
    for our_token, their_token in zip(ours.goal.tokens, theirs.goal.tokens, strict=True):
        if their_token in theirs.variables and our_token not in PUNCTUATION:
            if values.setdefault(their_token, our_token) != our_token:
                return False
        elif our_token != their_token:
            return False
    return True


def _compounds(outlined: Outline) -> set[Tokens]:
    parts = terms(outlined.goal)
    for hypothesis in outlined.hypotheses:
        parts |= terms(formula_of(hypothesis))
    return {shape(part, outlined.variables) for part in parts if _is_long(part)}


def _operators(outlined: Outline) -> set[str]:
    used = {token for part in (outlined.goal.tokens, *outlined.hypotheses) for token in part}
    return {t for t in used - PUNCTUATION if t.partition(".")[0] not in outlined.variables}


def _vocabulary(statement: Statement) -> set[str]:
    names = variables(statement)
    used = {t for t in statement.body if t.partition(".")[0] not in names and not t.isdecimal()}
    return used - LOGIC - PUNCTUATION - UNIVERSES


def redundancy(conjecture: Statement) -> int:
    """Return 1 if a premise looks unnecessary, else 0; see the table above."""
    outlined = outline(conjecture)
    hypotheses = outlined.hypotheses
    if len(set(hypotheses)) < len(hypotheses):
        return 1
    if len(hypotheses) > 1 and outlined.goal.tokens in hypotheses:
        return 1
    for index, hypothesis in enumerate(hypotheses):
        others = (outlined.goal.tokens, *hypotheses[:index], *hypotheses[index + 1 :])
        elsewhere = {name for part in others for name in _names(part, outlined.variables)}
        if not _names(hypothesis, outlined.variables) & elsewhere:
            return 1
    return 0


def complexity(conjecture: Statement) -> int:
    """Return the complexity of the conclusion, 0 to 4; see the table above."""
    outlined = outline(conjecture)
    links = [_link(h, outlined.variables) for h in outlined.hypotheses]
    grade = _grade(outlined.goal, links, outlined.variables)
    depth = outlined.whole.depth
    return max(grade, 4 if depth >= 6 else 3 if depth >= 4 else 0)


# The variables of a premise, and whether it contains a disjunction.
_Link = tuple[frozenset[str], bool]


def _link(part: Tokens, variables: frozenset[str]) -> _Link:
    """Return the variables of a hypothesis, and whether it contains a disjunction."""
    return frozenset(_names(part, variables)), OR in part


def _grade(goal: Formula, links: list[_Link], variables: frozenset[str]) -> int:
    if goal.operator == IFF:  # each side counts as a hypothesis of the other
        side_links = [_link(side.tokens, variables) for side in goal.parts]
        others = [side_links[:i] + side_links[i + 1 :] for i in range(len(side_links))]
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
    """Return whether disjuncts are distinct cases of one question; see above."""
    if len({part.tokens for part in parts}) < len(parts):
        return False
    parted = [frozenset(_names(part.tokens, variables)) for part in parts]
    joins = [names for names, has_disjunction in links if has_disjunction]
    return len(set(parted)) == 1 or any(all(p & names for p in parted) for names in joins)


def _are_related(
    parts: Sequence[Formula], links: list[frozenset[str]], variables: frozenset[str]
) -> bool:
    """Return whether chains of shared variables connect all parts."""
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
