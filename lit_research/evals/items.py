"""``Item``: a multiple-choice question."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.errors import UserError


@dataclass(frozen=True)
class Item:
    """A multiple-choice question with one correct option.

    Attributes:
        question: what the model reads; it ends without a space.
        options: what may follow, without the space in between; at least two.
        answer: index of the correct option in ``options``.
        id: names the item in error messages.

    Raises:
        UserError: there are fewer than two options, one is empty, or ``answer`` is not the index
            of an option.
    """

    question: str
    options: list[str]
    answer: int
    id: str

    def __post_init__(self) -> None:
        good = all(isinstance(option, str) and option.strip() for option in self.options)
        if len(self.options) < 2 or not good:
            raise UserError(
                f"options are {self.options}, in item {self.id!r}; must be at least two, none empty"
            )
        if not 0 <= self.answer < len(self.options):
            raise UserError(
                f"answer is {self.answer}, in item {self.id!r}; must be the index of one of its "
                f"{len(self.options)} options, from 0 (a split without answers cannot be scored)"
            )
