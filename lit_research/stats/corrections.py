"""Corrections of p-values for the number of claims that are tested."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lit_research.errors import UserError
from lit_research.stats.result import Array


def bonferroni(p: ArrayLike) -> Array:
    """Return p-values times their number, at most 1.

    Where all below alpha are taken, the chance of even one false claim is at most alpha, however
    the tests depend on each other.

    Args:
        p: p-values ``[m]``.

    Raises:
        UserError: one is not between 0 and 1.
    """
    values = _checked(p)
    return np.minimum(values * len(values), 1.0)


def holm(p: ArrayLike) -> Array:
    """Return Holm's adjusted p-values (Holm 1979), which Bonferroni's never undercut.

    Where all below alpha are taken, the chance of even one false claim is at most alpha, however
    the tests depend on each other.

    Args:
        p: p-values ``[m]``.

    Raises:
        UserError: one is not between 0 and 1.
    """
    values = _checked(p)
    order = np.argsort(values)
    left = len(values) - np.arange(len(values))  # claims that are still in question
    steps = np.maximum.accumulate(values[order] * left)
    return _at(order, np.minimum(steps, 1.0))


def benjamini_hochberg(p: ArrayLike) -> Array:
    """Return adjusted p-values that bound the share of false claims (Benjamini, Hochberg 1995).

    Where all below alpha are taken, the expected share of false ones among them is at most alpha,
    for independent tests and many positively dependent ones. For exploring; a claim needs ``holm``.

    Args:
        p: p-values ``[m]``.

    Raises:
        UserError: one is not between 0 and 1.
    """
    values = _checked(p)
    order = np.argsort(values)
    steps = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _at(order, np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0))


def _checked(p: ArrayLike) -> Array:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise UserError(f"p is {values.tolist()}; give a list of p-values, each from 0 to 1")
    return values


def _at(order: np.ndarray, values: Array) -> Array:
    """Return values of the sorted list in the order of the list as it was given."""
    placed = np.empty_like(values)
    placed[order] = values
    return placed
