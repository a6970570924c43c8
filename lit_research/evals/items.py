"""``Item``: a question with options, one of them right."""

from __future__ import annotations

from dataclasses import dataclass

from lit_research.errors import UserError


@dataclass(frozen=True)
class Item:
    """A question with options, one of them right.

    Attributes:
        question: what the model reads; it ends without a space.
        options: what may follow, without the space between; two or more.
        answer: the place of the right one in ``options``.
        id: says in messages which item this is.

    Raises:
        UserError: fewer than two options, an empty one, or an answer that is none of them.
    """

    question: str
    options: list[str]
    answer: int
    id: str

    def __post_init__(self) -> None:
        good = all(isinstance(option, str) and option.strip() for option in self.options)
        if len(self.options) < 2 or not good:
            raise UserError(
                f"the options are {self.options}, in item {self.id!r}: give two or more, none empty"
            )
        if not 0 <= self.answer < len(self.options):
            raise UserError(
                f"the answer is {self.answer}, in item {self.id!r}: give the place of one of its "
                f"{len(self.options)} options, from 0 (a split without answers cannot be scored)"
            )
