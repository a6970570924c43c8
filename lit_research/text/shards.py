"""Arrays computed shard by shard, in parallel, and resumed after an interruption.

A shard is a run of consecutive texts. Its file is named by its number and a hash of its texts, so
that a run that is started again, after a kill or with more texts at the end, computes only what is
missing. Results do not depend on the executor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lit_research.files import replacing
from lit_research.storage import content_hash, writing

Item = TypeVar("Item")

_SHARDS_AHEAD = 16  # so that few texts wait in memory


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield lists of ``size`` consecutive items; the last one can be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def compute_shards(
    function: Callable[[list[str]], np.ndarray],
    shards: Iterable[list[str]],
    *,
    executor: Executor | None = None,
    folder: Path | None = None,
) -> Iterator[np.ndarray]:
    """Yield the array of each shard, in order.

    Args:
        function: makes an array with one row for each text of a shard. It goes to the workers with
            every shard: a process must be able to receive it.
        shards: the texts; read as they are needed.
        executor: computes shards in parallel; None does it here.
        folder: keeps each array in an atomically written file; None keeps none. What ``function``
            depends on must be part of its name. One process writes at a time.

    Raises:
        UserError: the folder cannot be written to.
    """
    waiting: deque[tuple[Path | None, list[str], Callable[[], np.ndarray]]] = deque()
    for number, texts in enumerate(shards):
        file = None
        if folder is not None:
            file = folder / f"{number:06d}-{content_hash(*texts)}.npy"
        waiting.append((file, texts, _result(function, file, texts, executor)))
        if executor is None or len(waiting) > _SHARDS_AHEAD:
            yield _kept(*waiting.popleft())
    while waiting:
        yield _kept(*waiting.popleft())


def _result(
    function: Callable[[list[str]], np.ndarray],
    file: Path | None,
    texts: list[str],
    executor: Executor | None,
) -> Callable[[], np.ndarray]:
    """Return what gives the array of a shard; with an executor, its computation has begun."""
    if _stored(file, texts) is None and executor is not None:
        return executor.submit(function, texts).result
    return lambda: function(texts)


def _kept(file: Path | None, texts: list[str], result: Callable[[], np.ndarray]) -> np.ndarray:
    """Return the array of a shard: the stored one, or the computed one, which is stored."""
    if (stored := _stored(file, texts)) is not None:
        return stored
    array = result()
    if file is not None:
        with (
            writing(file.parent),
            replacing(file, only_writer=True) as temporary,
            temporary.open("wb") as opened,
        ):
            np.save(opened, array, allow_pickle=False)
    return array


def _stored(file: Path | None, texts: list[str]) -> Any:
    """Return the stored array of a shard, memory-mapped; None if there is none that is whole."""
    if file is None or not file.exists():
        return None
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return None
    return array if len(array) == len(texts) else None
