"""Delta debugging: the smallest part of a change that still has an effect (Zeller's ddmin)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def smallest(parts: Sequence[T], has_effect: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return parts of which none can be left out, in their order; they have the effect.

    Args:
        parts: together they have it.
        has_effect: tells whether some of them have it; an effect of fewer parts may be lost in
            more, it need not be monotone.
    """
    current, pieces = list(parts), 2
    while len(current) > 1:
        size = -(-len(current) // pieces)
        chunks = [current[at : at + size] for at in range(0, len(current), size)]
        for chunk in chunks:
            if has_effect(chunk):
                current, pieces = chunk, 2
                break
        else:
            for number in range(len(chunks)) if len(chunks) > 2 else ():
                rest = [part for n, c in enumerate(chunks) if n != number for part in c]
                if has_effect(rest):
                    current, pieces = rest, max(pieces - 1, 2)
                    break
            else:
                if pieces >= len(current):
                    break
                pieces = min(2 * pieces, len(current))
    return current
