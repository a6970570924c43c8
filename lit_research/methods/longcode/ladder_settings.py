"""How ladders are built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from lit_research.errors import UserError, nearest
from lit_research.ranges import COUNT, check_range

Position: TypeAlias = Literal["sorted", "first", "middle", "last", "uniform"]
"""Where the files that decide an item stand: where the sort by path puts them (the paper's), at an
end, in the middle, or at a random place, which is the same share at every length."""
Ranking: TypeAlias = Literal["bm25", "random"]
"""Which other files come first."""
Distractors: TypeAlias = Literal["same", "other", "both"]
"""Where other files are from: the same repository, others, or first the one and then the others."""
TooLong: TypeAlias = Literal["refuse", "cut"]
"""What becomes of a prompt that is longer than its bucket even without other files."""

SHARES: dict[str, float | None] = {"sorted": None, "first": 0.0, "middle": 0.5, "last": 1.0}


@dataclass(frozen=True)
class LadderSettings:
    """How ladders are built.

    Attributes:
        buckets: longest numbers of tokens of the prompts, ascending.
        position: where the evidence stands.
        ranking: which other files come first.
        distractors: where the other files are from.
        too_long: what becomes of a prompt that does not fit: it is refused, or cut in the middle
            of its code, which its rung then says. The end, where the question stands, is never cut.
        seed: of random positions and rankings.

    Raises:
        UserError: a value is out of its range.
    """

    buckets: Sequence[int] = (1024, 2048, 4096, 8192)
    position: Position = "sorted"
    ranking: Ranking = "bm25"
    distractors: Distractors = "both"
    too_long: TooLong = "refuse"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kinds in (
            ("position", Position),
            ("ranking", Ranking),
            ("distractors", Distractors),
            ("too_long", TooLong),
        ):
            value = getattr(self, name)
            if value not in get_args(kinds):
                raise UserError(
                    f"{name} is {value!r}, in LadderSettings; "
                    f"{nearest(str(value), get_args(kinds))}"
                )
        if not self.buckets or sorted(set(self.buckets)) != list(self.buckets):
            raise UserError(
                f"buckets are {list(self.buckets)}, in LadderSettings; must be ascending "
                "numbers of tokens"
            )
        check_range(COUNT, "in LadderSettings", buckets=self.buckets[0])
