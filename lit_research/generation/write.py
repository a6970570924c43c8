"""``write_texts``: a whole job, from prompts to a ``datasets`` folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeAlias

from lit_research.errors import UserError
from lit_research.generation.job import TextJob
from lit_research.generation.progress import RowProgress
from lit_research.generation.rows import Prompt, Refuse, check_prompts, is_rejected, row_seed
from lit_research.generation.shards import COUNTED
from lit_research.lm.engines import Engine, Sampling
from lit_research.ranges import COUNT, Range, check_range

Counts: TypeAlias = "tuple[int, int]"  # rows of a shard, and how many have no usable text
WHERE = "in write_texts"


def write_texts(
    engine: Engine,
    prompts: Sequence[Prompt],
    folder: str | Path,
    sampling: Sampling,
    *,
    kind: str,
    card: Mapping[str, Any] | None = None,
    refuse: Refuse | None = None,
    max_failed: float = 0.1,
    shard_size: int = 64,
    shards_at_once: int = 1,
    rank: int = 0,
    world_size: int = 1,
) -> bool:
    """Write texts for all prompts into a ``datasets`` folder (see ``TextJob``), or resume the job.

    A text is a function of the engine, the sampling and its prompt's index: the number of ranks,
    ``shards_at_once`` and interruptions do not change it. Ranks do not communicate: each writes
    its part of the shards, and the last one to finish writes the folder.

    Args:
        engine: generates the texts; its ``card`` is part of the job's.
        prompts: of all ranks, the same on each; anything with ``len`` and indices.
        folder: the ``datasets`` folder; a complete one of the same job is left alone.
        sampling: with ``n`` texts for each prompt; ``seed`` is the job's, a single number.
        kind: what the texts are, a column of every row.
        card: what else determines the texts (such as a template); plain JSON data.
        refuse: returns what is wrong with a text, or None; the function's name is part of the card.
        max_failed: maximum share of a shard's rows that the engine may fail to write.
        shard_size: prompts in a shard, which is what an interruption loses. The engine gets them
            together, so use at least its batch size or number of connections.
        shards_at_once: shards written concurrently, for the engine of a server: its connections
            stay busy while a shard waits for its last long text. An interruption loses as many.
        rank: of this process.
        world_size: number of processes.

    Returns:
        Whether the folder is complete; False while other ranks have shards to write.

    Raises:
        UserError: an option is out of range, prompts are invalid (see ``check_prompts``), another
            job was started in the folder, or too many texts failed.
    """
    sizes = {"shard_size": shard_size, "shards_at_once": shards_at_once, "world_size": world_size}
    _check_options(engine, sampling, sizes, rank)
    of_job = {
        "kind": kind,
        "refuse": _name_of(refuse),
        "prompts": len(prompts),
        "prompts_hash": check_prompts(prompts),
        "shard_size": shard_size,
    }
    job_card = _card(engine, sampling, card or {}, of_job)
    job = TextJob(folder, job_card, kind=kind, refuse=refuse, max_failed=max_failed)
    count = -(-len(prompts) // shard_size)
    of_rank = range(count)[rank::world_size]

    def indices(shard: int) -> range:
        return range(shard * shard_size, min((shard + 1) * shard_size, len(prompts)))

    def write(shard: int) -> Counts:
        seeds = [row_seed(int(sampling.seed), index) for index in indices(shard)]  # type: ignore[arg-type]
        of_shard = [prompts[index] for index in indices(shard)]
        rows = job.write(shard, engine, of_shard, dataclasses.replace(sampling, seed=seeds))
        return len(rows), sum(is_rejected(row["finish_reason"]) for row in rows)

    if not job.is_finished():
        missing = [shard for shard in of_rank if not job.has(shard)]
        total = sampling.n * sum(len(indices(shard)) for shard in of_rank)
        done = total - sampling.n * sum(len(indices(shard)) for shard in missing)
        with RowProgress(job.what, total=total, done=done) as progress:
            for written, rejected in _each(write, missing, shards_at_once):
                progress.add(written, rejected)
    return job.finish(count)


def _each(write: Callable[[int], Counts], shards: Sequence[int], at_once: int) -> Iterator[Counts]:
    """Yield the counts of the shards as they are written; after an error no new one is started."""
    if at_once == 1:
        yield from map(write, shards)
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="shard") as pool:
        try:
            for future in as_completed([pool.submit(write, shard) for shard in shards]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_options(engine: Engine, sampling: Sampling, sizes: Mapping[str, int], rank: int) -> None:
    check_range(COUNT, WHERE, **sizes)
    check_range(Range(at_least=0, at_most=sizes["world_size"] - 1), WHERE, rank=rank)
    if not isinstance(sampling.seed, int):
        raise UserError(f"seed is a list, {WHERE}; must be one number, the seed of the job")
    if sizes["shards_at_once"] > 1 and not engine.thread_safe:
        raise UserError(
            f"shards_at_once is {sizes['shards_at_once']}, {WHERE}, and a {type(engine).__name__} "
            "writes one at a time; must be 1 (use a larger shard_size instead)"
        )


def _card(
    engine: Engine, sampling: Sampling, callers: Mapping[str, Any], of_job: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the card of a job: the caller's, and what the job adds to it."""
    card = {**engine.card(), "sampling": vars(sampling) | {"stop": list(sampling.stop)}, **of_job}
    if taken := sorted(callers.keys() & (card.keys() | COUNTED)):
        raise UserError(
            f"card has {taken[0]!r}, {WHERE}; give it another name, since the job writes that one"
        )
    return {**callers, **card}


def _name_of(refuse: Refuse | None) -> str | None:
    """Return the name of a function in the card."""
    if refuse is None:
        return None
    name = getattr(refuse, "__qualname__", "<")
    if "<" in name:
        raise UserError(
            f"refuse is {refuse!r}, {WHERE}; must be a function of a module, whose name identifies "
            "it in the card"
        )
    return f"{refuse.__module__}.{name}"
