"""Refusing numbers that are out of range, with one message."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.errors import UserError

__all__ = ["COUNT", "NOT_NEGATIVE", "POSITIVE", "SHARE", "Range", "check_range"]


@dataclass(frozen=True)
class Range:
    """An interval of numbers, shown as ``at least 1`` or ``above 0 and below 1``; nan is in none.

    Args:
        at_least: smallest number.
        at_most: largest number.
        above: number below all of them.
        below: number above all of them.
    """

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            value == value
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            return f"from {self.at_least} to {self.at_most}"
        bounds = {
            "at least": self.at_least,
            "above": self.above,
            "at most": self.at_most,
            "below": self.below,
        }
        return " and ".join(f"{how} {bound}" for how, bound in bounds.items() if bound is not None)


COUNT = Range(at_least=1)
"""At least 1."""
NOT_NEGATIVE = Range(at_least=0)
"""At least 0."""
POSITIVE = Range(above=0)
"""Above 0."""
SHARE = Range(at_least=0, at_most=1)
"""From 0 to 1."""


def check_range(allowed: Range, where: str, /, **values: float | None) -> None:
    """Refuse the first of ``values`` that is out of range; None is not checked.

    Args:
        allowed: the range.
        where: of the config, for the message: ``in data.init_args of Corpus``.
        values: by the names that the user knows.

    Raises:
        UserError: ``batch_size is 0, in data.init_args of Corpus; must be at least 1``.
    """
    for name, value in values.items():
        if value is not None and value not in allowed:
            raise UserError(f"{name} is {value}, {where}; must be {allowed}")
