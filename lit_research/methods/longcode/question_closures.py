"""Functions that can be run without the rest of their package, and the lines that this takes."""

from __future__ import annotations

import ast
import builtins
from collections import Counter, defaultdict
from collections.abc import Iterator

from lit_research.methods.longcode.items import Span
from lit_research.methods.longcode.question_scan import Definition, FunctionNode, Scan

_PURE = (
    "re math cmath string itertools functools collections operator unicodedata textwrap html "
    "urllib.parse typing typing_extensions abc enum dataclasses numbers decimal fractions bisect "
    "heapq copy types keyword base64 binascii hashlib struct posixpath ntpath fnmatch difflib "
    "calendar colorsys statistics json ast token shlex collections.abc __future__ codecs "
    "ipaddress zlib"
)
PURE_MODULES = frozenset(_PURE.split())
"""Modules of the standard library that a function may use: what they do depends on nothing else."""
_SIDE_EFFECTS = (
    "open print input exec eval compile __import__ globals locals vars id hash dir breakpoint "
    "exit quit memoryview object super help"
)
_IMPURE = frozenset(_SIDE_EFFECTS.split())
_LONGEST = 60  # lines of the function itself
_CACHES = frozenset({"lru_cache", "cache"})


class Closures:
    """Finds what a function of a module needs: helpers, constants, imports of ``PURE_MODULES``.

    Args:
        scan: the package.
    """

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._bindings: dict[str, dict[str, list[ast.stmt]]] = {}

    def of(self, one: Definition) -> tuple[Span, ...] | str:
        """Return the lines that a function at the top of a module takes, or why it has none."""
        node = one.node
        assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if reason := _refused(node):
            return reason
        found: dict[int, ast.stmt] = {}
        waiting: list[ast.stmt] = [node]
        bindings = self._module(one.file)
        while waiting:
            statement = waiting.pop()
            if id(statement) in found:
                continue
            found[id(statement)] = statement
            for name in sorted(_free(statement)):
                needed = bindings.get(name, [])
                if len(needed) == 1 and _is_pure(needed[0]):
                    waiting.append(needed[0])
                elif needed or name in _IMPURE or not hasattr(builtins, name):
                    return "needs more than its module"
        spans = [Span(one.file, _first(s), s.end_lineno or s.lineno) for s in found.values()]
        return tuple(sorted(set(spans), key=lambda span: span.first))

    def _module(self, path: str) -> dict[str, list[ast.stmt]]:
        if path not in self._bindings:
            found: dict[str, list[ast.stmt]] = defaultdict(list)
            module = self._scan.modules[path]
            top = {id(node): node for node in module.body}
            for statement in module.body:
                for node in ast.walk(statement):
                    for name in _bound(node, statement):
                        found[name].append(top[id(statement)])
            self._bindings[path] = found
        return self._bindings[path]


def _bound(node: ast.AST, statement: ast.stmt) -> Iterator[str]:
    """Yield the names of the module that a node binds; inside a function only by ``global``."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        if node is statement or not _is_definition(statement):
            yield node.name
    elif isinstance(node, ast.Global):
        yield from node.names
        yield from node.names  # what is assigned elsewhere is no constant
    elif _is_definition(statement):
        return
    elif isinstance(node, ast.Name):
        # A statement such as NAMES.update(...) changes what it names: counted like an assignment.
        if isinstance(statement, ast.Expr) or not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        if isinstance(node.value, ast.Name):
            yield node.value.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def _is_pure(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import):
        return all(alias.name in PURE_MODULES for alias in statement.names)
    if isinstance(statement, ast.ImportFrom):
        return statement.level == 0 and statement.module in PURE_MODULES
    return isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign))


def _refused(node: FunctionNode) -> str:
    if isinstance(node, ast.AsyncFunctionDef) or any(
        isinstance(inner, (ast.Yield, ast.YieldFrom, ast.Await, ast.Global, ast.Nonlocal))
        for inner in ast.walk(node)
    ):
        return "asynchronous, a generator, or with global names"
    if (node.end_lineno or node.lineno) - node.lineno > _LONGEST:
        return "function too long"
    for decorator in node.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        if name not in _CACHES:
            return "decorated"
    return ""


def _first(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _free(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads and does not bind; annotations are not evaluated."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return set()
    loaded: Counter[str] = Counter()
    bound: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                loaded[node.id] += 1
            else:
                bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            return {"import inside"}  # no such name: refused
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)):
            bound.add(node.name or "")
        for field, value in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                parts = value if isinstance(value, list) else [value]
                waiting += [part for part in parts if isinstance(part, ast.AST)]
    return set(loaded) - bound
