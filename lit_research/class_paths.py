"""Objects by class path: classes in users' own files, where a config must hold plain data.

``my_file.MyLaw``, or ``{class_path: my_file.MyLaw, init_args: {...}}``, means here what it means
for every other class in a config: jsonargparse checks ``init_args`` against the type hints and
builds the object.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, TypeVar

from lit_research.errors import UserError, nearest

T = TypeVar("T")
KEYS = ("class_path", "init_args")


def make_object(
    base: type[T], config: str | Mapping[str, Any], names: Mapping[str, type[T]] | None = None
) -> T:
    """Return the object that a config describes.

    Args:
        base: its class is a subclass of this one.
        config: a class path, or a mapping with ``class_path`` and ``init_args``. The path is
            ``module.Class`` of a module that Python can import, or a short name, or the name of a
            class in ``names``, in any case.
        names: short names of classes.

    Raises:
        UserError: there is no such class, or ``init_args`` are not its arguments.
    """
    if isinstance(config, str):
        config = {"class_path": config}
    path, arguments = config.get("class_path"), config.get("init_args") or {}
    if not isinstance(path, str) or not isinstance(arguments, Mapping):
        raise UserError(
            f"{_readable_name(base)} is {dict(config)!r}; must be a class path, or a mapping "
            "{class_path: my_file.MyClass, init_args: {ARGUMENT: VALUE}}"
        )
    # An option ``--KEY.init_args.NAME`` on top of a config is left beside ``init_args`` by
    # jsonargparse where KEY holds plain data.
    beside = {str(key): value for key, value in config.items() if key not in KEYS}
    # A copy at every depth: jsonargparse puts its own objects into what it parses.
    given = deepcopy(merged(arguments, beside))
    return _build(_find(base, path, names or {}), path, given)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with another one on top, key by key at every depth."""
    found = dict(below)
    for key, value in above.items():
        known = found.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            value = merged(known, value)
        found[key] = value
    return found


def _readable_name(base: type) -> str:
    """Return the name of a base class for messages: ``document source`` for DocumentSource."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", base.__name__).lower()


def _find(base: type[T], path: str, names: Mapping[str, type[T]]) -> type[T]:
    """Return the class at ``path``."""
    for name, named_class in names.items():
        if path.lower() in (name, named_class.__name__.lower()):
            return named_class
    module_name, _, class_name = path.rpartition(".")
    base_path = f"{base.__module__.rpartition('.')[0]}.{base.__name__}"
    if not module_name:
        short_names = f"{', '.join(names)}, or " if names else ""
        raise UserError(
            f"no {_readable_name(base)} is called {path!r}; must be {short_names}module.Class, a "
            f"subclass of {base_path}"
        )
    module = _import(module_name, path, base)
    if not hasattr(module, class_name):
        members = vars(module).items()
        hint = nearest(class_name, [name for name, value in members if _is_usable(value, base)])
        raise UserError(f"{module_name} has no {_readable_name(base)} {class_name!r}; {hint}")
    target = getattr(module, class_name)
    if not inspect.isclass(target) or not issubclass(target, base):
        raise UserError(f"{path} is no {_readable_name(base)}; must be a subclass of {base_path}")
    if inspect.isabstract(target):
        missing = ", ".join(sorted(getattr(target, "__abstractmethods__", ())))
        raise UserError(f"the {_readable_name(base)} {path} cannot be built; must define {missing}")
    return target


def _is_usable(value: object, base: type) -> bool:
    return inspect.isclass(value) and issubclass(value, base) and not inspect.isabstract(value)


def _import(module_name: str, path: str, base: type) -> Any:
    """Import the module of a class path; an error in it is reported in one line."""
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise UserError(
                f"the {_readable_name(base)} {path!r} is not found: there is no module "
                f"{missing!r}; must be module.Class of a file in the working directory or on "
                "PYTHONPATH"
            ) from error
        text = " ".join(str(error).split())
        raise UserError(
            f"the {_readable_name(base)} {path!r} cannot be imported: {type(error).__name__}: "
            f"{text}; fix the module {module_name}"
        ) from error


def _build(target: type[T], path: str, arguments: dict[str, Any]) -> T:
    """Build the object as jsonargparse does from a config."""
    from argparse import ArgumentError

    from jsonargparse import ArgumentParser

    parameters = inspect.signature(target).parameters
    known, open_ended = list(parameters), any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in arguments:
        if name not in known and not open_ended:
            hint = nearest(name, known)
            raise UserError(f"{path} has no argument {name!r}, in init_args; {hint}")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(target, "init_args")
    try:
        config = parser.parse_object({"init_args": arguments})
    except ArgumentError as error:
        text = " ".join(re.sub(r"<class '([^']+)'>", r"\1", str(error)).split())
        text = re.sub(r'Parser key "([^"]+)":', r"\1:", text)
        raise UserError(
            f"{path} cannot be built: {text}; its arguments are {', '.join(known)}"
        ) from error
    made: T = parser.instantiate(config).init_args
    return made
