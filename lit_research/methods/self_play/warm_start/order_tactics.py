"""Tactics for goals with ``≤`` and ``<`` on natural numbers."""

from __future__ import annotations

from collections.abc import Iterator

from lit_research.lean.corpus.expressions import FALSE, Expr
from lit_research.lean.corpus.goals import Goal

ORDERS = ("≤", "<")


def order_rules(goal: Goal) -> Iterator[str]:
    """Try lemmas on ``≤`` and ``<`` that match both sides, and links of a chain."""
    target, hypotheses = goal.target, goal.hypotheses
    for name, prop in hypotheses.items():
        if prop.op == "¬" and prop.args[0].op in ORDERS:
            lemma = "not_lt" if prop.args[0].op == "<" else "not_le"
            yield f"rw [Nat.{lemma}] at {name}"
    if target == FALSE:
        for prop in hypotheses.values():
            if prop.op == "<":
                yield f"apply Nat.lt_irrefl {_argument(prop.args[0])}"
    if target.op == "=" and any(prop.op == "≤" for prop in hypotheses.values()):
        yield "apply Nat.le_antisymm"
    if target.op not in ORDERS:
        return
    strict = target.op == "<"
    left, right = target.args
    links = {n: prop for n, prop in hypotheses.items() if prop.op in ORDERS}
    for name, prop in links.items():
        if prop.args == target.args and prop.op == "<" and not strict:
            yield f"exact Nat.le_of_lt {name}"
    yield from _transitive(target, links)
    yield from _facts(left, right, strict)
    yield from _congruent(left, right, strict)


def _argument(expr: Expr) -> str:
    return f"({expr})" if expr.args else str(expr)


def _transitive(target: Expr, links: dict[str, Expr]) -> Iterator[str]:
    """Follow a hypothesis that starts at the left side."""
    strict = target.op == "<"
    left, right = target.args
    for name, prop in links.items():
        if prop.args[0] != left or prop.args == target.args:
            continue
        if strict:
            lemma = f"lt_of_{'lt_of_le' if prop.op == '<' else 'le_of_lt'} {name}"
        else:
            lemma = f"le_trans {name if prop.op == '≤' else f'(Nat.le_of_lt {name})'}"
        last = [n for n, other in links.items() if other.args == (prop.args[1], right)]
        last = [n for n in last if links[n].op == ("<" if strict and prop.op == "≤" else "≤")]
        if last:
            yield f"exact Nat.{lemma} {last[0]}"
        else:
            yield f"apply Nat.{lemma}"
        if strict and prop.op == "<" and not last:
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
        first, second = right.args
        if first == left:
            yield f"exact Nat.le_add_right {_argument(first)} {_argument(second)}"
        elif second == left:
            yield f"exact Nat.le_add_left {_argument(second)} {_argument(first)}"


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
