"""Which rows are kept, n of them: at random, or those with the most or the least of a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lit_research.errors import UserError
from lit_research.ranges import COUNT, check_range
from lit_research.stages import Reasons, Selection, Starved, priorities

if TYPE_CHECKING:
    import pyarrow as pa

Order = Literal["highest", "lowest"]


class Keep(Selection):
    """Keeps exactly n rows. Equal ones are kept at random.

    Args:
        n: rows to keep.
        by: column of numbers or, for its length, of text; None: at random.
        order: whether the rows with the highest or the lowest values are kept.

    Raises:
        UserError: n is below 1.
    """

    def __init__(self, n: int, by: str | None = None, order: Order = "highest") -> None:
        check_range(COUNT, "in Keep", n=n)
        self.n, self._by, self._order = n, by, order

    def card(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"n": self.n, "by": self._by, "order": self._order}

    def seen(self, rows: pa.Table) -> pa.Table:
        """Return the ids and the values."""
        import pyarrow as pa

        return pa.table({"id": rows["id"], "value": self._values(rows)})

    def choose(self, rows: pa.Table, inputs: np.ndarray, seed: int) -> Reasons:
        """Return which rows are not kept."""
        values = rows["value"].to_numpy().astype(float)
        usable = np.flatnonzero(~np.isnan(values))
        if len(usable) < self.n:
            of = "rows" if self._by is None else f"rows with a value in {self._by!r}"
            raise Starved(self.n, len(usable), of)
        signed = values if self._order == "lowest" else -values
        order = np.lexsort((priorities(_ids(rows), seed), signed))
        what = "not drawn" if self._by is None else f"not among the {self._order} of {self._by}"
        reasons: list[str | None] = [what] * len(rows)
        for place in np.flatnonzero(np.isnan(values)).tolist():
            reasons[place] = f"no {self._by}"
        for place in order[: self.n].tolist():  # nan sorts last
            reasons[place] = None
        return Reasons(reasons)

    def _values(self, rows: pa.Table) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._by is None:
            return np.zeros(len(rows))
        if self._by not in rows.column_names:
            raise UserError(
                f"rows have no column {self._by!r}, in Keep; they have "
                f"{', '.join(rows.column_names)}: score them in a step before"
            )
        column: Any = rows[self._by]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.utf8_length(column)
        return column.cast(pa.float64())


class Mix(Selection):
    """Keeps n rows of the first m inputs, n / m of each, at random (the paper's step 2).

    Inputs are sources in the order of their rank, the best first. Where m does not divide n, the
    first ones give one more.

    Args:
        n: rows in all.
        m: how many sources are used.

    Raises:
        UserError: a number below 1, or more sources than rows.
    """

    def __init__(self, n: int, m: int) -> None:
        check_range(COUNT, "in Mix", n=n, m=m)
        if m > n:
            raise UserError(f"m is {m} and n is {n}, in Mix; must be at least a row of each source")
        self.n, self.m = n, m

    def card(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"n": self.n, "m": self.m}

    def quotas(self) -> list[int]:
        """Return the rows of each source."""
        return [self.n // self.m + (place < self.n % self.m) for place in range(self.m)]

    def seen(self, rows: pa.Table) -> pa.Table:
        """Return the ids."""
        return rows.select(["id"])

    def choose(self, rows: pa.Table, inputs: np.ndarray, seed: int) -> Reasons:
        """Return which rows are not kept."""
        if (found := len(np.unique(inputs))) < self.m:
            raise Starved(self.m, found, "sources")
        drawn = priorities(_ids(rows), seed)
        reasons: list[str | None] = ["of a source that is not used"] * len(rows)
        for source, quota in enumerate(self.quotas()):
            places = np.flatnonzero(inputs == source)
            if len(places) < quota:
                raise Starved(quota, len(places), f"rows of source {source}")
            for place in places.tolist():
                reasons[place] = "not drawn"
            for place in places[np.argsort(drawn[places])[:quota]].tolist():
                reasons[place] = None
        return Reasons(reasons)


def _ids(rows: pa.Table) -> Iterator[str]:
    return (one for chunk in rows["id"].chunks for one in chunk.to_pylist())
