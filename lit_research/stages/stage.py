"""What a stage is: rows in, rows out, and a reason for every row that does not come through."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Row = dict[str, Any]
"""Columns and their values."""


@dataclass(frozen=True)
class Rejected:
    """A row that a stage does not let through, or that it failed to make.

    Attributes:
        row: it, as far as it was made; ``id`` is that of the input row it comes from.
        reason: counted; the same words for all rows of a kind.
        detail: what is particular to this row: the row it duplicates, the error of an engine.
    """

    row: Row
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Reasons:
    """Why rows of a table are rejected.

    Attributes:
        reasons: one for each row, None where the row is kept, ``[N]``.
        details: of each row; empty: no row has one.
    """

    reasons: Sequence[str | None]
    details: Sequence[str] = ()


class Stage(ABC):
    """One step of a pipeline: a function of rows, its arguments and a seed, and of nothing else.

    What it computes is kept under a hash of ``card()``, its seed and its inputs, so a card must
    hold all that the output depends on; a changed implementation gets another ``version``.
    """

    version: int = 1
    max_rejected: float = 1.0
    """Largest share of the input rows that may be rejected, checked from ``CHECK_AFTER`` rows on:
    a server may be down."""
    in_process: bool = False
    """Whether it needs this process, as an engine on its device does, and never a worker."""

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """Return what the output depends on, as plain JSON data."""

    def measured(self) -> dict[str, Any]:
        """Return what is measured of the stage itself, as plain JSON data; nothing, by default.

        It is asked once, when the rows are complete, and kept in the step's card: how often a
        verifier errs, say.
        """
        return {}

    @property
    def name(self) -> str:
        """The name of its class, for messages."""
        return type(self).__name__

    def identity(self) -> dict[str, Any]:
        """Return the card with the class and the version."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return {"class": path, "version": self.version, **self.card()}


class Source(Stage):
    """Where rows come from. It has no input; each shard must be a function of its index."""

    @abstractmethod
    def shard_count(self) -> int:
        """Return the number of shards."""

    @abstractmethod
    def shard(self, index: int, seed: int) -> pa.Table:
        """Return the rows of a shard: any columns, a string ``id`` that is unique among them."""


class ShardStage(Stage):
    """Works on each shard by itself, so that shards can be computed anywhere, in any order."""

    @abstractmethod
    def run(self, rows: pa.Table, seed: int) -> tuple[pa.Table, list[Rejected]]:
        """Return the rows that go on, and those that do not.

        Every input row must be among the rejected, or be the parent (or itself, unchanged) of a
        row that goes on.

        Args:
            rows: of a shard.
            seed: of the shard.
        """


class RowStage(ShardStage):
    """Makes rows from rows, as Python dictionaries.

    A row that it makes has the ``id`` of the input row where it stands for it, or a new one and
    ``parents``: the ids of the rows of this shard that it was made from.
    """

    @abstractmethod
    def rows(self, rows: list[Row], seed: int) -> Iterable[Row | Rejected]:
        """Yield what becomes of the rows of a shard."""

    def columns(self) -> Mapping[str, pa.DataType]:
        """Return the types of the columns that its rows have beyond those of the input."""
        return {}

    def run(self, rows: pa.Table, seed: int) -> tuple[pa.Table, list[Rejected]]:
        """Return the rows that go on, and those that do not."""
        import pyarrow as pa

        made: list[Row] = []
        rejected: list[Rejected] = []
        for row in self.rows(rows.to_pylist(), seed):
            if isinstance(row, Rejected):
                rejected.append(row)
            else:
                made.append(row)
        schema = rows.schema
        for column, dtype in self.columns().items():
            if column in schema.names:
                schema = schema.remove(schema.get_field_index(column))
            schema = schema.append(pa.field(column, dtype))
        return pa.Table.from_pylist(made, schema), rejected


class Filter(ShardStage):
    """Keeps rows or rejects them, each by itself."""

    @abstractmethod
    def reasons(self, rows: pa.Table) -> Reasons:
        """Return why rows of a shard are rejected."""

    def run(self, rows: pa.Table, seed: int) -> tuple[pa.Table, list[Rejected]]:
        """Return the rows that go on, and those that do not."""
        return split(rows, self.reasons(rows))


class Selection(Stage):
    """Keeps rows or rejects them in the light of all others: duplicates, the n best."""

    def seen(self, rows: pa.Table) -> pa.Table:
        """Return what is needed of the rows of a shard: ``id``, and as little else as may be.

        That of all shards is in memory at once. By default it is the rows themselves, mapped from
        the disk as they are used.
        """
        return rows

    @abstractmethod
    def choose(self, rows: pa.Table, inputs: np.ndarray, seed: int) -> Reasons:
        """Return why rows are rejected.

        Args:
            rows: what ``seen`` returned of all inputs, in order.
            inputs: which input each row comes from, ``[N]``.
            seed: of the stage.

        Raises:
            Starved: there are too few rows to choose from.
        """


class Starved(Exception):  # noqa: N818  (it is turned into a UserError by who knows the pipeline)
    """A selection has fewer rows than it must keep.

    Args:
        needed: rows that it must keep.
        found: rows that there are.
        of: which rows, where not all are meant.
    """

    def __init__(self, needed: int, found: int, of: str = "rows") -> None:
        super().__init__(f"{found} {of} where {needed} are needed")


def split(rows: pa.Table, found: Reasons) -> tuple[pa.Table, list[Rejected]]:
    """Return the rows without a reason, and the others with theirs."""
    import pyarrow as pa

    if len(found.reasons) != len(rows):
        raise ValueError(f"{len(found.reasons)} reasons for {len(rows)} rows; must be one for each")
    is_kept = pa.array([reason is None for reason in found.reasons], pa.bool_())
    places = [place for place, reason in enumerate(found.reasons) if reason is not None]
    left_out = rows.take(pa.array(places, pa.int64())).to_pylist()
    details = [found.details[place] for place in places] if found.details else [""] * len(places)
    rejected = [
        Rejected(row, str(found.reasons[place]), detail)
        for row, place, detail in zip(left_out, places, details, strict=True)
    ]
    return rows.filter(is_kept), rejected
