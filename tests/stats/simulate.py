"""Simulated data sets, and how far a share of them may lie from its true value."""

from math import sqrt

import numpy as np

SETS = 10_000


def within_three_errors(found: float, true: float, sets: int = SETS) -> bool:
    """Return whether a simulated share is within three Monte-Carlo errors of the true one."""
    return abs(found - true) <= 3 * sqrt(true * (1 - true) / sets)


def normals(*shape: int, seed: int = 0) -> np.ndarray:
    """Return standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape)
