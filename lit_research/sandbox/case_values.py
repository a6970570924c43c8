"""Values of a function as JSON text, made inside the sandbox and compared outside."""

from __future__ import annotations

import json
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def to_text(value: Any) -> str:
    """Return a value as JSON.

    Tuples are lists and keys are strings, as JSON has it; arrays become lists of their elements
    (``tolist``), sets lists in the order of their elements' texts under the name ``set``, and any
    other object its ``repr``.
    """
    try:
        return json.dumps(value, default=_plain)
    except (ValueError, TypeError, RecursionError):  # a circle, or keys that are no JSON
        return json.dumps({"repr": repr(value)})


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return {"set": [json.loads(text) for text in sorted(map(to_text, value))]}
    if hasattr(value, "tolist") and not isinstance(value, type):
        return value.tolist()
    return {"repr": repr(value)}


def from_text(text: str) -> Any:
    """Return what a JSON text stands for.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def are_equal(one: Any, other: Any, tolerance: float) -> bool:
    """Compare two values that came from JSON, as ``==`` does, but a bool is no number.

    Args:
        tolerance: how far two numbers may be apart if one is no integer, absolute or relative to
            the larger one. Two NaN are equal.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        if not (isinstance(one, int | float) and isinstance(other, int | float)):
            return False
        if one != one or other != other:
            return one != one and other != other
        if one == other:
            return True
        try:
            return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
        except OverflowError:
            return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            are_equal(a, b, tolerance) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            are_equal(value, other[key], tolerance) for key, value in one.items()
        )
    return bool(one == other)
