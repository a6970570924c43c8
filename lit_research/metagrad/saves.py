"""Which states of a training run to keep, so that it can be walked backwards (checkpointing).

The state before a step is needed when that step is reversed. A state that was not kept is
recomputed from the last kept one before it. A schedule answers one question: on the way from the
state before step ``start`` to the one before step ``stop - 1``, where to keep states.

| schedule | states besides the current one, of T steps | steps recomputed |
|---|--:|--:|
| ``all`` | T - 2 | 0 |
| ``every:k`` | T/k + k | nearly T |
| ``sqrt`` | 2 sqrt(T) | nearly T |
| ``tree`` (REPLAY, Engstrom et al. 2025, arXiv 2503.13751) | log2(T) | T/2 log2(T) |
| ``tree:k`` | (k - 1) logk(T) | less |
| ``budget:n`` (Griewank and Walther 2000) | n | the fewest possible with n |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, isqrt
from typing import Protocol

from lit_research.errors import UserError


class Save(Protocol):
    """A schedule of states to keep."""

    def points(self, start: int, stop: int, held: int) -> Sequence[int]:
        """Return the steps within ``(start, stop - 1)`` before which to keep a state, rising.

        Args:
            start: the last kept state is the one before this step.
            stop: the step before this one is to be reversed next.
            held: number of states kept now, including the one at ``start``.
        """


@dataclass(frozen=True)
class All:
    """Every state."""

    def points(self, start: int, stop: int, held: int) -> Sequence[int]:
        """Return all steps between."""
        return range(start + 1, stop - 1)


@dataclass(frozen=True)
class Every:
    """Every ``size``-th state; within a segment, all of them."""

    size: int

    def points(self, start: int, stop: int, held: int) -> Sequence[int]:
        """Return the borders of the segments, and all steps in the last one."""
        last = start + (stop - 1 - start) // self.size * self.size
        return [*range(start + self.size, last, self.size), *range(max(last, start + 1), stop - 1)]


@dataclass(frozen=True)
class Tree:
    """Split into ``arity`` parts, and the last part again."""

    arity: int = 2

    def points(self, start: int, stop: int, held: int) -> Sequence[int]:
        """Return the splits down to the last step."""
        kept_steps = []
        while stop - start > 2:
            width = -(-(stop - start) // self.arity)
            splits = range(start + width, stop - 1, width)
            kept_steps += list(splits)
            if not splits:
                break
            start = splits[-1]
        return kept_steps


@dataclass(frozen=True)
class Budget:
    """At most ``states`` kept at a time, with the fewest steps recomputed (binomial)."""

    states: int

    def points(self, start: int, stop: int, held: int) -> Sequence[int]:
        """Return the splits that cost least with the room that is left."""
        kept_steps = []
        while held < self.states and stop - start > 2:
            start += _split(stop - start, self.states - held + 1)
            if start >= stop - 1:
                break
            kept_steps.append(start)
            held += 1
        return kept_steps


@cache
def _split(steps: int, room: int) -> int:
    """Return where to keep the next of ``room`` states, one of which is at 0, over ``steps``.

    With s states and no step computed more than r times, ``comb(s + r, s)`` steps are reversed.
    """
    times = 0
    while comb(room + times, room) < steps:
        times += 1
    least = steps - comb(room - 1 + times, room - 1)
    return min(comb(room + times - 1, room), max(1, least, comb(room + times - 2, room)))


def parse_save(text: str, steps: int) -> Save:
    """Return the schedule that a name stands for: see the table above.

    Args:
        text: its name.
        steps: T, which ``sqrt`` needs.

    Raises:
        UserError: the name is not that of a schedule.
    """
    name, _, number = text.partition(":")
    if number and (not number.isdecimal() or int(number) < (2 if name == "tree" else 1)):
        raise UserError(
            f"save is {text!r}, in Training; must have a whole number after {name!r}, as {name}:4"
        )
    if name == "all" and not number:
        return All()
    if name == "sqrt" and not number:
        return Every(max(1, isqrt(max(steps - 1, 0)) + (steps > 1)))
    if name == "tree":
        return Tree(int(number or 2))
    if name in ("every", "budget") and number:
        return Every(int(number)) if name == "every" else Budget(int(number))
    raise UserError(
        f"save is {text!r}, in Training; must be all, every:K, sqrt, tree, tree:K or budget:N"
    )


@dataclass(frozen=True)
class Cost:
    """What a schedule costs.

    Args:
        states: maximum number kept at a time, including the current one.
        again: steps recomputed on the backward walk.
    """

    states: int
    again: int


def cost(save: Save, steps: int) -> Cost:
    """Return the cost of a schedule, by walking through it without computing anything."""
    kept = [0, *save.points(0, steps, 1)]
    states, again = len(kept) + 1, 0
    stop = steps - 1  # whose state the training run leaves in work
    while stop > 0:
        if kept[-1] == stop - 1:
            kept.pop()
        else:
            again += stop - 1 - kept[-1]
            kept += save.points(kept[-1], stop, len(kept))
            states = max(states, len(kept) + 1)
        stop -= 1
    return Cost(states, again)
