"""``Outcomes``: the records of one task of an exam as columns, for its statistics.

Legend: N samples, I items, K lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.longcode.items import LETTERS
from lit_research.methods.longcode.records import Graded, Status

STATUSES: tuple[Status, ...] = get_args(Status)
ANSWERED, INFRASTRUCTURE = STATUSES.index("answered"), STATUSES.index("infrastructure")
Column: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[Any]]"


@dataclass(frozen=True)
class Outcomes:
    """The samples of an exam; each column is ``[N]``.

    Attributes:
        items: index of each sample's item in ``names``.
        names: ids of the items, ``[I]``.
        buckets: longest number of tokens.
        depths: of the evidence, 0 to 1; nan where it is not known.
        rotations: places by which the options are moved.
        repeats: number of the sample of the same prompt.
        statuses: index in ``STATUSES``.
        right: 1 or 0; nan of ``infrastructure``.
        letters: index of the chosen letter, -1 without one.
        correct: index of the right letter as shown, -1 without one.
    """

    items: Column
    names: Sequence[str]
    buckets: Column
    depths: Column
    rotations: Column
    repeats: Column
    statuses: Column
    right: Column
    letters: Column
    correct: Column

    @classmethod
    def of(cls, records: Sequence[Graded]) -> Outcomes:
        """Return the columns of records.

        A sample that failed and was asked again counts once, as what came of it.

        Raises:
            UserError: a sample was graded twice, or is neither right nor wrong.
        """
        kept: dict[tuple[str, int, int, int], Graded] = {}
        for record in records:
            key = (record.item, record.bucket, record.rotation, record.repeat)
            failed = record.status == "infrastructure"
            if (record.right is None) is not failed:
                raise UserError(
                    f"right is {record.right} and the status {record.status!r}, of {key} in an "
                    "exam; must be None where the infrastructure failed, and nowhere else"
                )
            before = kept.get(key)
            if before is not None and not failed and before.status != "infrastructure":
                raise UserError(f"the sample {key} was graded twice, in an exam; must be once")
            if before is None or not failed:
                kept[key] = record
        rows = list(kept.values())
        names = sorted({row.item for row in rows})
        number = {name: n for n, name in enumerate(names)}

        def letter(which: str | None) -> int:
            return LETTERS.find(which) if which else -1

        return cls(
            items=np.array([number[row.item] for row in rows], dtype=np.int64),
            names=names,
            buckets=np.array([row.bucket for row in rows], dtype=np.int64),
            depths=np.array([np.nan if r.depth is None else r.depth for r in rows], dtype=float),
            rotations=np.array([row.rotation for row in rows], dtype=np.int64),
            repeats=np.array([row.repeat for row in rows], dtype=np.int64),
            statuses=np.array([STATUSES.index(row.status) for row in rows], dtype=np.int64),
            right=np.array([np.nan if r.right is None else r.right for r in rows], dtype=float),
            letters=np.array([letter(row.letter) for row in rows], dtype=np.int64),
            correct=np.array([letter(row.correct) for row in rows], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def lengths(self) -> Column:
        """The buckets that occur, ascending, ``[K]``."""
        return np.unique(self.buckets)

    @cached_property
    def graded(self) -> Column:
        """Whether each sample is right or wrong: all but failures of the infrastructure."""
        return self.statuses != INFRASTRUCTURE

    @cached_property
    def item_shares(self) -> Column:
        """Share of right answers of each item at each length, ``[I, K]``; nan without any."""
        return self.shares_by(np.searchsorted(self.lengths, self.buckets), len(self.lengths))

    def shares_by(self, groups: Column, count: int) -> Column:
        """Return the share of right answers of each item in each group, ``[I, count]``.

        Args:
            groups: of each sample; -1 is in none.
            count: number of groups.
        """
        used = self.graded & (groups >= 0)
        place = self.items[used] * count + groups[used]
        cells = len(self.names) * count
        asked = np.bincount(place, minlength=cells)
        right = np.bincount(place, weights=self.right[used], minlength=cells)
        shares = np.divide(right, asked, out=np.full(cells, np.nan), where=asked > 0)
        return shares.reshape(len(self.names), count)
