"""Counts that reconcile: no row of a step is lost, doubled, or comes from nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.errors import UserError
from lit_research.stages.stage import Rejected

if TYPE_CHECKING:
    import pyarrow as pa

MADE = ("parents", "stage", "config")
"""Columns of the lineage of a row: ids that it was made from; the step that made it; its hash."""


def check_shard(
    before: pa.Table | None, after: pa.Table, rejected: Sequence[Rejected], where: str
) -> None:
    """Stop unless every row of a shard is accounted for.

    Args:
        before: the input rows; None of a source.
        after: the rows that go on.
        rejected: the others.
        where: the step, for the message.

    Raises:
        UserError: two rows have one id, an input row is neither kept nor rejected nor a parent, or
            a row comes from none of the input rows.
    """
    ids = column(after, "id", where)
    if len(set(ids)) < len(ids):
        double = Counter(ids).most_common(1)[0][0]
        raise UserError(f"two rows have the id {double!r}, {where}; must be unique")
    if before is None:
        return
    known = set(column(before, "id", where))
    parents = column(after, "parents", where) if "parents" in after.column_names else []
    seen = {one.row.get("id") for one in rejected}
    for place, name in enumerate(ids):
        if name in known:
            seen.add(name)
            continue
        made_from = parents[place] if parents else None
        if not made_from or not known.issuperset(made_from):
            raise UserError(
                f"the row {name!r} comes from {made_from or 'no row'}, {where}; must keep the id "
                "of an input row, or name the ids of input rows in 'parents'"
            )
        seen.update(made_from)
    if lost := known - seen:
        raise UserError(
            f"{len(lost)} of {len(known)} input rows are lost, {where} (such as {min(lost)!r}); "
            "each must be kept, rejected with a reason, or be the parent of a row"
        )
    if unknown := seen - known:
        raise UserError(
            f"a rejected row has the id {min(map(str, unknown))!r}, {where}; must be that of an "
            "input row"
        )


def check_unique(tables: Callable[[], Iterable[pa.Table]], where: str) -> None:
    """Stop if two rows of all shards have one id.

    Args:
        tables: returns the rows of each shard; of each id, 8 bytes are kept.
        where: the step, for the message.

    Raises:
        UserError: they have.
    """
    parts = [np.fromiter(map(hash, rows["id"].to_pylist()), np.int64) for rows in tables()]
    hashes = np.sort(np.concatenate(parts))
    if (hashes[1:] == hashes[:-1]).any():  # of two different ids, hardly ever
        ids = chain.from_iterable(rows["id"].to_pylist() for rows in tables())
        name, count = Counter(ids).most_common(1)[0]
        if count > 1:
            raise UserError(f"two rows have the id {name!r}, {where}; must be unique")


def column(rows: pa.Table, name: str, where: str) -> list[Any]:
    """Return the values of a column; refuse a table without it."""
    if name not in rows.column_names:
        raise UserError(
            f"rows have no column {name!r}, {where}; they have {', '.join(rows.column_names)}"
        )
    return rows[name].to_pylist()


def totals(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums of the counts of shards."""
    taken, out, reasons = 0, 0, Counter[str]()
    for one in counts:
        taken += one["in"]
        out += one["out"]
        reasons.update(one["rejected"])
    return {"in": taken, "out": out, "rejected": dict(reasons.most_common())}


def check_totals(counts: Mapping[str, Any], sent: int, where: str) -> None:
    """Stop unless a step has taken as many rows as its inputs have sent.

    Raises:
        UserError: it has not.
    """
    if counts["in"] != sent:
        raise UserError(
            f"{counts['in']} rows were taken where the steps before have {sent}, {where}; a shard "
            "was changed after it was written: delete the folder of this step"
        )


def flow_table(steps: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the counts of a pipeline as Markdown: what came in, what went on, why rows did not.

    Args:
        steps: counts of each step, by its name, in order.
    """
    lines = ["| step | in | out | rejected |", "|---|--:|--:|---|"]
    for name, counts in steps.items():
        why = ", ".join(f"{count:,} {reason}" for reason, count in counts["rejected"].items())
        lines.append(f"| {name} | {counts['in']:,} | {counts['out']:,} | {why or '-'} |")
    return "\n".join(lines)
