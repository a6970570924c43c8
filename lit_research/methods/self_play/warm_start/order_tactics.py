"""Tactics for goals with ``≤`` and ``<`` on natural numbers."""

from __future__ import annotations

from collections.abc import Iterator

from lit_research.lean.corpus.expressions import FALSE, Expr
from lit_research.lean.corpus.goals import Goal

ORDERS = ("≤", "<")


def order_rules(goal: Goal) -> Iterator[str]:
    """Try lemmas of ``≤`` and ``<`` that fit both sides, and links of the chain."""
    target, given = goal.target, goal.hypotheses
    for name, said in given.items():
        if said.op == "¬" and said.args[0].op in ORDERS:
            lemma = "not_lt" if said.args[0].op == "<" else "not_le"
            yield f"rw [Nat.{lemma}] at {name}"
    if target == FALSE:
        for said in given.values():
            if said.op == "<":
                yield f"apply Nat.lt_irrefl {_argument(said.args[0])}"
    if target.op == "=" and any(said.op == "≤" for said in given.values()):
        yield "apply Nat.le_antisymm"
    if target.op not in ORDERS:
        return
    strict = target.op == "<"
    left, right = target.args
    links = {n: said for n, said in given.items() if said.op in ORDERS}
    for name, said in links.items():
        if said.args == target.args and said.op == "<" and not strict:
            yield f"exact Nat.le_of_lt {name}"
    yield from _transitive(target, links)
    yield from _facts(left, right, strict)
    yield from _congruent(left, right, strict)


def _argument(expr: Expr) -> str:
    return f"({expr})" if expr.args else str(expr)


def _transitive(target: Expr, links: dict[str, Expr]) -> Iterator[str]:
    """Go one link further from the left side."""
    strict = target.op == "<"
    left, right = target.args
    for name, said in links.items():
        if said.args[0] != left or said.args == target.args:
            continue
        if strict:
            lemma = f"lt_of_{'lt_of_le' if said.op == '<' else 'le_of_lt'} {name}"
        else:
            lemma = f"le_trans {name if said.op == '≤' else f'(Nat.le_of_lt {name})'}"
        last = [n for n, other in links.items() if other.args == (said.args[1], right)]
        last = [n for n in last if links[n].op == ("<" if strict and said.op == "≤" else "≤")]
        if last:
            yield f"exact Nat.{lemma} {last[0]}"
        else:
            yield f"apply Nat.{lemma}"
        if strict and said.op == "<" and not last:
            yield f"apply Nat.lt_trans {name}"


def _facts(left: Expr, right: Expr, strict: bool) -> Iterator[str]:
    if strict:
        if right.op == "+" and right.args == (left, Expr("1")):
            yield f"exact Nat.lt_succ_self {_argument(left)}"
        if left.op == "0":
            yield "apply Nat.zero_lt_succ"
        return
    if left == right:
        yield f"exact Nat.le_refl {_argument(left)}"
    if left.op == "0":
        yield f"exact Nat.zero_le {_argument(right)}"
    if right.op == "+":
        one, other = right.args
        if one == left:
            yield f"exact Nat.le_add_right {_argument(one)} {_argument(other)}"
        elif other == left:
            yield f"exact Nat.le_add_left {_argument(other)} {_argument(one)}"


def _congruent(left: Expr, right: Expr, strict: bool) -> Iterator[str]:
    op = "lt" if strict else "le"
    if left.op == right.op == "+":
        if left.args[1] == right.args[1]:
            yield f"apply Nat.add_{op}_add_right"
        elif left.args[0] == right.args[0]:
            yield f"apply Nat.add_{op}_add_left"
        else:
            yield f"apply Nat.add_{op}_add"
            if strict:
                yield "apply Nat.add_lt_add_of_lt_of_le"
                yield "apply Nat.add_lt_add_of_le_of_lt"
    if left.op == right.op == "*" and not strict:
        if left.args[1] == right.args[1]:
            yield "apply Nat.mul_le_mul_right"
        elif left.args[0] == right.args[0]:
            yield "apply Nat.mul_le_mul_left"
        yield "apply Nat.mul_le_mul"
    if right.op == "+":
        yield "apply Nat.lt_of_lt_of_le" if strict else "apply Nat.le_add_right_of_le"
    if left.op == "+" and left.args[1].op == "1" and not strict:
        yield "apply Nat.succ_le_of_lt"
    if strict and right.op == "+" and right.args[1].op == "1":
        yield "apply Nat.lt_succ_of_le"
