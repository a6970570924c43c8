"""The language of the embedded statements: expressions, how Lean writes them, what they mean.

A ``Draft`` is a statement before it is text. Names carry their types (``p`` is a proposition, ``a``
a number, ``xs`` a list of numbers, ``f`` a function on numbers), so that a small vocabulary covers
every statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lit_research.lean import parse_statement, tokens
from lit_research.lean.statements import AND, IFF, IMPLIES, OR

# Type -> the names of its variables, in the order of the binders.
VARIABLES = {
    "Prop": ("p", "q", "r", "s"),
    "Nat → Nat": ("f", "g"),
    "Nat": ("a", "b", "c", "d", "n", "m", "k"),
    "List Nat": ("xs", "ys", "zs"),
}
TYPE_OF = {name: kind for kind, names in VARIABLES.items() for name in names}
HYPOTHESES = ("h", *(f"h{i}" for i in range(1, 16)))
NUMERALS = tuple(str(i) for i in range(10))
FUNCTIONS = ("List.length", "List.reverse", "List.map", "Nat.succ")
NAME = "t"  # of every theorem: its id is kept next to it

# Operator -> its level, and the levels below which its left and right sides need brackets.
INFIX = {
    IFF: (20, 21, 21),
    IMPLIES: (25, 26, 25),
    OR: (30, 31, 30),
    AND: (35, 36, 35),
    **dict.fromkeys(("=", "≠", "≤", "<", "∈"), (50, 51, 51)),
    "+": (65, 65, 66),
    "++": (65, 65, 66),
    "::": (67, 68, 67),
    "*": (70, 70, 71),
}
_BINDERS = ("∀", "∃", "fun")
_ATOM, _APPLICATION = 1025, 1024


@dataclass(frozen=True, slots=True)
class Expr:
    """An operator with its arguments: a leaf has none, a binder a variable and a body."""

    op: str
    args: tuple[Expr, ...] = ()

    def __str__(self) -> str:
        return _text(self, 0)


FALSE, ZERO, ONE, TWO, NIL = Expr("False"), Expr("0"), Expr("1"), Expr("2"), Expr("[]")


def make(op: str, *args: Expr) -> Expr:
    """Return ``op`` applied to ``args``."""
    return Expr(op, args)


def join(op: str, parts: Sequence[Expr]) -> Expr:
    """Return the parts under a right-associative operator."""
    whole = parts[-1]
    for part in reversed(parts[:-1]):
        whole = Expr(op, (part, whole))
    return whole


def _text(expr: Expr, level: int) -> str:
    op, args = expr.op, expr.args
    if op == "[]":
        return "[" + ", ".join(_text(arg, 0) for arg in args) + "]"
    if not args:
        return op
    if op in INFIX:
        own, left, right = INFIX[op]
        text = f"{_text(args[0], left)} {op} {_text(args[1], right)}"
    elif op == "¬":  # always with brackets around what is not a single word
        own, text = _ATOM, "¬" + _text(args[0], _ATOM)
    elif op in _BINDERS:
        bound = args[0].op
        own = 0
        text = f"{op} {bound} => " if op == "fun" else f"{op} {bound} : {TYPE_OF[bound]}, "
        text += _text(args[1], 0)
    else:
        own, text = _APPLICATION, " ".join([op, *(_text(arg, _ATOM) for arg in args)])
    return f"({text})" if own < level else text


def positions(expr: Expr, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Expr]]:
    """Yield every part with its path, the whole first; bodies of binders are left out."""
    yield path, expr
    if expr.op not in _BINDERS:
        for i, arg in enumerate(expr.args):
            yield from positions(arg, (*path, i))


def put(expr: Expr, path: tuple[int, ...], new: Expr) -> Expr:
    """Return ``expr`` with ``new`` at ``path``."""
    if not path:
        return new
    args = list(expr.args)
    args[path[0]] = put(args[path[0]], path[1:], new)
    return Expr(expr.op, tuple(args))


def substitute(expr: Expr, old: Expr, new: Expr) -> Expr:
    """Return ``expr`` with ``new`` wherever ``old`` stood."""
    if expr == old:
        return new
    return Expr(expr.op, tuple(substitute(arg, old, new) for arg in expr.args))


def variables(expr: Expr) -> set[str]:
    """Return the names that are free in ``expr``."""
    if expr.op in _BINDERS:
        return variables(expr.args[1]) - {expr.args[0].op}
    own = {expr.op} if expr.op in TYPE_OF else set()
    return own.union(*(variables(arg) for arg in expr.args))


@dataclass(frozen=True)
class Draft:
    """A statement as expressions.

    Attributes:
        hypotheses: in the order of their names ``h``, ``h1``, ...
        conclusion: what follows from them.
    """

    hypotheses: tuple[Expr, ...]
    conclusion: Expr

    @property
    def text(self) -> str:
        """``theorem t BINDERS : CONCLUSION``, with a binder for each type of variables."""
        free = set().union(*map(variables, (*self.hypotheses, self.conclusion)))
        binders = []
        for kind, names in VARIABLES.items():
            used = [name for name in names if name in free]
            if used:
                binders.append(f"({' '.join(used)} : {kind})")
        pairs = zip(HYPOTHESES, self.hypotheses, strict=False)
        binders.extend(f"({name} : {hypothesis})" for name, hypothesis in pairs)
        return " ".join(["theorem", NAME, *binders, ":", str(self.conclusion)])


def canonical(text: str) -> str:
    """Return a form that statements share if they differ only in names or order of hypotheses.

    Hypotheses are sorted by their shapes before variables are renamed, so a few statements with
    hypotheses of one shape keep several forms; different statements never share one.
    """
    statement = parse_statement(text)
    assert statement is not None, text
    parts = [tokens(h) for h in statement.hypotheses if h not in VARIABLES]
    conclusion = tokens(statement.conclusion)
    names: dict[str, str] = {}
    for word in [*conclusion, *(word for part in sorted(parts, key=_shape) for word in part)]:
        if word in TYPE_OF and word not in names:
            names[word] = f"{TYPE_OF[word]}{len(names)}"
    renamed = [" ".join(names.get(word, word) for word in part) for part in parts]
    return " ; ".join([*sorted(renamed), " ".join(names.get(word, word) for word in conclusion)])


def _shape(words: list[str]) -> list[str]:
    return [TYPE_OF.get(word, word) for word in words]


# Propositional formulas of four letters as tables of 16 truth values, one bit each.
_FULL = 0xFFFF
_TABLES = {"p": 0xAAAA, "q": 0xCCCC, "r": 0xF0F0, "s": 0xFF00, "False": 0, "True": _FULL}


def truth_table(formula: Expr) -> int:
    """Return the truth values of a propositional formula, one bit for each valuation."""
    if not formula.args:
        return _TABLES[formula.op]
    left, right = truth_table(formula.args[0]), truth_table(formula.args[-1])
    return {
        "¬": ~left,
        "∧": left & right,
        "∨": left | right,
        "→": ~left | right,
        "↔": ~(left ^ right),
    }[formula.op] & _FULL


def follows(hypotheses: Sequence[Expr], conclusion: Expr) -> bool:
    """Return whether every valuation that makes the hypotheses true makes the conclusion true."""
    return not all_of(hypotheses) & ~truth_table(conclusion)


def all_of(formulas: Sequence[Expr]) -> int:
    """Return the table of the conjunction; 0 means that they contradict each other."""
    table = _FULL
    for formula in formulas:
        table &= truth_table(formula)
    return table


def evaluate(expr: Expr, values: dict[str, Any], *, bound: int = 8) -> Any:
    """Return what ``expr`` means where its variables have these values.

    Args:
        expr: over numbers, lists and propositions.
        values: name -> a number, a list, a truth value or a function.
        bound: bound variables go through the numbers below it.
    """
    op, args = expr.op, expr.args
    if op in ("∀", "∃"):
        some = (evaluate(args[1], {**values, args[0].op: i}, bound=bound) for i in range(bound))
        return all(some) if op == "∀" else any(some)
    if op == "fun":
        return lambda value: evaluate(args[1], {**values, args[0].op: value}, bound=bound)
    if op in TYPE_OF and not args:
        return values[op]
    if op.isdecimal():
        return int(op)
    of = [evaluate(arg, values, bound=bound) for arg in args]
    return values[op](*of) if op in ("f", "g") else _MEANING[op](*of)


_MEANING: dict[str, Callable[..., Any]] = {
    "False": lambda: False,
    "True": lambda: True,
    "¬": lambda x: not x,
    "∧": lambda x, y: x and y,
    "∨": lambda x, y: x or y,
    "→": lambda x, y: not x or y,
    "↔": lambda x, y: x == y,
    "=": lambda x, y: x == y,
    "≠": lambda x, y: x != y,
    "≤": lambda x, y: x <= y,
    "<": lambda x, y: x < y,
    "∈": lambda x, y: x in y,
    "+": lambda x, y: x + y,
    "*": lambda x, y: x * y,
    "++": lambda x, y: x + y,
    "::": lambda x, y: [x, *y],
    "[]": lambda *xs: list(xs),
    "List.length": len,
    "List.reverse": lambda xs: xs[::-1],
    "List.map": lambda f, xs: [f(x) for x in xs],
    "Nat.succ": lambda x: x + 1,
}
