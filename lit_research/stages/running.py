"""Running one step: its shards here or on workers, each once; its counts; its card."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.progress import counting
from lit_research.seeds import derive_seed
from lit_research.stages.job import Job, Outcome
from lit_research.stages.reconcile import (
    MADE,
    check_shard,
    check_totals,
    check_unique,
    flow_table,
    totals,
)
from lit_research.stages.selecting import select
from lit_research.stages.shard_files import ShardFiles
from lit_research.stages.stage import (
    Filter,
    Rejected,
    Selection,
    ShardStage,
    Source,
    Stage,
    Starved,
)

if TYPE_CHECKING:
    import pyarrow as pa

CHECK_AFTER = 200
"""Input rows after which a stage that rejects more than its ``max_rejected`` is stopped."""
_AHEAD = 32  # shards given to an executor at once


def run_step(
    job: Job, before: Mapping[str, Mapping[str, Any]], executor: Executor | None, shown: bool
) -> Outcome:
    """Compute what is missing of a step.

    Args:
        job: the step.
        before: counts of the steps that were run before it, for messages.
        executor: computes shards in parallel.
        shown: whether a bar is drawn.

    Raises:
        UserError: rows do not reconcile, the step is starved, or too many rows are rejected.
    """
    card = job.files.read_card()
    if card is None:
        shards = job.shards()
        with counting(job.name, len(shards), unit="shards", delay=1.0, shown=shown) as add:
            try:
                if isinstance(job.stage, Selection):
                    select(job, add)
                else:
                    _each(job, shards, executor, add)
            except Starved as starved:
                raise UserError(
                    f"{starved}, {job.where}; {_most_rejecting(before)}\n{flow_table(before)}"
                ) from starved
        counts = totals(job.files.counts(shard) for shard in range(len(shards)))
        if not (job.is_subset and len(job.inputs) == 1):  # else its ids are its input's
            check_unique(lambda: map(job.files.read, range(len(shards))), job.where)
        if not isinstance(job.stage, Source):
            check_totals(counts, sum(one.counts["out"] for one in job.inputs), job.where)
        card = {
            "step": job.name,
            "stage": job.stage.identity(),
            "seed": job.seed,
            "config": job.config,
            "inputs": [one.card["config"] for one in job.inputs],
            "shards": len(shards),
            "counts": counts,
        }
        if measured := job.stage.measured():
            card["measured"] = measured
        job.files.write_card(card)
    return Outcome(job.files, card)


def _each(
    job: Job, shards: list[tuple[ShardFiles, int]], executor: Executor | None, add: Any
) -> None:
    """Compute the missing shards of a source or a stage of shards."""
    if job.stage.in_process:
        executor = None
    waiting: deque[Future[None]] = deque()
    seen, rejected = 0, 0
    for index, (files, shard) in enumerate(shards):
        if not job.files.has(index):
            task = (job.stage, job.seed, job.config, job.name, job.files, index, files, shard)
            if executor is None:
                _compute(*task)
            else:
                waiting.append(executor.submit(_compute, *task))
                while len(waiting) > _AHEAD:
                    waiting.popleft().result()
        if executor is None:
            counts = job.files.counts(index)
            seen, rejected = seen + counts["in"], rejected + sum(counts["rejected"].values())
            _check_rejected(job, seen, rejected)
        add(1)
    for future in waiting:
        future.result()
    counts = totals(job.files.counts(index) for index in range(len(shards)))
    _check_rejected(job, counts["in"], sum(counts["rejected"].values()))


def _check_rejected(job: Job, seen: int, rejected: int) -> None:
    if seen >= CHECK_AFTER and rejected > job.stage.max_rejected * seen:
        counts = totals(
            job.files.counts(index) for index in range(len(job.shards())) if job.files.has(index)
        )
        reason = next(iter(counts["rejected"]))
        raise UserError(
            f"{rejected} of the first {seen} rows are rejected (mostly: {reason}), {job.where}, "
            f"more than max_rejected ({job.stage.max_rejected:g}); what came is kept in "
            f"{job.files.folder}: mend the cause and run the same command again, or delete the "
            "folder"
        )


def _compute(
    stage: Stage,
    seed: int,
    config: str,
    name: str,
    target: ShardFiles,
    index: int,
    files: ShardFiles,
    shard: int,
) -> None:
    """Compute a shard and write it, in this process or a worker."""
    where = f"in the step {name!r} ({stage.name})"
    shard_seed = derive_seed("shard", seed, index) >> 1
    rejected: list[Rejected] = []
    if isinstance(stage, Source):
        before, after = None, stage.shard(index, shard_seed)
        taken = len(after)
    elif isinstance(stage, ShardStage):
        before = files.read(shard)
        after, rejected = stage.run(before, shard_seed)
        taken = len(before)
    else:
        raise TypeError(f"{stage.name} is no Source, ShardStage or Selection")
    if not isinstance(stage, Filter):  # its rows are its input's, whatever it says of them
        check_shard(before, after, rejected, where)
        after = with_lineage(before, after, name, config)
    target.write(index, after, rejected, taken)


def with_lineage(before: pa.Table | None, after: pa.Table, step: str, config: str) -> pa.Table:
    """Return rows with ``parents, stage, config``; a row that keeps its id keeps these, too."""
    import pyarrow as pa

    old: dict[str, tuple[Any, ...]] = {}
    if before is not None:
        names, *made = (before[column].to_pylist() for column in ("id", *MADE))
        old = dict(zip(names, zip(*made, strict=True), strict=True))
    ids = after["id"].to_pylist()
    parents = [None] * len(ids)
    if "parents" in after.column_names:
        parents = after["parents"].to_pylist()
    lineage = [
        old.get(one) or (made_from or [], step, config)
        for one, made_from in zip(ids, parents, strict=True)
    ]
    rows = after.drop_columns([column for column in MADE if column in after.column_names])
    types = (pa.list_(pa.string()), pa.string(), pa.string())
    for place, (column, dtype) in enumerate(zip(MADE, types, strict=True)):
        values = pa.array([row[place] for row in lineage], dtype)
        rows = rows.append_column(pa.field(column, dtype), values)
    return rows


def _most_rejecting(before: Mapping[str, Mapping[str, Any]]) -> str:
    """Return which step has rejected the most rows."""
    rejected = {name: sum(counts["rejected"].values()) for name, counts in before.items()}
    name = max(rejected, key=lambda key: rejected[key], default=None)
    if name is None or not rejected[name]:
        return "no step before has rejected any: give a larger source"
    counts = before[name]
    return f"most rows were lost in {name!r}: {rejected[name]} of {counts['in']}"
