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
    """Follow a member into the part of the list that it is in."""
    if goal.target.op != "∈":
        return
    item, where = goal.target.args
    if where.op == "++":
        for side, name in zip(where.args, ("left", "right"), strict=True):
            yield f"apply List.mem_append_{name}" if side.op != "[]" else "simp"
    elif where.op == "::":
        yield "apply List.mem_cons_of_mem" if where.args[0] != item else "simp"
    elif where.op == "List.reverse":
        yield "rw [List.mem_reverse]"
        yield "apply List.mem_reverse.mpr"
    elif where.op == "List.map":
        yield "apply List.mem_map_of_mem"
    named = [name for name, said in goal.hypotheses.items() if said.op in ("∈", "=")]
    yield f"simp [{', '.join(named)}]" if named else "simp"


def existence_rules(goal: Goal) -> Iterator[str]:
    """Try what stands in the goal as a witness, small terms first."""
    if goal.target.op != "∃":
        return
    bound, body = goal.target.args
    yield "exact ⟨_, rfl⟩"
    terms = {part for _, part in positions(body)}
    for said in goal.hypotheses.values():
        terms |= {part for _, part in positions(said)} if said.op in ("=", *ORDERS) else set()
    numbers = [t for t in terms if _is_number(t, goal) and bound.op not in variables(t)]
    for term in sorted(numbers, key=lambda t: (len(str(t)), str(t)))[:10]:
        filled = substitute(body, bound, term)
        exact = filled.op == "=" and filled.args[0] == filled.args[1]
        yield f"exact ⟨{term}, rfl⟩" if exact else f"exists {term}"
    pairs = [n for n, kind in goal.variables.items() if kind == "Nat" and n not in (bound.op,)]
    if body.op == "=" and body.args[1].op == "+":
        yield from (f"exists {a} + {b}" for a in pairs for b in pairs if a < b)
        yield from (f"exists {a} * {b}" for a in pairs for b in pairs if a != b)


def _is_number(term: Expr, goal: Goal) -> bool:
    if term.op in ("+", "*", "f", "g", "List.length"):
        return True
    return term.op.isdecimal() or goal.variables.get(term.op) == "Nat"


def arithmetic_rules(goal: Goal) -> Iterator[str]:
    """Rewrite sums and products; sort them last."""
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
    """Rewrite lists by the lemmas whose functions are there; simplify last."""
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
