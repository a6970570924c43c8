"""Objects by class path: what users write in files of their own, where a config takes plain data.

``my_file.MyLaw``, or ``{class_path: my_file.MyLaw, init_args: {...}}``, means here what it means
for every other class in a config: jsonargparse checks ``init_args`` against the type hints and
builds the object.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from lit_research.errors import UserError, nearest

T = TypeVar("T")
KEYS = ("class_path", "init_args")


def make_object(
    base: type[T], given: str | Mapping[str, Any], names: Mapping[str, type[T]] | None = None
) -> T:
    """Return the object that a config describes.

    Args:
        base: its class is a subclass of this one.
        given: a class path, or ``class_path`` and ``init_args``. The path is ``module.Class`` of a
            module that Python can import; or, in any case, a short name or a class's own.
        names: short names of classes.

    Raises:
        UserError: the path leads to no such class, or ``init_args`` are not its arguments.
    """
    if isinstance(given, str):
        given = {"class_path": given}
    path, arguments = given.get("class_path"), given.get("init_args") or {}
    unknown = [str(key) for key in given if key not in KEYS]
    if unknown or not isinstance(path, str) or not isinstance(arguments, Mapping):
        raise UserError(
            f"{_name(base)} is {dict(given)!r}; must be a class path, or a mapping "
            "{class_path: my_file.MyClass, init_args: {ARGUMENT: VALUE}}"
        )
    return _build(_find(base, path, names or {}), path, dict(arguments))


def is_class_path(given: object) -> bool:
    """Return whether ``given`` is a mapping that names a class."""
    return isinstance(given, Mapping) and "class_path" in given


def _name(base: type) -> str:
    """Return the name of a base class as a message says it: ``DocumentSource``, document source."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", base.__name__).lower()


def _find(base: type[T], path: str, names: Mapping[str, type[T]]) -> type[T]:
    """Return the class at ``path``."""
    for name, known in names.items():
        if path.lower() in (name, known.__name__.lower()):
            return known
    module_name, _, class_name = path.rpartition(".")
    own = f"{base.__module__.rpartition('.')[0]}.{base.__name__}"
    if not module_name:
        ours = f"{', '.join(names)}, or " if names else ""
        raise UserError(
            f"no {_name(base)} is called {path!r}; must be {ours}module.Class, a subclass of {own}"
        )
    module = _import(module_name, path, base)
    if not hasattr(module, class_name):
        members = vars(module).items()
        hint = nearest(class_name, [name for name, value in members if _is_usable(value, base)])
        raise UserError(f"{module_name} has no {_name(base)} {class_name!r}; {hint}")
    kind = getattr(module, class_name)
    if not inspect.isclass(kind) or not issubclass(kind, base):
        raise UserError(f"{path} is no {_name(base)}; must be a subclass of {own}")
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(getattr(kind, "__abstractmethods__", ())))
        raise UserError(f"the {_name(base)} {path} cannot be built; must define {missing}")
    return kind


def _is_usable(value: object, base: type) -> bool:
    return inspect.isclass(value) and issubclass(value, base) and not inspect.isabstract(value)


def _import(module_name: str, path: str, base: type) -> Any:
    """Import the module of a class path; what goes wrong in it is told in one line."""
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise UserError(
                f"the {_name(base)} {path!r} is not found: there is no module {missing!r}; must "
                "be module.Class of a file in the working directory or on PYTHONPATH"
            ) from error
        text = " ".join(str(error).split())
        raise UserError(
            f"the {_name(base)} {path!r} cannot be imported: {type(error).__name__}: {text}; fix "
            f"the module {module_name}"
        ) from error


def _build(kind: type[T], path: str, arguments: dict[str, Any]) -> T:
    """Build the object as jsonargparse does from a config."""
    from argparse import ArgumentError

    from jsonargparse import ArgumentParser

    parameters = inspect.signature(kind).parameters
    known, open_ended = list(parameters), any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in arguments:
        if name not in known and not open_ended:
            hint = nearest(name, known)
            raise UserError(f"{path} has no argument {name!r}, in init_args; {hint}")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind, "init_args")
    try:
        config = parser.parse_object({"init_args": arguments})
    except ArgumentError as error:
        text = " ".join(re.sub(r"<class '([^']+)'>", r"\1", str(error)).split())
        text = re.sub(r'Parser key "([^"]+)":', r"\1:", text)
        raise UserError(f"{path} cannot be built: {text}; known: {', '.join(known)}") from error
    made: T = parser.instantiate(config).init_args
    return made
