"""A process that asks a server and keeps the answers; a test kills it on the way."""

from __future__ import annotations

from lit_research.lm.engines import OpenAIEngine, StoredEngine

COUNT, AT_ONCE = 40, 3  # prompts with two samples each; requests under way


def client(url: str, file: str) -> None:
    """Ask for everything."""
    engine = OpenAIEngine(url, "m", max_concurrency=AT_ONCE, n_per_request=1, down_s=0.0)
    prompts = [str(number) for number in range(COUNT)]
    StoredEngine(engine, file).generate(prompts, max_new_tokens=4, n=2)
