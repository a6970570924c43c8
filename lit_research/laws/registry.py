"""The laws by name, and those of users by class path."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.laws.base import Law
from lit_research.laws.one_variable import EnsembleLaw, PowerLaw, Sigmoid
from lit_research.laws.parameters_and_data import Chinchilla, DataConstrained

LAWS: dict[str, type[Law]] = {
    "power": PowerLaw,
    "ensemble": EnsembleLaw,
    "chinchilla": Chinchilla,
    "sigmoid": Sigmoid,
    "data_constrained": DataConstrained,
}
"""The laws of the package by their short names, which configs and the command accept."""
REQUIRED_ATTRIBUTES = ("formula", "parameters", "variables", "limit")

AnyLaw: TypeAlias = Law | type[Law] | str | Mapping[str, Any]
"""A law, its class, its name or class path, or ``{class_path: ..., init_args: ...}``."""


def as_law(law: AnyLaw) -> Law:
    """A law from an instance, a class, a short name, a class name (in any case) or a class path.

    A law of your own is a subclass of :class:`Law` in any file that Python can import:
    ``my_laws.LogLaw``, or ``{"class_path": "my_laws.LogLaw", "init_args": {...}}``.

    Raises:
        UserError: no law has that name, or there is none at the class path.
    """
    if isinstance(law, Law):
        return law
    if isinstance(law, type) and issubclass(law, Law):
        return law()
    made: Law = make_object(Law, law, LAWS)  # type: ignore[type-abstract]
    missing = [name for name in REQUIRED_ATTRIBUTES if not hasattr(made, name)]
    if missing:
        raise UserError(
            f"the law {type(made).__name__} has no {', '.join(missing)}; must define them as class "
            "attributes, see lit_research.laws.Law"
        )
    return made
