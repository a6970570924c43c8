"""A job that asks a server and keeps its answers; a test kills its process on the way."""

from __future__ import annotations

from pathlib import Path

from lit_research.generation import Prompt, write_texts
from lit_research.lm.engines import OpenAIEngine, Sampling, StoredEngine

N, AT_ONCE = 4, 8  # texts of a document; requests under way


def engine_of(
    url: str, folder: Path, *, at_once: int = AT_ONCE, down_s: float = 60.0
) -> StoredEngine:
    """Return the engine of the job, whose answers are kept in a folder."""
    engine = OpenAIEngine(
        url,
        "m",
        max_concurrency=at_once,
        n_per_request=1,
        timeout_s=1.0,
        retries=1,
        down_s=down_s,
    )
    return StoredEngine(engine, str(folder / "answers.sqlite"))


def prompts(documents: int) -> tuple[list[Prompt], Sampling]:
    """Return the prompts of a job and how they are answered."""
    numbers = range(documents)
    return [Prompt(f"document {k}", id=f"d{k}") for k in numbers], Sampling(8, n=N, seed=1)


def write(
    url: str, folder: Path, documents: int, at_once: int = AT_ONCE, down_s: float = 60.0
) -> bool:
    """Write the texts; return whether all are there."""
    asked, sampling = prompts(documents)
    engine = engine_of(url, folder, at_once=at_once, down_s=down_s)
    return write_texts(engine, asked, folder / "texts", sampling, kind="text", shard_size=50)
