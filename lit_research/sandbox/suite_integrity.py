"""Notice changes to pytest in a process that runs the code under test.

Imports only the standard library, because ``suite_child`` loads it.
"""

from __future__ import annotations

import inspect
import os
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WATCHED = ("_pytest", "pluggy", "pytest")
_HOOKS = ("pytest_runtest_", "pytest_pyfunc_call", "pytest_collection", "pytest_sessionfinish")
_Function = (types.FunctionType, staticmethod, classmethod, property)
_Named = (types.ModuleType, types.FunctionType, type)


class Watch:
    """What pytest's functions, hooks and tests were.

    Args:
        tree: the folder of the candidate and its tests.
        tests: paths in it of the files that the tests own.
    """

    def __init__(self, tree: str, tests: frozenset[str]) -> None:
        self._conftests = {
            os.path.join(tree, path) for path in tests if os.path.basename(path) == "conftest.py"
        }
        self._functions: list[tuple[Any, str, Any, Any]] = []
        self._codes: set[int] = set()
        self._late: list[Any] = []
        self._tests: dict[str, tuple[Any, Any]] = {}
        self._modules: dict[str, Any] = {}
        self._globals: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._manager: Any = None
        self._call: Any = None

    def remember(self, manager: Any) -> None:
        """Take pytest as it is now, before any file of the candidate was imported."""
        self._manager, self._call = manager, manager._inner_hookexec
        self._modules = {
            name: module
            for name, module in sys.modules.items()
            if name.partition(".")[0] in _WATCHED
        }
        for owner, name, value in _functions():
            code = _own_code(value)
            self._functions.append((owner, name, value, code))
            self._codes.add(id(code))
            if getattr(_plain(value), "__module__", "") == "_pytest.legacypath":
                self._late.append(code)  # it exchanges some functions itself, later
        for plugin in manager.get_plugins():
            for hook in manager.get_hookcallers(plugin) or ():
                self._codes |= {id(_code(i.function)) for i in hook.get_hookimpls()}

    def remember_tests(self, items: list[Any]) -> None:
        """Take the tests as they were collected."""
        self._tests = {item.nodeid: _test(item) for item in items}
        for module in {item.module.__name__: item.module for item in items if item.module}.values():
            named = {name: v for name, v in vars(module).items() if isinstance(v, _Named)}
            self._globals[module.__name__] = (vars(module), named)

    def changed_module(self) -> str:
        """Return which module of pytest, or name in a file of tests, was exchanged."""
        for name, module in self._modules.items():
            if sys.modules.get(name) is not module:
                return f"the module {name} was exchanged"
        for name, (held, named) in self._globals.items():
            for key, value in named.items():
                if held.get(key) is not value:
                    return f"{key} was exchanged in {name}"
        return ""

    def changed_test(self, item: Any) -> str:
        """Return what is wrong with a test that has run; empty if nothing is."""
        (held, own), now = self._tests.get(item.nodeid, (None, None)), _test(item)
        if held is not now[0] or now[1] not in (own, None):
            return f"the test {item.nodeid} was exchanged after it was collected"
        return ""

    def changed_hook(self) -> str:
        """Return which hook has an implementation that is neither pytest's nor a conftest's."""
        if self._manager._inner_hookexec is not self._call:
            return "the function that calls pytest's hooks was exchanged"
        for name, hook in vars(self._manager.hook).items():
            if not name.startswith(_HOOKS):
                continue
            if not hasattr(hook, "get_hookimpls"):
                return f"the hook {name} was exchanged"
            for implementation in hook.get_hookimpls():
                code = _code(implementation.function)
                file = getattr(implementation.plugin, "__file__", None)
                if id(code) not in self._codes and not (
                    file in self._conftests and getattr(code, "co_filename", None) == file
                ):
                    return f"the hook {name} has a foreign implementation"
        return ""

    def changed_code(self) -> str:
        """Return which function of pytest is not what it was."""
        for owner, name, value, code in self._functions:
            now = vars(owner).get(name)
            if now is not value and getattr(_plain(now), "__code__", None) not in self._late:
                return f"{getattr(owner, '__name__', owner)}.{name} was exchanged"
            if _own_code(value) is not code:
                return f"the code of {getattr(owner, '__name__', owner)}.{name} was exchanged"
        return ""


def _functions() -> Iterator[tuple[Any, str, Any]]:
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] not in _WATCHED:
            continue
        for name, value in list(vars(module).items()):
            if callable(value):
                yield module, name, value
            if isinstance(value, type) and value.__module__ == module_name:
                for inner, function in list(vars(value).items()):
                    if isinstance(function, _Function):
                        yield value, inner, function


def _plain(value: Any) -> Any:
    if isinstance(value, property):
        return value.fget
    return getattr(value, "__func__", value)


def _own_code(value: Any) -> Any:
    plain = _plain(value)
    return inspect.unwrap(plain).__code__ if isinstance(plain, types.FunctionType) else None


def _code(function: Any) -> Any:
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _test(item: Any) -> tuple[Any, Any]:
    """Return the code of a test, as its class or module holds it, and as the item does."""
    owner = getattr(item, "cls", None) or getattr(item, "module", None)
    held = inspect.getattr_static(owner, getattr(item, "originalname", item.name), None)
    # unittest's items let go of theirs at the end.
    return _code(held), _code(getattr(item, "_obj", None))
