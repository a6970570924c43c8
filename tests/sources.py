"""The package's modules, read from source: their imports, and public names without a docstring.

Nothing is imported to find out. Imports inside functions and those for types alone count like all
others, and so does ``importlib.import_module`` of a name that is written there.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "lit_research"
Edge = tuple[str, str]  # importer, imported


@cache
def modules() -> dict[str, Path]:
    """Return the file of each module by its dotted name."""
    files = [p for p in (ROOT / PACKAGE).rglob("*.py") if "callbacks" not in p.parts]
    named = {path.relative_to(ROOT): path for path in files}
    # lit_research/callbacks is a link to callbacks.
    named |= {PACKAGE / p.relative_to(ROOT): p for p in (ROOT / "callbacks").rglob("*.py")}
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): file
        for path, file in sorted(named.items())
    }


@cache
def tree(module: str) -> ast.Module:
    """Return the parsed source of a module."""
    return ast.parse(modules()[module].read_text())


def _known(name: str) -> str:
    """Return the module that a dotted name is, or is in."""
    while name not in modules():
        name = name.rpartition(".")[0]
    return name


def _named_in_call(call: ast.Call) -> str | None:
    """Return the beginning of the name that is given to ``import_module``, if it is written out."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if "import_module" not in (function, getattr(call.func, "id", "")) or not call.args:
        return None
    name = call.args[0]
    name = name.values[0] if isinstance(name, ast.JoinedStr) else name
    return str(name.value) if isinstance(name, ast.Constant) else None


def _package(module: str, level: int) -> list[str]:
    """Return the parts of the package that an import with ``level`` dots begins at."""
    if level == 0:
        return []
    parts = module.split(".")
    above = level - (modules()[module].name == "__init__.py")
    return parts[: len(parts) - above]


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*_package(module, node.level), *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and (name := _named_in_call(node)):
            yield name.rstrip(".")


@cache
def edges() -> frozenset[Edge]:
    """Return which module of the package imports which."""
    return frozenset(
        (module, _known(name))
        for module in modules()
        for name in _imported(module)
        if name.split(".")[0] == PACKAGE and _known(name) != module
    )


def circle(graph: frozenset[Edge] | set[Edge]) -> list[str]:
    """Return the modules of one circle in a graph, the first one again at the end; or nothing."""
    following: dict[str, list[str]] = {}
    for importer, imported in sorted(graph):
        following.setdefault(importer, []).append(imported)
    done: set[str] = set()
    for start in following:
        path, open_ = [start], [iter(following[start])]
        while path:
            after = next(open_[-1], None)
            if after is None:
                done.add(path.pop())
                open_.pop()
            elif after in path:
                return [*path[path.index(after) :], after]
            elif after not in done:
                path.append(after)
                open_.append(iter(following.get(after, ())))
    return []


def undocumented(module: str) -> Iterator[str]:
    """Yield the public names of a module that have no docstring.

    Left out are what lies in a function or in something private, and what has its docstring
    elsewhere: an ``override``, an ``overload`` and a property's setter.
    """
    if not ast.get_docstring(tree(module)):
        yield module
    yield from _undocumented(module, tree(module))


def _undocumented(name: str, parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        decorators = {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}
        if node.name.startswith("_") or decorators & {"override", "overload", "setter"}:
            continue
        if not ast.get_docstring(node):
            yield f"{name}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(f"{name}.{node.name}", node)
