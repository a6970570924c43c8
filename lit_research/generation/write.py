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

Counts: TypeAlias = "tuple[int, int]"  # rows of a shard, and those of them without a usable text
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
    """Write texts for all prompts into a ``datasets`` folder (see ``TextJob``); resume if begun.

    A text depends on the engine, the sampling and its prompt's number alone: not on the number of
    ranks, on ``shards_at_once`` or on interruptions. Ranks need not know each other: each writes
    its part of the shards, and the one that finds the last of them writes the folder.

    Args:
        engine: writes the texts; its ``card`` goes into the job's.
        prompts: of all ranks, the same in each; anything with ``len`` and indices.
        folder: the ``datasets`` folder; a complete one of the same job is left alone.
        sampling: how, with ``n`` texts a prompt; ``seed`` is the job's, a number.
        kind: what the texts are, a column of every row.
        card: what else determines the texts (a template, say); plain JSON data.
        refuse: says what is wrong with a text, or None; a function whose name goes into the card.
        max_failed: share of a shard's rows that the engine may fail to write.
        shard_size: prompts of a shard, the most that a kill loses; an engine runs them together, so
            give at least its batch size or number of connections.
        shards_at_once: shards in the making, for an engine of a server: its connections then stay
            busy while the last long text of a shard is written. A kill loses as many.
        rank: of this process.
        world_size: number of processes.

    Returns:
        Whether the folder is complete; it is not while other ranks write.

    Raises:
        UserError: an option is out of range, prompts make no job (see ``check_prompts``), another
            job was begun in the folder, or too many texts failed.
    """
    sizes = {"shard_size": shard_size, "shards_at_once": shards_at_once, "world_size": world_size}
    _check_options(engine, sampling, sizes, rank)
    own = {
        "kind": kind,
        "refuse": _name_of(refuse),
        "prompts": len(prompts),
        "prompts_hash": check_prompts(prompts),
        "shard_size": shard_size,
    }
    whole_card = _card(engine, sampling, card or {}, own)
    job = TextJob(folder, whole_card, kind=kind, refuse=refuse, max_failed=max_failed)
    count = -(-len(prompts) // shard_size)
    mine = range(count)[rank::world_size]

    def numbers(shard: int) -> range:
        return range(shard * shard_size, min((shard + 1) * shard_size, len(prompts)))

    def write(shard: int) -> Counts:
        seeds = [row_seed(int(sampling.seed), number) for number in numbers(shard)]  # type: ignore[arg-type]
        of_shard = [prompts[number] for number in numbers(shard)]
        rows = job.write(shard, engine, of_shard, dataclasses.replace(sampling, seed=seeds))
        return len(rows), sum(is_rejected(row["finish_reason"]) for row in rows)

    if not job.is_finished():
        missing = [shard for shard in mine if not job.has(shard)]
        total = sampling.n * sum(len(numbers(shard)) for shard in mine)
        done = total - sampling.n * sum(len(numbers(shard)) for shard in missing)
        with RowProgress(job.what, total=total, done=done) as progress:
            for written, rejected in _each(write, missing, shards_at_once):
                progress.add(written, rejected)
    return job.finish(count)


def _each(write: Callable[[int], Counts], shards: Sequence[int], at_once: int) -> Iterator[Counts]:
    """Yield the counts of the shards as they are written; after an error no new one is begun."""
    if at_once == 1:
        yield from map(write, shards)
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="shard") as pool:
        try:
            for done in as_completed([pool.submit(write, shard) for shard in shards]):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_options(engine: Engine, sampling: Sampling, sizes: Mapping[str, int], rank: int) -> None:
    check_range(COUNT, WHERE, **sizes)
    check_range(Range(at_least=0, at_most=sizes["world_size"] - 1), WHERE, rank=rank)
    if not isinstance(sampling.seed, int):
        raise UserError(f"seed is a list, {WHERE}; give one number, the seed of the job")
    if sizes["shards_at_once"] > 1 and not engine.thread_safe:
        raise UserError(
            f"shards_at_once is {sizes['shards_at_once']}, {WHERE}, and a {type(engine).__name__} "
            "writes one at a time; give 1, or a larger shard_size"
        )


def _card(
    engine: Engine, sampling: Sampling, given: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the card of a job: what was given, and what the job knows itself."""
    card = {**engine.card(), "sampling": vars(sampling) | {"stop": list(sampling.stop)}, **own}
    if taken := sorted(given.keys() & (card.keys() | COUNTED)):
        raise UserError(
            f"card has {taken[0]!r}, {WHERE}; the job writes that itself: give it another name"
        )
    return {**given, **card}


def _name_of(refuse: Refuse | None) -> str | None:
    """Return the name that the card knows a function by."""
    if refuse is None:
        return None
    name = getattr(refuse, "__qualname__", "<")
    if "<" in name:
        raise UserError(
            f"refuse is {refuse!r}, {WHERE}; give a function of a module, whose name tells one job "
            "from another"
        )
    return f"{refuse.__module__}.{name}"
