"""Right letters that are exactly even over a set of questions."""

from __future__ import annotations

import random
from collections.abc import Iterator

from lit_research.methods.longcode.items import LETTERS
from lit_research.seeds import derive_seed


def even_letters(*seed: object) -> Iterator[int]:
    """Yield indices of options without end: of every four in turn, each of 0 to 3 once.

    Args:
        seed: what the order follows from.
    """
    rng = random.Random(derive_seed("letters", *seed))
    while True:
        yield from rng.sample(range(len(LETTERS)), len(LETTERS))
