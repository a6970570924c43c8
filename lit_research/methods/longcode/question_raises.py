"""Questions of kind ``raises``: the exception of a branch."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator

from lit_research.methods.longcode.items import Span
from lit_research.methods.longcode.question_facts import Fact
from lit_research.methods.longcode.question_scan import Definition, Scan, last_name, own_nodes
from lit_research.methods.longcode.question_text import LONGEST_QUOTED, one_line


def raises_facts(scan: Scan) -> Iterator[Fact | str]:
    """Yield the exceptions that functions raise in a branch with a condition."""
    classes = {one.name for one in scan.definitions if one.is_class}
    for one in scan.definitions:
        if not one.is_class and scan.is_asked_about(one.file):
            yield from _raises(scan, one, classes)


def _raises(scan: Scan, one: Definition, classes: set[str]) -> Iterator[Fact | str]:
    branches = [node for node in own_nodes(one.node) if isinstance(node, ast.If)]
    conditions = {node: one_line(scan.segment(one.file, node.test)) for node in branches}
    seen = Counter(conditions.values())
    for node, condition in conditions.items():
        if not isinstance(node.body[-1], ast.Raise):
            continue
        error = node.body[-1].exc
        name = last_name(error.func if isinstance(error, ast.Call) else error or node)
        if not all(isinstance(line, (ast.Assign, ast.Expr)) for line in node.body[:-1]):
            yield "more in the branch than raise"
        elif not name or not is_exception(name, classes):
            yield "not a class of exceptions"
        elif not condition or len(condition) > LONGEST_QUOTED or "`" in condition:
            yield "condition too long"
        elif seen[condition] != 1:
            yield "condition found twice"
        elif not (place := scan.place(one)):
            yield "name defined more than once"
        else:
            wrong = _relatives(name, scan)
            spans = (
                Span(one.file, one.node.lineno, one.node.lineno),
                Span(one.file, node.test.lineno, node.body[-1].end_lineno or node.lineno),
            )
            question = (
                f"In the package `{scan.package}`, which exception does {place} raise in the "
                f"branch with the condition `{condition}`?"
            )
            yield Fact("raises", "exception", question, name, spans, wrong)


def is_exception(name: str, classes: set[str]) -> bool:
    """Return whether a name is of an exception: a builtin, or a class by such a name."""
    known = getattr(builtins, name, None)
    if isinstance(known, type):
        return issubclass(known, BaseException)
    return name in classes or bool(re.match(r"[A-Z]\w*(Error|Exception|Warning|Exit)$", name))


def _relatives(name: str, scan: Scan) -> frozenset[str]:
    """Return the ancestors of an exception, which are raised with it, and its other names."""
    found = set(scan.ancestors.get(name, ()))
    for one in [name, *sorted(found)]:
        known = getattr(builtins, one, None)
        if isinstance(known, type):
            found |= {cls.__name__ for cls in known.__mro__}
            found |= {n for n, other in vars(builtins).items() if other is known}
    return frozenset(found - {name})
