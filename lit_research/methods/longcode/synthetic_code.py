"""Random code: functions, constants, classes and calls under random names, with random numbers."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection
from dataclasses import dataclass

_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aeiou"


@dataclass(frozen=True)
class Unit:
    """Statements at the top of a module.

    Attributes:
        text: ends with two empty lines.
        names: that it defines.
    """

    text: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Carrier:
    """Code that an answer is in, in one module or in several that call each other.

    Attributes:
        name: that the question is about.
        parameter: whose default is the answer; empty where it is what a call returns.
        value: the answer.
        parts: text of each module, the one of ``name`` first.
        names: of the function in each module.
    """

    name: str
    parameter: str
    value: int
    parts: tuple[str, ...]
    names: tuple[str, ...]


class Writer:
    """Writes random code; no name is used twice.

    Args:
        rng: draws names and numbers.
        digits: of every number.
    """

    def __init__(self, rng: random.Random, digits: int) -> None:
        self._rng, self._digits = rng, digits
        self._used: set[str] = set()
        self._reserved: frozenset[int] = frozenset()

    def name(self) -> str:
        """Return a new name of three syllables, or more where these are used up."""
        rng, length = self._rng, 3
        while True:
            drawn = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(length))
            if drawn not in self._used:
                self._used.add(drawn)
                return drawn
            length = rng.choice((3, 4))

    def number(self) -> int:
        """Return a number that is no answer."""
        while True:
            drawn = self._rng.randrange(10 ** (self._digits - 1), 10**self._digits)
            if drawn not in self._reserved:
                return drawn

    def reserve(self, numbers: Collection[int]) -> None:
        """Keep numbers for answers: ``number`` never returns them again."""
        self._reserved = frozenset(numbers)

    def unit(self) -> Unit:
        """Return a random unit; most are functions with a default, like those asked about."""
        drawn = self._rng.random()
        if drawn < 0.55:
            name = self.name()
            return Unit(default_code(name, self.name(), self.number()), (name,))
        if drawn < 0.7:
            name = self.name().upper()
            return Unit(f"{name} = {self.number()}\n\n\n", (name,))
        if drawn < 0.85:
            inner, outer, parameter = self.name(), self.name(), self.name()
            text = f"def {outer}({parameter}={self.number()}):\n    return {inner}({parameter})\n"
            return Unit(default_code(inner, self.name(), self.number()) + text + "\n\n", (outer,))
        base, derived = self.name().capitalize(), self.name().capitalize()
        text = (
            f"class {base}:\n    {self.name()} = {self.number()}\n\n\n"
            f"class {derived}({base}):\n    def {self.name()}(self, {self.name()}="
            f"{self.number()}):\n        return self\n\n\n"
        )
        return Unit(text, (base, derived))

    def carrier(self, kind: str, hops: int, value: int) -> Carrier:
        """Return code with an answer.

        Args:
            kind: ``default`` or ``returns``.
            hops: modules of a chain of calls; 1 for ``default``.
            value: the answer.
        """
        names = [self.name() for _ in range(hops)]
        if kind == "default":
            parameter = self.name()
            text = default_code(names[0], parameter, value)
            return Carrier(names[0], parameter, value, (text,), tuple(names))
        parts = [
            f"def {one}():\n    return {then}()\n\n\n" for one, then in itertools.pairwise(names)
        ]
        parts.append(f"def {names[-1]}():\n    return {value}\n\n\n")
        return Carrier(names[0], "", value, tuple(parts), tuple(names))


def default_code(name: str, parameter: str, value: int) -> str:
    """Return a function with one parameter that has a default."""
    return f"def {name}({parameter}={value}):\n    return {parameter}\n\n\n"
