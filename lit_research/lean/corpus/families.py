"""The embedded targets: seeded families of true statements, graded from one tactic to many.

``propositional``, ``equality``, ``arithmetic``, ``lists`` and ``order`` are drawn, each statement
true by construction; ``classic`` is a list written by hand. Levels: 1 takes one tactic or two; 2
and 3 a short script; 4 and 5 are beyond a small model that knows the levels below.

A statement belongs to a split by its content, whatever the seed and the sizes: ``warm`` (easy ones,
to learn tactics from), ``train`` (the targets), ``held_out``. So no two splits ever share a
statement, not even after renaming, and a larger set begins with the smaller one.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from lit_research.errors import UserError
from lit_research.lean.corpus.classics import CLASSICS
from lit_research.lean.corpus.equations import arithmetic, equality
from lit_research.lean.corpus.expressions import NAME, Draft, canonical
from lit_research.lean.corpus.inequalities import order
from lit_research.lean.corpus.list_statements import lists
from lit_research.lean.corpus.propositions import propositional
from lit_research.lean.corpus.theorem_files import Theorem
from lit_research.seeds import derive_seed

GENERATORS: dict[str, Callable[[int, random.Random], Draft | None]] = {
    "propositional": propositional,
    "equality": equality,
    "arithmetic": arithmetic,
    "lists": lists,
    "order": order,
}
CLASSIC = "classic"
FAMILIES = (*GENERATORS, CLASSIC)
"""Names of the families of statements."""
LEVELS = (1, 2, 3, 4, 5)
"""Levels of difficulty, from easy to hard."""
# Split -> its share of all statements in 256ths, and the levels that it cycles through.
_SHARES = {"warm": 112, "train": 104, "held_out": 40}
SPLITS = tuple(_SHARES)
"""Splits of the statements; no statement is in two of them."""
WARM_LEVELS = (1, 2, 2, 3)
_LONGEST = 125  # characters of a statement
_DRAWS = 20000  # draws in a row without a new statement, after which a family and level has no more


def draft(family: str, level: int, rng: random.Random) -> Draft:
    """Draw a statement as expressions."""
    while True:
        statement = GENERATORS[family](level, rng)
        if statement is not None:
            return statement


def generate(family: str, level: int, rng: random.Random) -> str:
    """Draw a statement of a family (``classic``: one of the list) and level, as text."""
    if family == CLASSIC:
        return f"theorem {NAME} {rng.choice(CLASSICS[level])}"
    return draft(family, level, rng).text


def split_of(key: str) -> str:
    """Return the split of a statement, from its canonical form."""
    position = derive_seed(key, digest_size=1)
    for name, share in _SHARES.items():
        if position < share:
            return name
        position -= share
    raise AssertionError(key)


@cache
def _classic_keys() -> frozenset[str]:
    statements = (s for statements in CLASSICS.values() for s in statements)
    return frozenset(canonical(f"theorem {NAME} {s}") for s in statements)


def _classics(level: int, split: str) -> Iterator[tuple[str, str]]:
    for statement in CLASSICS[level]:
        text = f"theorem {NAME} {statement}"
        key = canonical(text)
        own_split = "held_out" if split_of(key) == "held_out" else "train"
        if own_split == split:
            yield key, text


class _Draws:
    """Distinct statements drawn from a family and level, by the splits that they belong to."""

    def __init__(self, family: str, level: int, seed: int) -> None:
        self._family, self._level = family, level
        self._rng = random.Random(f"{seed} {family} {level}")
        self._seen: set[str] = set()
        self._idle = 0
        self.statements: dict[str, list[tuple[str, str]]] = {split: [] for split in SPLITS}

    def draw(self) -> bool:
        """Draw once; return whether to continue."""
        self._idle += 1
        statement = GENERATORS[self._family](self._level, self._rng)
        text = statement.text if statement is not None else ""
        if text and len(text) <= _LONGEST:
            key = canonical(text)
            if key in self._seen:
                self._idle += _DRAWS // 200  # stronger evidence of exhaustion than a failed draw
            elif key not in _classic_keys():
                self._idle = 0
                self._seen.add(key)
                self.statements[split_of(key)].append((key, text))
        return self._idle < _DRAWS


@cache
def _draws(family: str, level: int, seed: int) -> _Draws:
    return _Draws(family, level, seed)


def _drawn(family: str, level: int, split: str, seed: int) -> Iterator[tuple[str, str]]:
    """Yield canonical form and text of distinct statements until hardly any are left."""
    draws = _draws(family, level, seed)
    index = 0
    while True:
        while index == len(draws.statements[split]):
            if not draws.draw():
                return
        yield draws.statements[split][index]
        index += 1


def embedded_targets(
    seed: int = 0,
    size: int = 600,
    families: Sequence[str] = FAMILIES,
    levels: Sequence[int] = LEVELS,
    split: str = "train",
) -> list[Theorem]:
    """Return ``size`` statements of a split, spread evenly over families and levels.

    Args:
        seed: of the draws; other seeds share statements, but none across splits.
        size: number of statements.
        families: of ``FAMILIES``.
        levels: 1 to 5; the split ``warm`` has its own levels, 1 to 3.
        split: ``warm``, ``train`` or ``held_out``.

    Raises:
        UserError: an unknown name or level, or a split with fewer statements.
    """
    for name, values, allowed in (
        ("families", families, FAMILIES),
        ("levels", levels, LEVELS),
        ("split", [split], SPLITS),
    ):
        unknown = [value for value in values if value not in allowed]
        if unknown or not values:
            raise UserError(
                f"{name} has {unknown or 'nothing'}, for the embedded targets; must be of "
                f"{', '.join(map(str, allowed))}"
            )
    chosen = WARM_LEVELS if split == "warm" else tuple(levels)
    sources = [
        (family, level, _classics(level, split) if family == CLASSIC else None)
        for level in chosen
        for family in families
    ]
    return _deal(sources, seed, size, split)


def _deal(
    cells: list[tuple[str, int, Iterator[tuple[str, str]] | None]], seed: int, size: int, split: str
) -> list[Theorem]:
    """Take a statement from each cell in turn, skipping exhausted cells."""
    streams: dict[tuple[str, int], Iterator[tuple[str, str]]] = {}
    for family, level, ready in cells:
        streams.setdefault((family, level), ready or _drawn(family, level, split, seed))
    turns = [(family, level) for family, level, _ in cells]
    theorems: dict[str, Theorem] = {}
    while len(theorems) < size and turns:
        for turn in list(turns):
            pair = next(streams[turn], None)
            if pair is None:
                turns = [other for other in turns if other != turn]
            elif pair[0] not in theorems and len(theorems) < size:
                theorems[pair[0]] = _theorem(*turn, *pair)
    if len(theorems) < size:
        raise UserError(
            f"size is {size}, in the split {split} of the embedded targets; must be at most "
            f"{len(theorems)}, or with more families or levels"
        )
    return list(theorems.values())


def _theorem(family: str, level: int, key: str, text: str) -> Theorem:
    name = hashlib.blake2b(key.encode(), digest_size=5).hexdigest()
    return Theorem(f"{family}-{level}-{name}", text, tag=family, source="embedded", level=level)
