"""Scaling laws as objects, and fits of them with calibrated intervals.

Example::

    from lit_research.laws import fit

    result = fit("power", [0.154, 0.300, 0.602, 1.541], [3.9484, 3.7652, 3.6845, 3.6429])
    print(result.report())
    result.params["E"], result.interval("E"), result.predict(10.0), result.invert(3.7)
"""

from lit_research.laws.base import Law, Parameter
from lit_research.laws.fitting import fit, fit_data_constrained
from lit_research.laws.one_variable import EnsembleLaw, PowerLaw, Sigmoid, anchor
from lit_research.laws.parameters_and_data import (
    Chinchilla,
    DataConstrained,
    data_efficiency,
    effective_tokens,
)
from lit_research.laws.registry import LAWS, as_law
from lit_research.laws.result import Curve, Fit

__all__ = [
    "LAWS",
    "Chinchilla",
    "Curve",
    "DataConstrained",
    "EnsembleLaw",
    "Fit",
    "Law",
    "Parameter",
    "PowerLaw",
    "Sigmoid",
    "anchor",
    "as_law",
    "data_efficiency",
    "effective_tokens",
    "fit",
    "fit_data_constrained",
]
