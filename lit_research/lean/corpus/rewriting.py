"""Laws of numbers and lists as rewriting steps: what they lead to equals what they start from."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from lit_research.lean.corpus.expressions import NIL, ONE, ZERO, Expr, make, positions, put

Law = Callable[[Expr], Expr | None]
_GROWTH = 0.2  # chance that a law that adds a neutral element may be taken


def _commute(op: str) -> Law:
    return lambda e: make(op, e.args[1], e.args[0]) if _is_swap(e, op) else None


def _is_swap(e: Expr, op: str) -> bool:
    return e.op == op and e.args[0] != e.args[1]


def _to_right(op: str) -> Law:
    def law(e: Expr) -> Expr | None:
        if e.op != op or e.args[0].op != op:
            return None
        return make(op, e.args[0].args[0], make(op, e.args[0].args[1], e.args[1]))

    return law


def _to_left(op: str) -> Law:
    def law(e: Expr) -> Expr | None:
        if e.op != op or e.args[1].op != op:
            return None
        return make(op, make(op, e.args[0], e.args[1].args[0]), e.args[1].args[1])

    return law


def _unit(op: str, unit: Expr) -> Law:
    """Drop a neutral element; ``_Grow`` is the other direction."""

    def law(e: Expr) -> Expr | None:
        if e.op != op:
            return None
        return e.args[0] if e.args[1] == unit else e.args[1] if e.args[0] == unit else None

    return law


class _Grow:
    """Add a neutral element. Always possible, so ``rewritten`` takes it less often."""

    grows = True

    def __init__(self, op: str, unit: Expr, kinds: str) -> None:
        self.op, self.unit, self.kinds = op, unit, kinds.split()

    def __call__(self, e: Expr) -> Expr | None:
        return make(self.op, e, self.unit) if e.op in self.kinds else None


def _expand(e: Expr) -> Expr | None:
    if e.op != "*":
        return None
    left, right = e.args
    if right.op == "+":
        return make("+", *(make("*", left, part) for part in right.args))
    if left.op == "+":
        return make("+", *(make("*", part, right) for part in left.args))
    return None


def _factor(e: Expr) -> Expr | None:
    if e.op != "+" or any(arg.op != "*" for arg in e.args):
        return None
    (a, b), (c, d) = e.args[0].args, e.args[1].args
    if a == c:
        return make("*", a, make("+", b, d))
    return make("*", make("+", a, c), b) if b == d else None


def _double(e: Expr) -> Expr | None:
    return make("*", Expr("2"), e.args[0]) if e.op == "+" and e.args[0] == e.args[1] else None


def _halve(e: Expr) -> Expr | None:
    return make("+", e.args[1], e.args[1]) if e.op == "*" and e.args[0].op == "2" else None


def _inside(outer: str, inner: str, build: Callable[[Expr, Expr], Expr]) -> Law:
    """Carry ``outer`` into an ``inner`` that is its last argument."""
    return lambda e: build(e, e.args[-1]) if e.op == outer and e.args[-1].op == inner else None


def _reverse(e: Expr) -> Expr:
    return make("List.reverse", e)


def _map_of(e: Expr, xs: Expr) -> Expr:
    return make("List.map", e.args[0], xs)


def _length(e: Expr) -> Expr:
    return make("List.length", e)


ARITHMETIC: tuple[Law, ...] = (
    _commute("+"),
    _commute("*"),
    _to_right("+"),
    _to_left("+"),
    _to_right("*"),
    _to_left("*"),
    _expand,
    _expand,
    _factor,
    _double,
    _halve,
    _unit("+", ZERO),
    _unit("*", ONE),
    _Grow("+", ZERO, "a b c *"),
    _Grow("*", ONE, "a b c +"),
)
LISTS: tuple[Law, ...] = (
    lambda e: NIL if e.op in ("List.reverse", "List.map") and e.args[-1] == NIL else None,
    _to_right("++"),
    _to_left("++"),
    _unit("++", NIL),
    _Grow("++", NIL, "xs ys zs"),
    _inside("List.reverse", "List.reverse", lambda _, xs: xs.args[0]),
    _inside(
        "List.reverse",
        "++",
        lambda _, xs: make("++", _reverse(xs.args[1]), _reverse(xs.args[0])),
    ),
    _inside(
        "List.reverse",
        "::",
        lambda _, xs: make("++", _reverse(xs.args[1]), make("[]", xs.args[0])),
    ),
    _inside(
        "List.map",
        "++",
        lambda e, xs: make("++", _map_of(e, xs.args[0]), _map_of(e, xs.args[1])),
    ),
    _inside("List.map", "List.reverse", lambda e, xs: _reverse(_map_of(e, xs.args[0]))),
    _inside("List.reverse", "List.map", lambda _, xs: _map_of(xs, _reverse(xs.args[1]))),
    _inside(
        "List.map",
        "::",
        lambda e, xs: make("::", make(e.args[0].op, xs.args[0]), _map_of(e, xs.args[1])),
    ),
    _inside("List.length", "List.reverse", lambda _, xs: _length(xs.args[0])),
    _inside("List.length", "List.map", lambda _, xs: _length(xs.args[1])),
    _inside("List.length", "++", lambda _, xs: make("+", *map(_length, xs.args))),
    _inside("List.length", "::", lambda _, xs: make("+", _length(xs.args[1]), ONE)),
    _commute("+"),
)


def rewritten(expr: Expr, laws: Sequence[Law], steps: int, rng: random.Random) -> Expr:
    """Return what ``steps`` random rewriting steps lead to, never back to a form seen before."""
    seen = {expr}
    for _ in range(steps):
        parts = list(positions(expr))
        for law in rng.sample(laws, len(laws)):
            if getattr(law, "grows", False) and rng.random() > _GROWTH:
                continue
            results = [(path, law(part)) for path, part in parts]
            wholes = [put(expr, path, new) for path, new in results if new is not None]
            unseen = [whole for whole in wholes if whole not in seen]
            if unseen:
                expr = rng.choice(unseen)
                seen.add(expr)
                break
    return expr


def polynomial(expr: Expr) -> dict[tuple[str, ...], int]:
    """Return the normal form of a sum of products: each product's letters -> its coefficient."""
    if expr.op == "+":
        total = dict(polynomial(expr.args[0]))
        for letters, times in polynomial(expr.args[1]).items():
            total[letters] = total.get(letters, 0) + times
        return total
    if expr.op == "*":
        product: dict[tuple[str, ...], int] = {}
        for left, m in polynomial(expr.args[0]).items():
            for right, n in polynomial(expr.args[1]).items():
                letters = tuple(sorted((*left, *right)))
                product[letters] = product.get(letters, 0) + m * n
        return product
    if expr.op.isdecimal():
        return {(): int(expr.op)} if expr != ZERO else {}
    return {(str(expr),): 1}


def same_polynomial(left: Expr, right: Expr) -> bool:
    """Return whether two sums of products are equal for all numbers."""
    terms = [{k: v for k, v in polynomial(side).items() if v} for side in (left, right)]
    return terms[0] == terms[1]
