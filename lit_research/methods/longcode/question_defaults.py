"""Questions of kind ``default``: of parameters, and the values of constants."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from lit_research.methods.longcode.items import Span
from lit_research.methods.longcode.question_facts import Fact
from lit_research.methods.longcode.question_scan import Definition, FunctionNode, Scan, own_nodes
from lit_research.methods.longcode.question_text import LONGEST_QUOTED, one_line

_LITERALS = (int, float, str, bytes, tuple, list, dict, set, complex)


def default_facts(scan: Scan) -> Iterator[Fact | str]:
    """Yield the defaults of parameters, and the constants of modules and classes."""
    for one in scan.definitions:
        if isinstance(one.node, ast.ClassDef) or not scan.is_asked_about(one.file):
            continue
        for argument, value in _defaults(one.node):
            yield _default(scan, one, argument, value)
        yield from _parameters(scan, one)
    for path, module in scan.modules.items():
        if scan.is_asked_about(path):
            yield from _constants(scan, path, module)


def _defaults(node: FunctionNode) -> Iterator[tuple[ast.arg, ast.expr]]:
    positional = [*node.args.posonlyargs, *node.args.args]
    count = len(node.args.defaults)
    yield from zip(positional[len(positional) - count :], node.args.defaults, strict=True)
    for argument, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if value is not None:
            yield argument, value


def _default(scan: Scan, one: Definition, argument: ast.arg, value: ast.expr) -> Fact | str:
    answer, type_ = _literal(value)
    if not type_:
        return answer
    if not (place := scan.place(one)):
        return "name defined more than once"
    evidence = Span(one.file, one.node.lineno, value.end_lineno or value.lineno)
    question = (
        f"In the package `{scan.package}`, what is the default value of the parameter "
        f"`{argument.arg}` of {place}?"
    )
    return Fact("default", type_, question, answer, (evidence,))


def _parameters(scan: Scan, one: Definition) -> Iterator[Fact | str]:
    """Yield which parameter has a default, where one alone has it and there are four to name."""
    assert not isinstance(one.node, ast.ClassDef)
    pairs = list(_defaults(one.node))
    seen = Counter(ast.dump(value) for _, value in pairs)
    if len(pairs) < 4 or not (place := scan.place(one)):
        return
    for argument, value in pairs:
        text = one_line(scan.segment(one.file, value))
        if seen[ast.dump(value)] != 1 or not text or len(text) > LONGEST_QUOTED or "`" in text:
            yield "default found twice, or too long"
            continue
        evidence = Span(one.file, one.node.lineno, value.end_lineno or value.lineno)
        question = (
            f"In the package `{scan.package}`, which parameter of {place} has the default value "
            f"`{text}`?"
        )
        type_ = f"parameter of {one.file}:{one.qualname}"
        yield Fact("default", type_, question, argument.arg, (evidence,))


def _literal(node: ast.expr) -> tuple[str, str]:
    """Return a value as Python writes it and its type; or a reason and nothing."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return "not a literal", ""
    if value is None or isinstance(value, bool) or not isinstance(value, _LITERALS):
        return "type with fewer than four values", ""
    return repr(value), type(value).__name__


def _constants(scan: Scan, path: str, module: ast.Module) -> Iterator[Fact | str]:
    stored = _stored(ast.walk(module))
    for name, statement in _assigned(module.body):
        place = scan.named(name, path, scan.bindings[name], stored[name])
        yield _constant(scan, path, statement, f"what value is assigned to {place}?", bool(place))
    for one in scan.definitions:
        if one.file == path and isinstance(one.node, ast.ClassDef):
            inside, place = _stored(own_nodes(one.node)), scan.place(one)
            for name, statement in _assigned(one.node.body):
                asked = f"what value does the body of the class {place} assign to `{name}`?"
                yield _constant(scan, path, statement, asked, bool(place) and inside[name] == 1)


def _stored(nodes: Iterable[ast.AST]) -> Counter[str]:
    """Return how often each name is bound by other means than ``def`` and ``class``."""
    stored: Counter[str] = Counter()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            stored[node.id] += 1
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            stored[node.attr] += 1
        elif isinstance(node, ast.Global):
            stored.update(node.names)
        elif isinstance(node, ast.alias):
            stored[(node.asname or node.name).split(".")[0]] += 1
    return stored


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
    """Yield the single names that a body assigns to, with the statement."""
    for one in body:
        if isinstance(one, (ast.Assign, ast.AnnAssign)) and one.value is not None:
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            if len(targets) == 1 and isinstance(targets[0], ast.Name):
                yield targets[0].id, one


def _constant(
    scan: Scan, path: str, statement: ast.Assign | ast.AnnAssign, asked: str, is_single: bool
) -> Fact | str:
    assert statement.value is not None
    answer, type_ = _literal(statement.value)
    if not type_:
        return answer
    if not is_single:
        return "assigned more than once"
    evidence = Span(path, statement.lineno, statement.end_lineno or statement.lineno)
    question = f"In the package `{scan.package}`, {asked}"
    return Fact("default", type_, question, answer, (evidence,))
