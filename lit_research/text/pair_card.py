"""What is known about pairs of documents, as plain data: counts, histograms, examples.

Legend: N documents, P ordered pairs, of each (i, j) and (j, i).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset

_EXAMPLES, _EXAMPLE_LENGTH = 20, 300  # pairs, characters


def pair_card(
    first: np.ndarray,
    second: np.ndarray,
    scores: np.ndarray,
    documents: Dataset,
    groups: str | None = None,
) -> dict[str, Any]:
    """Return counts, histograms and twenty examples of pairs, from the nearest to the farthest.

    Args:
        first: row of the first document of each pair, ``[P]``.
        second: row of the second one, ``[P]``.
        scores: similarities, ``[P]``.
        documents: with the columns ``text`` and ``id``.
        groups: a column: the share of the pairs within each of its groups is given too.
    """
    degrees = np.bincount(second, minlength=len(documents))
    edges = [0, 1, *(2**power for power in range(1, int(degrees.max()).bit_length() + 1))]
    # In float64: float32 has no twenty bins between nearly equal similarities.
    heights, bins = np.histogram(scores.astype(np.float64), bins=20)
    once = np.flatnonzero(first < second)
    shown = once[np.argsort(-scores[once], kind="stable")]
    shown = shown[np.unique(np.linspace(0, len(shown) - 1, _EXAMPLES).astype(int))]
    card: dict[str, Any] = {
        "pairs": len(first),
        "documents_in_pairs": int((degrees > 0).sum()),
        "largest_degree": int(degrees.max()),
        "degrees": {
            f"{low}" if high == low + 1 else f"{low} to {high - 1}": int(
                ((degrees >= low) & (degrees < high)).sum()
            )
            for low, high in pairwise(edges)
        },
        "similarities": {"counts": heights.tolist(), "edges": [float(f"{x:.4g}") for x in bins]},
        "examples": [
            _example(documents, int(first[p]), int(second[p]), float(scores[p])) for p in shown
        ],
    }
    if groups is not None:
        card["within"] = _within(documents[groups], first, second)
    return card


def _example(documents: Dataset, first: int, second: int, score: float) -> dict[str, Any]:
    rows: list[Mapping[str, Any]] = [documents[first], documents[second]]
    return {
        "similarity": round(score, 4),
        "ids": [row["id"] for row in rows],
        "texts": [row["text"][:_EXAMPLE_LENGTH] for row in rows],
    }


def _within(names: Any, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Return for each group the share of its pairs whose other document is in it too."""
    known, group = np.unique(np.asarray(names, dtype=object).astype(str), return_inverse=True)
    same = group[first] == group[second]
    total = np.bincount(group[first], minlength=len(known))
    inside = np.bincount(group[first][same], minlength=len(known))
    return {
        str(name): float(inside[number] / total[number])
        for number, name in enumerate(known)
        if total[number]
    }
