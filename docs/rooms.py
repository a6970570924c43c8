"""The public names: which modules have them, and where constants among them are documented.

A name is public if it is in the ``__all__`` of a package, or of a module directly under
``lit_research``. Read by ``conf.py`` and by ``tests/test_public_names.py``; needs no Sphinx.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil

import lit_research


def packages() -> list[str]:
    """Return the names of all packages under ``lit_research``, sorted."""
    found = pkgutil.walk_packages(lit_research.__path__, "lit_research.")
    return sorted(module.name for module in found if module.ispkg)


def rooms() -> list[str]:
    """Return the names of the modules that declare public names in ``__all__``, sorted."""
    found = pkgutil.iter_modules(lit_research.__path__, "lit_research.")
    names = {module.name for module in found if not module.name.endswith("__main__")}
    names.update(packages())
    return sorted(name for name in names if hasattr(importlib.import_module(name), "__all__"))


def is_constant(value: object) -> bool:
    """Return whether a public value is neither a class nor a function."""
    return not (inspect.isclass(value) or inspect.isroutine(value))


def documentation(module: str, name: str) -> str:
    """Return the docstring of a public name; empty if it has none.

    The docstring of a constant is the string below its assignment, in the module that assigns it.
    """
    value = getattr(importlib.import_module(module), name)
    if is_constant(value):
        return _below_assignment(module, name)
    text = value.__doc__ or ""
    return "" if text.startswith(f"{name}(") else inspect.cleandoc(text)  # a dataclass's own


def _below_assignment(module: str, name: str) -> str:
    """Follow the imports of ``name`` to its assignment, and return the string below that."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for node in ast.walk(tree):  # those for type checkers alone, where a package loads lazily, too
        for alias in node.names if isinstance(node, ast.ImportFrom) and node.module else ():
            if name == (alias.asname or alias.name):
                return _below_assignment(node.module, alias.name)
    for number, node in enumerate(body := tree.body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            below = body[number + 1] if number + 1 < len(body) else None
            value = below.value if isinstance(below, ast.Expr) else None
            is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
            return inspect.cleandoc(value.value) if is_text else ""
    return ""
