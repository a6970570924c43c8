"""A law of which some parameters are known."""

from collections.abc import Mapping

import numpy as np

from lit_research.errors import UserError
from lit_research.laws.base import Array, Law, Mask


class Held(Law):
    """A law with values for some of its parameters; the others are its parameters.

    Args:
        law: the whole law.
        fixed: a value for each parameter that is known.

    Raises:
        UserError: the law has no such parameter, the value is out of its bounds, or none is left.
    """

    def __init__(self, law: Law, fixed: Mapping[str, float]) -> None:
        self.law = law
        for name, value in fixed.items():
            if name not in law.names:
                raise UserError(
                    f"fixed holds {name!r}, given to fit: {type(law).__name__} has the parameters "
                    f"{list(law.names)}"
                )
            low, high = law.bounds[name]
            if not low <= value <= high or not np.isfinite(value):
                raise UserError(
                    f"fixed holds {name}={value}, given to fit: give a number from {low:g} to "
                    f"{high:g}"
                )
        self._free: Mask = np.array([name not in fixed for name in law.names])
        if not self._free.any():
            raise UserError(f"fixed holds every parameter of {type(law).__name__}: nothing to fit")
        self._known = np.array([fixed.get(name, 0.0) for name in law.names], dtype=float)
        # The class attributes of a law, which here depend on what is known.
        self.formula = law.formula  # type: ignore[misc]
        self.parameters = tuple(p for p in law.parameters if p.name not in fixed)  # type: ignore[misc]
        self.variables, self.limit = law.variables, law.limit  # type: ignore[misc]
        self.least = law.least  # type: ignore[misc]

    def evaluate(self, x: Mapping[str, Array], theta: Array) -> tuple[Array, Array]:
        """See :meth:`Law.evaluate`; ``theta`` holds the free parameters alone."""
        whole = np.broadcast_to(self._known, (*theta.shape[:-1], len(self._known))).copy()
        whole[..., self._free] = theta
        value, gradient = self.law.evaluate(x, whole)
        return value, gradient[..., self._free]

    def starts(self, x: Mapping[str, Array], y: Array) -> Array:
        """The law's own, as far as they are free."""
        return np.unique(self.law.starts(x, y)[:, self._free], axis=0)
