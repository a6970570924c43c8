"""Small faults in Python source, in SWE-smith's manner: each changes one expression or statement.

A fault is a piece of the source text that is replaced, so that all else stays as it was written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

Operator: TypeAlias = Literal[
    "comparison",
    "off by one",
    "boolean",
    "and or",
    "negation",
    "arithmetic",
    "swapped arguments",
    "dropped call",
    "wrong default",
    "loop",
]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
"""All kinds of faults."""

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.And: "and",
    ast.Or: "or",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.FloorDiv: "*",
}


@dataclass(frozen=True, order=True)
class Mutation:
    """One change of a source text.

    Attributes:
        start: index of the first character that is replaced.
        end: index after the last one.
        new: what is put there.
        operator: the kind of fault.
        line: of its first character, from 1.
    """

    start: int
    end: int
    new: str
    operator: Operator
    line: int

    def apply(self, text: str) -> str:
        """Return the text with the change."""
        return text[: self.start] + self.new + text[self.end :]


def mutations(text: str) -> list[Mutation]:
    """Return all single faults of a Python source, in the order of the text; see ``parses``.

    Docstrings, annotations and what is under ``if TYPE_CHECKING`` or ``if __name__`` are left
    alone. A text that is not Python has none.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    places = _Places(text)
    found: dict[tuple[int, int, str], Mutation] = {}
    for node in _walk(tree):
        for first, last, new, operator in _changes(node, places):
            start, end = places.at(*first), places.at(*last)
            if text[start:end] != new:
                found[start, end, new] = Mutation(start, end, new, operator, first[0])
    return sorted(found.values())


def parses(text: str) -> bool:
    """Tell whether a text is Python: a change of a piece of it may break what is around it."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


_Place: TypeAlias = tuple[int, int]
_Change: TypeAlias = tuple[_Place, _Place, str, Operator]


class _Places:
    """Indices of a text by line and column, which counts bytes."""

    def __init__(self, text: str) -> None:
        self.text = text
        # As Python's parser: form feeds and the like end no line.
        self._lines = text.replace("\r\n", "\n\0").split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def at(self, line: int, column: int) -> int:
        """Return the index of a place."""
        content = self._lines[line - 1].removeprefix("\0").encode()
        return (
            self._starts[line - 1]
            + len(content[:column].decode())
            + (self._lines[line - 1].startswith("\0"))
        )

    def source(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node."""
        return self.text[self.at(*_start(node)) : self.at(*_end(node))]


def _start(node: ast.expr | ast.stmt) -> _Place:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> _Place:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _walk(tree: ast.Module) -> Iterator[ast.AST]:
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and _is_guard(node.test):
            continue
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases", "keywords") and not (
                isinstance(node, ast.Call)
            ):
                continue
            todo += [
                child
                for child in (value if isinstance(value, list) else [value])
                if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr)
            ]


def _is_guard(test: ast.expr) -> bool:
    names = {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(test) if isinstance(n, ast.Attribute)}
    return bool(names & {"TYPE_CHECKING", "__name__"})


def _changes(node: ast.AST, places: _Places) -> Iterator[_Change]:
    match node:
        case ast.Compare(ops=[op]):
            yield from _between(
                node.left, node.comparators[0], type(op), _COMPARISONS, "comparison", places
            )
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            yield from _between(
                node.left, node.right, type(node.op), _ARITHMETIC, "arithmetic", places
            )
        case ast.BoolOp():
            swap: dict[type, str] = {ast.And: "or", ast.Or: "and"}
            if len(node.values) == 2:
                left, right = node.values
                yield from _between(left, right, type(node.op), swap, "and or", places)
        case ast.UnaryOp(op=ast.Not()):
            yield _start(node), _end(node), f"({places.source(node.operand)})", "negation"
        case ast.If() | ast.While() | ast.IfExp():
            if not isinstance(node.test, (ast.Compare, ast.Constant)):
                test = node.test
                yield _start(test), _end(test), f"(not ({places.source(test)}))", "negation"
        case ast.Constant(value=bool() as value):
            yield _start(node), _end(node), str(not value), "boolean"
        case ast.Constant(value=int() as value) if value < 10**6:
            for other in (value + 1, value - 1):
                if places.source(node) == str(value) and other >= 0:
                    yield _start(node), _end(node), str(other), "off by one"
        case ast.Call(args=[first, second, *_]) if not any(
            isinstance(argument, ast.Starred) for argument in node.args
        ):
            new = f"{places.source(second)}, {places.source(first)}"
            yield _start(first), _end(second), new, "swapped arguments"
        case ast.Expr(value=ast.Call()):
            yield _start(node), _end(node), "pass", "dropped call"
        case ast.Break():
            yield _start(node), _end(node), "continue", "loop"
        case ast.Continue():
            yield _start(node), _end(node), "break", "loop"
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from _defaults(node, places)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and not (node.args or node.keywords)
    ):
        yield _start(node), _end(node), places.source(node.func.value), "dropped call"


def _between(
    left: ast.expr,
    right: ast.expr,
    kind: type,
    table: Mapping[Any, str],
    operator: Operator,
    places: _Places,
) -> Iterator[_Change]:
    """Yield the change of what stands between two expressions, where it is nothing else."""
    old = _SYMBOLS[kind]
    first, last = _end(left), _start(right)
    between = places.text[places.at(*first) : places.at(*last)]
    if between.count(old) == 1 and "#" not in between:
        yield first, last, between.replace(old, table[kind]), operator


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef, places: _Places) -> Iterator[_Change]:
    for default in [*node.args.defaults, *node.args.kw_defaults]:
        if not isinstance(default, ast.Constant):
            continue
        new = (
            {True: "False", False: "True", None: "0"}.get(default.value)
            if (default.value is None or isinstance(default.value, bool))
            else None
        )
        if isinstance(default.value, str):
            new = "''" if default.value else "' '"
        if new is not None:
            yield _start(default), _end(default), new, "wrong default"
