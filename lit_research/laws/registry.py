"""The laws by name."""

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
