"""Rules that propose tactics for a goal, the most likely first.

The resulting proofs are flat (no bullets, no nested blocks) and have few forms of lines, so that a
small model can learn to write them.
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
    """Return distinct tactics for the goal; only one if it cannot be wrong."""
    safe = _safe_step(goal)
    if safe is not None:
        return [safe]
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
    """Return strong tactics that are poor examples to train on, for otherwise unproved goals."""
    tactics = ["simp_all", f"simp_all [{RING}]"]
    named = ", ".join(name for name, prop in goal.hypotheses.items() if prop.op in "=↔")
    if named:
        tactics.insert(0, f"simp [{named}]")
    for name, type_ in goal.variables.items():
        if type_ in ("Nat", "List Nat") and name in variables(goal.target):
            tactics += [f"induction {name} <;> simp_all", f"induction {name} <;> simp_all [{RING}]"]
    return tactics


def _induction(goal: Goal) -> Iterator[str]:
    """Try induction if a hypothesis is a recursion, with the value of a function at ``n + 1``."""
    conclusions = [_conclusion(prop) for prop in goal.hypotheses.values() if prop.op == "∀"]
    if not any(prop.op in ("=", "≤", "<") and "+" in _heads(prop) for prop in conclusions):
        return
    for name, type_ in goal.variables.items():
        if type_ == "Nat" and name in variables(goal.target):
            for lemmas in ("", " [Nat.mul_add]", f" [Nat.mul_add, {AC}]", f" [{RING}]"):
                yield f"induction {name} <;> simp_all{lemmas}"


def _heads(equation: Expr) -> set[str]:
    """Return the operators directly under ``f`` or ``g`` on both sides."""
    return {arg.op for side in equation.args if side.op in ("f", "g") for arg in side.args}


def _safe_step(goal: Goal) -> str | None:
    """Return a step that keeps the goal provable if it is; None if no rule applies."""
    target, hypotheses = goal.target, goal.hypotheses
    for name, prop in hypotheses.items():
        if prop == target:
            return f"exact {name}"
    for prop in hypotheses.values():
        negated = _negated(prop)
        if prop == FALSE or (negated is not None and negated in hypotheses.values()):
            return "contradiction"
    if target.op in ("→", "∀", "¬", "≠"):
        return _intro(goal)
    for name, prop in hypotheses.items():
        if prop.op in ("∧", "↔"):
            first, second = goal.fresh_names(2)
            return f"obtain ⟨{first}, {second}⟩ := {name}"
        if prop.op == "∃":
            bound = next(v for v in (prop.args[0].op, *"kmndc") if v not in goal.names)
            return f"obtain ⟨{bound}, {goal.fresh_names()[0]}⟩ := {name}"
    if target.op in ("∧", "↔"):
        return "constructor"
    return None


def _negated(prop: Expr) -> Expr | None:
    if prop.op == "¬":
        return prop.args[0]
    return Expr("=", prop.args) if prop.op == "≠" else None


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


def _conclusion(prop: Expr) -> Expr:
    """Return what a hypothesis proves when it is applied to all of its arguments."""
    while prop.op in ("→", "∀"):
        prop = prop.args[1]
    return FALSE if prop.op in ("¬", "≠") else prop


def _logic(goal: Goal) -> Iterator[str]:
    target, hypotheses = goal.target, goal.hypotheses
    for name, prop in hypotheses.items():
        if prop.op == "→" and prop.args[1] == target:
            premises = [other for other, known in hypotheses.items() if known == prop.args[0]]
            yield from (f"exact {name} {other}" for other in premises[:1])
    for name, prop in hypotheses.items():
        end = _conclusion(prop)
        fits = end == target or (end.op == target.op and end.op in ("=", "≤", "<", "∈"))
        if prop.op in ("→", "∀", "¬", "≠") and fits:
            yield f"apply {name}"
    if target.op == "∨":
        yield "left"
        yield "right"


def _forward(goal: Goal) -> Iterator[str]:
    """Apply an implication to a hypothesis."""
    hypotheses = goal.hypotheses
    for name, prop in hypotheses.items():
        if prop.op == "→" and prop.args[1] not in hypotheses.values():
            for other, known in hypotheses.items():
                if known == prop.args[0]:
                    yield f"have {goal.fresh_names()[0]} := {name} {other}"
                    break


def _cases(goal: Goal) -> Iterator[str]:
    for name, prop in goal.hypotheses.items():
        if prop.op == "∨":
            new = goal.fresh_names()[0]
            yield f"rcases {name} with {new} | {new}"


def _absurd(goal: Goal) -> Iterator[str]:
    if goal.target != FALSE and any(_negated(prop) for prop in goal.hypotheses.values()):
        yield "exfalso"
    letters = [name for name, type_ in goal.variables.items() if type_ == "Prop"]
    if goal.target.op in letters or goal.target.op == "∨":
        parts = {goal.target.op, *(part.op for part in goal.target.args)}
        for letter in [x for x in letters if x in parts][:2]:
            yield f"by_cases {goal.fresh_names()[0]} : {letter}"


def _inside(whole: Expr, part: Expr) -> bool:
    return any(part == subterm for _, subterm in positions(whole))


def _equations(goal: Goal) -> Iterator[str]:
    target, hypotheses = goal.target, goal.hypotheses
    if target.op not in ("=", "≤", "<", "∈", "∨", "∃") and target != FALSE:
        return
    equations = {name: prop.args for name, prop in hypotheses.items() if prop.op == "="}
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
    for name, prop in hypotheses.items():
        if prop.op == "∀" and _conclusion(prop).op == "=" and target.op == "=":
            yield f"rw [{name}]"
    if target == FALSE or target.op == "∈":
        yield from _rewrite_at(goal, equations)
    if target.op == "=":
        yield from _injective(goal)


def _terms(target: Expr, equations: dict[str, tuple[Expr, ...]]) -> Iterator[str]:
    """Prove an equation in one step, from one or two hypotheses."""
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
    for name, prop in goal.hypotheses.items():
        if prop.op == "=" and all(side.op in ("+", "Nat.succ") for side in prop.args):
            first, second = prop.args
            if first.op == "Nat.succ":
                yield f"injection {name}"
            elif first.args[0] == second.args[0]:
                yield f"exact Nat.add_left_cancel {name}"
            elif first.args[1] == second.args[1]:
                yield f"exact Nat.add_right_cancel {name}"
            else:
                yield f"rw [Nat.add_comm] at {name}"


def _rewrite_at(goal: Goal, equations: dict[str, tuple[Expr, ...]]) -> Iterator[str]:
    locations = [n for n, prop in goal.hypotheses.items() if prop.op in ("¬", "≠", "∈")]
    for name, (left, right) in equations.items():
        for location in locations[:2]:
            prop = goal.hypotheses[location]
            if _inside(prop, left):
                yield f"rw [{name}] at {location}"
            elif _inside(prop, right):
                yield f"rw [← {name}] at {location}"
