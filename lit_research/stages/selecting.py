"""Running a selection: it sees a little of all rows, and then each shard is written by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lit_research.stages.job import Job
from lit_research.stages.reconcile import check_unique
from lit_research.stages.stage import Reasons, Selection, split

if TYPE_CHECKING:
    import pyarrow as pa


def select(job: Job, add: Any) -> None:
    """Choose among all rows, and write each shard."""
    shards = job.shards()
    if all(job.files.has(index) for index in range(len(shards))):
        return
    found = _chosen(job)
    start = 0
    for index, (files, shard) in enumerate(shards):
        table = files.read(shard)
        part = slice(start, start + len(table))
        start += len(table)
        if not job.files.has(index):
            reasons = Reasons(found.reasons[part], found.details[part] if found.details else ())
            job.files.write(index, *split(table, reasons), len(table))
        add(1)


def _chosen(job: Job) -> Reasons:
    """Return what a selection says of all rows; no table stays mapped into memory."""
    import pyarrow as pa

    assert isinstance(job.stage, Selection)
    tables = [_seen(job.stage, files.read(shard)) for files, shard in job.shards()]
    if len(job.inputs) > 1:
        check_unique(lambda: tables, job.where)
    sizes = [one.counts["out"] for one in job.inputs]
    inputs = np.repeat(np.arange(len(sizes)), sizes)
    whole = pa.concat_tables(tables, promote_options="permissive")
    return job.stage.choose(whole, inputs, job.seed)


def _seen(stage: Selection, rows: pa.Table) -> pa.Table:
    import pyarrow as pa

    found = stage.seen(rows)
    if found is rows:
        return rows
    # A copy: a column of a file keeps all of the file mapped.
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, found.schema) as writer:
        writer.write_table(found)
    return pa.ipc.open_stream(sink.getvalue()).read_all()
