"""Which tactics to try on a goal: rules on its shape, the likely ones first.

The proofs that come out are flat (no bullets, no nested blocks) and made of a few kinds of lines,
so that a small model can learn to write them.
"""

from __future__ import annotations

from collections.abc import Iterator

from lit_research.lean.corpus.expressions import FALSE, Expr, positions, variables
from lit_research.lean.corpus.goals import Goal
from lit_research.methods.self_play.warm_start.order_tactics import order_rules
from lit_research.methods.self_play.warm_start.term_tactics import (
    AC,
    RING,
    arithmetic_rules,
    existence_rules,
    list_rules,
    membership_rules,
)


def candidates(goal: Goal) -> list[str]:
    """Return tactics for the goal, without repetition; one alone where it cannot be wrong."""
    sure = _sure(goal)
    if sure is not None:
        return [sure]
    rules = (
        _logic,
        _induction,
        _equations,
        order_rules,
        membership_rules,
        existence_rules,
        arithmetic_rules,
        list_rules,
        _forward,
        _cases,
        _absurd,
    )
    return list(dict.fromkeys(tactic for rule in rules for tactic in rule(goal)))


def closers(goal: Goal) -> list[str]:
    """Return tactics that solve much and teach little: for what nothing else has proved."""
    found = ["simp_all"]
    named = ", ".join(name for name, said in goal.hypotheses.items() if said.op in "=↔")
    found.append(f"simp_all [{RING}]")
    if named:
        found.insert(0, f"simp [{named}]")
    for name, kind in goal.variables.items():
        if kind in ("Nat", "List Nat") and name in variables(goal.target):
            found += [f"induction {name} <;> simp_all", f"induction {name} <;> simp_all [{RING}]"]
    return found


def _induction(goal: Goal) -> Iterator[str]:
    """Go up step by step where a hypothesis says what a function does at ``n + 1``."""
    ends = [_ends(said) for said in goal.hypotheses.values() if said.op == "∀"]
    if not any(end.op in ("=", "≤", "<") and "+" in _heads(end) for end in ends):
        return
    for name, kind in goal.variables.items():
        if kind == "Nat" and name in variables(goal.target):
            for lemmas in ("", " [Nat.mul_add]", f" [Nat.mul_add, {AC}]", f" [{RING}]"):
                yield f"induction {name} <;> simp_all{lemmas}"


def _heads(equation: Expr) -> set[str]:
    """Return the operators right under ``f`` or ``g`` on both sides."""
    return {arg.op for side in equation.args if side.op in ("f", "g") for arg in side.args}


def _sure(goal: Goal) -> str | None:
    """Return a step that loses nothing."""
    target, given = goal.target, goal.hypotheses
    for name, said in given.items():
        if said == target:
            return f"exact {name}"
    for said in given.values():
        negated = _negated(said)
        if said == FALSE or (negated is not None and negated in given.values()):
            return "contradiction"
    if target.op in ("→", "∀", "¬", "≠"):
        return _intro(goal)
    for name, said in given.items():
        if said.op in ("∧", "↔"):
            first, second = goal.fresh_names(2)
            return f"obtain ⟨{first}, {second}⟩ := {name}"
        if said.op == "∃":
            bound = next(v for v in (said.args[0].op, *"kmndc") if v not in goal.names)
            return f"obtain ⟨{bound}, {goal.fresh_names()[0]}⟩ := {name}"
    if target.op in ("∧", "↔"):
        return "constructor"
    return None


def _negated(said: Expr) -> Expr | None:
    if said.op == "¬":
        return said.args[0]
    return Expr("=", said.args) if said.op == "≠" else None


def _intro(goal: Goal) -> str:
    names: list[str] = []
    fresh = iter(goal.fresh_names(20))
    target = goal.target
    while target.op in ("→", "∀"):
        bound = target.args[0].op
        if target.op == "→":
            names.append(next(fresh))
        else:
            names.append(bound if bound not in goal.names else next(fresh))
        target = target.args[1]
    if target.op in ("¬", "≠"):
        names.append(next(fresh))
    return f"intro {' '.join(names)}"


def _ends(said: Expr) -> Expr:
    """Return what a hypothesis proves when it is applied to all that it asks for."""
    while said.op in ("→", "∀"):
        said = said.args[1]
    return FALSE if said.op in ("¬", "≠") else said


def _logic(goal: Goal) -> Iterator[str]:
    target, given = goal.target, goal.hypotheses
    for name, said in given.items():
        if said.op == "→" and said.args[1] == target:
            known = [other for other, what in given.items() if what == said.args[0]]
            yield from (f"exact {name} {other}" for other in known[:1])
    for name, said in given.items():
        end = _ends(said)
        fits = end == target or (end.op == target.op and end.op in ("=", "≤", "<", "∈"))
        if said.op in ("→", "∀", "¬", "≠") and fits:
            yield f"apply {name}"
    if target.op == "∨":
        yield "left"
        yield "right"


def _forward(goal: Goal) -> Iterator[str]:
    """Apply an implication to what is known."""
    given = goal.hypotheses
    for name, said in given.items():
        if said.op == "→" and said.args[1] not in given.values():
            for other, what in given.items():
                if what == said.args[0]:
                    yield f"have {goal.fresh_names()[0]} := {name} {other}"
                    break


def _cases(goal: Goal) -> Iterator[str]:
    for name, said in goal.hypotheses.items():
        if said.op == "∨":
            new = goal.fresh_names()[0]
            yield f"rcases {name} with {new} | {new}"


def _absurd(goal: Goal) -> Iterator[str]:
    if goal.target != FALSE and any(_negated(said) for said in goal.hypotheses.values()):
        yield "exfalso"
    letters = [name for name, kind in goal.variables.items() if kind == "Prop"]
    if goal.target.op in letters or goal.target.op == "∨":
        parts = {goal.target.op, *(part.op for part in goal.target.args)}
        for letter in [x for x in letters if x in parts][:2]:
            yield f"by_cases {goal.fresh_names()[0]} : {letter}"


def _inside(whole: Expr, part: Expr) -> bool:
    return any(part == found for _, found in positions(whole))


def _equations(goal: Goal) -> Iterator[str]:
    target, given = goal.target, goal.hypotheses
    if target.op not in ("=", "≤", "<", "∈", "∨", "∃") and target != FALSE:
        return
    equations = {name: said.args for name, said in given.items() if said.op == "="}
    if target.op == "=":
        if target.args[0] == target.args[1]:
            yield "rfl"
            return
        yield from _terms(target, equations)
    for name, (left, right) in equations.items():
        if _inside(target, left) and not _inside(right, left):
            yield f"rw [{name}]"
        if _inside(target, right) and not _inside(left, right):
            yield f"rw [← {name}]"
    for name, said in given.items():
        if said.op == "∀" and _ends(said).op == "=" and target.op == "=":
            yield f"rw [{name}]"
    if target == FALSE or target.op == "∈":
        yield from _rewrite_at(goal, equations)
    if target.op == "=":
        yield from _injective(goal)


def _terms(target: Expr, equations: dict[str, tuple[Expr, ...]]) -> Iterator[str]:
    """Give a proof of an equation at once, from one hypothesis or two."""
    left, right = target.args
    for name, sides in equations.items():
        if sides == (right, left):
            yield f"exact Eq.symm {name}"
        if left.op == right.op and left.op in ("f", "g") and sides == left.args + right.args:
            yield f"exact congrArg {left.op} {name}"
    for name, (a, b) in equations.items():
        for other, (c, d) in equations.items():
            if (a, d) == (left, right) and b == c:
                yield f"exact Eq.trans {name} {other}"


def _injective(goal: Goal) -> Iterator[str]:
    for name, said in goal.hypotheses.items():
        if said.op == "=" and all(side.op in ("+", "Nat.succ") for side in said.args):
            first, second = said.args
            if first.op == "Nat.succ":
                yield f"injection {name}"
            elif first.args[0] == second.args[0]:
                yield f"exact Nat.add_left_cancel {name}"
            elif first.args[1] == second.args[1]:
                yield f"exact Nat.add_right_cancel {name}"
            else:
                yield f"rw [Nat.add_comm] at {name}"


def _rewrite_at(goal: Goal, equations: dict[str, tuple[Expr, ...]]) -> Iterator[str]:
    places = [n for n, said in goal.hypotheses.items() if said.op in ("¬", "≠", "∈")]
    for name, (left, right) in equations.items():
        for place in places[:2]:
            said = goal.hypotheses[place]
            if _inside(said, left):
                yield f"rw [{name}] at {place}"
            elif _inside(said, right):
                yield f"rw [← {name}] at {place}"
