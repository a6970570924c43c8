"""The laws by name."""

from lit_research.errors import UserError
from lit_research.laws.base import Law
from lit_research.laws.chinchilla import Chinchilla
from lit_research.laws.data_constrained import DataConstrained
from lit_research.laws.power import EnsembleLaw, PowerLaw
from lit_research.laws.sigmoid import Sigmoid

LAWS: dict[str, type[Law]] = {
    "power": PowerLaw,
    "ensemble": EnsembleLaw,
    "chinchilla": Chinchilla,
    "sigmoid": Sigmoid,
    "data_constrained": DataConstrained,
}
"""The laws of the package by their short names, which configs and the command accept."""


def as_law(law: Law | type[Law] | str) -> Law:
    """A law from an instance, a class, or a name (short, or the class's in any case).

    Raises:
        UserError: no law has that name.
    """
    if isinstance(law, Law):
        return law
    if isinstance(law, type) and issubclass(law, Law):
        return law()
    names = {**LAWS, **{kind.__name__.lower(): kind for kind in LAWS.values()}}
    kind = names.get(str(law).lower())
    if kind is None:
        raise UserError(f"no law is called {law!r}; give one of {', '.join(LAWS)}")
    return kind()
