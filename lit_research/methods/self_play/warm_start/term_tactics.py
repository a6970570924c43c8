"""Tactics for goals on terms: sums and products, lists, members, witnesses."""

from __future__ import annotations

from collections.abc import Iterator

from lit_research.lean.corpus.expressions import Expr, positions, substitute, variables
from lit_research.lean.corpus.goals import Goal
from lit_research.methods.self_play.warm_start.order_tactics import ORDERS

AC = "Nat.add_comm, Nat.add_left_comm, Nat.add_assoc"
MUL = "Nat.mul_comm, Nat.mul_left_comm, Nat.mul_assoc"
RING = f"Nat.mul_add, Nat.add_mul, {AC}, {MUL}"


def membership_rules(goal: Goal) -> Iterator[str]:
    """Reduce membership in a list to membership in a part of it."""
    if goal.target.op != "∈":
        return
    item, list_ = goal.target.args
    if list_.op == "++":
        for side, name in zip(list_.args, ("left", "right"), strict=True):
            yield f"apply List.mem_append_{name}" if side.op != "[]" else "simp"
    elif list_.op == "::":
        yield "apply List.mem_cons_of_mem" if list_.args[0] != item else "simp"
    elif list_.op == "List.reverse":
        yield "rw [List.mem_reverse]"
        yield "apply List.mem_reverse.mpr"
    elif list_.op == "List.map":
        yield "apply List.mem_map_of_mem"
    named = [name for name, prop in goal.hypotheses.items() if prop.op in ("∈", "=")]
    yield f"simp [{', '.join(named)}]" if named else "simp"


def existence_rules(goal: Goal) -> Iterator[str]:
    """Try terms of the goal and of the hypotheses as witnesses, small terms first."""
    if goal.target.op != "∃":
        return
    bound, body = goal.target.args
    yield "exact ⟨_, rfl⟩"
    terms = {part for _, part in positions(body)}
    for prop in goal.hypotheses.values():
        terms |= {part for _, part in positions(prop)} if prop.op in ("=", *ORDERS) else set()
    witnesses = [t for t in terms if _is_number(t, goal) and bound.op not in variables(t)]
    for term in sorted(witnesses, key=lambda t: (len(str(t)), str(t)))[:10]:
        instance = substitute(body, bound, term)
        exact = instance.op == "=" and instance.args[0] == instance.args[1]
        yield f"exact ⟨{term}, rfl⟩" if exact else f"exists {term}"
    numbers = [n for n, type_ in goal.variables.items() if type_ == "Nat" and n != bound.op]
    if body.op == "=" and body.args[1].op == "+":
        yield from (f"exists {a} + {b}" for a in numbers for b in numbers if a < b)
        yield from (f"exists {a} * {b}" for a in numbers for b in numbers if a != b)


def _is_number(term: Expr, goal: Goal) -> bool:
    if term.op in ("+", "*", "f", "g", "List.length"):
        return True
    return term.op.isdecimal() or goal.variables.get(term.op) == "Nat"


def arithmetic_rules(goal: Goal) -> Iterator[str]:
    """Rewrite sums and products, then normalise them up to order."""
    target = goal.target
    if target.op != "=" or not _is_number(target.args[0], goal):
        return
    ops = [part.op for _, part in positions(target)]
    add, times = "+" in ops, "*" in ops
    if not add and not times:
        return
    yield "rfl"
    for number, op, lemma in (
        ("0", add, "add_zero"),
        ("0", add, "zero_add"),
        ("1", times, "mul_one"),
        ("1", times, "one_mul"),
        ("2", times, "two_mul"),
        ("2", times, "mul_two"),
    ):
        if op and number in ops:
            yield f"rw [Nat.{lemma}]"
    if add and times:
        yield from ("rw [Nat.mul_add]", "rw [Nat.add_mul]", "rw [← Nat.mul_add]")
    if add:
        yield from ("rw [Nat.add_comm]", "rw [Nat.add_assoc]", "rw [Nat.add_left_comm]")
        yield f"simp [{AC}]"
    if times:
        yield from ("rw [Nat.mul_comm]", "rw [Nat.mul_assoc]")
        yield f"simp [{MUL}]"
    if add and times:
        yield "simp [Nat.mul_add, Nat.add_mul]"
        yield f"simp [{RING}]"
    if times and "2" in ops:
        yield f"simp [Nat.two_mul, Nat.mul_two, {RING}]"


def list_rules(goal: Goal) -> Iterator[str]:
    """Rewrite lists by lemmas on the functions in the goal, then simplify."""
    ops = {part.op for _, part in positions(goal.target)}
    if not ops & {"++", "::", "[]", "List.length", "List.reverse", "List.map"}:
        return
    if goal.target.op != "=":
        yield "simp"
        return
    for needed, lemma in (
        ("++ []", "append_nil"),
        ("++ []", "nil_append"),
        ("++", "append_assoc"),
        ("List.length ++", "length_append"),
        ("List.length List.reverse", "length_reverse"),
        ("List.length List.map", "length_map"),
        ("List.reverse ++", "reverse_append"),
        ("List.reverse", "reverse_reverse"),
        ("List.map ++", "map_append"),
        ("List.map List.reverse", "map_reverse"),
        ("List.reverse ::", "reverse_cons"),
        ("List.map", "map_map"),
    ):
        if ops >= set(needed.split()):
            yield f"rw [List.{lemma}]"
    yield "rfl"
    yield "simp"
    if "List.length" in ops:
        yield f"simp [{AC}]"
    if "List.map" in ops:
        yield "simp [List.map_reverse]"
