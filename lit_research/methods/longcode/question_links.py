"""Questions of kinds ``defines``, ``base`` and ``caller``: how names hang together."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator

from lit_research.methods.longcode.items import Span
from lit_research.methods.longcode.question_facts import Fact
from lit_research.methods.longcode.question_scan import Definition, Scan, last_name

_NO_ANSWER = frozenset({"object", "Generic", "Protocol", "type"})  # true of too many classes


def defines_facts(scan: Scan) -> Iterator[Fact | str]:
    """Yield the files that define classes, functions and methods."""
    for one in scan.definitions:
        if one.is_local or not scan.is_asked_about(one.file) or one.name.startswith("__"):
            continue
        # A method is named with its class, and it is the class that must be one of a kind.
        outer = one.qualname.split(".")[0]
        if scan.bindings[outer] != 1 or not (place := scan.place(one)) or " in " in place:
            yield "name defined more than once"
            continue
        what = "class" if one.is_class else "method" if one.is_method else "function"
        # Without the package's name, which all options have: it would favour the shortest path.
        question = f"In which file is the {what} `{one.qualname}` defined?"
        yield Fact("defines", "file", question, one.file, (one.header,))


def base_facts(scan: Scan) -> Iterator[Fact | str]:
    """Yield the base classes of classes that have one."""
    aliases = _aliases(scan)
    for one in scan.definitions:
        if not isinstance(one.node, ast.ClassDef) or not scan.is_asked_about(one.file):
            continue
        if len(one.node.bases) != 1:
            yield "not one base"
            continue
        name = last_name(one.node.bases[0])
        if not name or name in _NO_ANSWER:
            yield "base is no class by name"
        elif aliases[name]:
            yield "base has another name"
        elif not (place := scan.place(one)):
            yield "name defined more than once"
        else:
            wrong = (scan.ancestors[one.name] | {one.name}) - {name}
            question = (
                f"In the package `{scan.package}`, from which class does the class {place} "
                "inherit directly?"
            )
            yield Fact("base", "class", question, name, (one.header,), frozenset(wrong))


def caller_facts(scan: Scan) -> Iterator[Fact | str]:
    """Yield the one function that calls a function."""
    calls, mentions, texts = _uses(scan)
    aliases = _aliases(scan)
    qualnames = Counter(one.qualname for one in scan.definitions)
    for one in scan.definitions:
        if one.is_class or one.is_local or not scan.is_asked_about(one.file):
            continue
        name = one.name
        sites = calls[name]
        callers = {caller.qualname: caller for caller, _ in sites if caller is not None}
        if name.startswith("__") or scan.bindings[name] != 1 or scan.is_hidden(name):
            yield "name defined more than once"
        elif not sites:
            yield "called nowhere"
        elif any(caller is None for caller, _ in sites) or len(callers) != 1:
            yield "called by several"
        elif mentions[name] != len(sites) or aliases[name] or texts[name]:
            yield "referred to without a call"
        elif (caller := next(iter(callers.values()))).is_local or caller.qualname == one.qualname:
            yield "called by itself or by a local function"
        elif qualnames[caller.qualname] != 1:
            yield "caller's name defined more than once"
        else:
            header = Span(caller.file, caller.node.lineno, caller.node.lineno)
            lines = sorted({(site.lineno, site.end_lineno or site.lineno) for _, site in sites})
            spans = tuple(Span(caller.file, first, last) for first, last in lines)
            type_ = "method" if caller.is_method else "function"
            question = f"In the package `{scan.package}`, which function or method calls `{name}`?"
            yield Fact("caller", type_, question, caller.qualname, (header, *spans))


def _aliases(scan: Scan) -> Counter[str]:
    """Return how often each name is imported under another one, or assigned to one."""
    found: Counter[str] = Counter()
    for module in scan.modules.values():
        for node in ast.walk(module):
            if isinstance(node, ast.alias) and node.asname not in (None, node.name):
                found[node.name.split(".")[-1]] += 1
                found[str(node.asname)] += 1
            elif isinstance(node, ast.Assign) and (name := last_name(node.value)):
                found[name] += 1
                found.update(last_name(target) for target in node.targets)
    del found[""]
    return found


def _uses(
    scan: Scan,
) -> tuple[dict[str, list[tuple[Definition | None, ast.Call]]], Counter[str], Counter[str]]:
    """Return calls with the innermost definition that holds each; loads; and names in strings."""
    calls: dict[str, list[tuple[Definition | None, ast.Call]]] = defaultdict(list)
    mentions: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    inside: dict[int, Definition] = {}
    for one in scan.definitions:
        if not one.is_class:
            # Of nested functions the inner one comes later, and stays.
            inside |= {id(node): one for part in one.node.body for node in ast.walk(part)}
    for module in scan.modules.values():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and (name := _called(node)):
                calls[name].append((inside.get(id(node)), node))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                mentions[node.id] += 1
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                mentions[node.attr] += 1
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts[node.value] += node.value.isidentifier()  # as getattr would have it
    for module in scan.modules.values():
        for name in _exported(module):
            texts[name] -= 1
    return calls, mentions, texts


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _exported(module: ast.Module) -> Iterator[str]:
    """Yield the names in ``__all__``, which is no use of them."""
    for statement in module.body:
        if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if statement.value is not None and any(last_name(t) == "__all__" for t in targets):
                for node in ast.walk(statement.value):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield node.value
