"""bespokelabs-curator as its users run it, in an environment of its own, with its cache.

Left out is what would slow it down here: telemetry, the display, and the tokenizer that it
downloads to count tokens, in whose place stands one of bytes.
"""

import os
from collections.abc import Callable
from typing import Any

Rows = Any  # of the package datasets


def set_up(folder: str) -> None:
    """Set the variables that it reads, with caches in a folder."""
    os.environ |= {
        "OPENAI_API_KEY": "none",
        "TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "CURATOR_CACHE_DIR": f"{folder}/curator",
        "HF_HOME": f"{folder}/hub",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }


def writer(url: str, concurrency: int, asked: str, answered: str) -> Callable[[list[str]], Rows]:
    """Return what asks a server, and gives the rows with the answers.

    Args:
        url: of the server.
        concurrency: requests at once.
        asked: column of the prompts.
        answered: column of the answers.
    """
    import tiktoken

    ranks = {bytes([value]): value for value in range(256)}
    bytewise = tiktoken.Encoding("bytes", pat_str=".", mergeable_ranks=ranks, special_tokens={})
    tiktoken.get_encoding = tiktoken.encoding_for_model = lambda name: bytewise
    from bespokelabs import curator
    from datasets import Dataset

    class Writer(curator.LLM):
        def prompt(self, row: dict[str, str]) -> str:
            return row[asked]

        def parse(self, row: dict[str, str], response: str) -> dict[str, str]:
            return {answered: response}

    limits = {"max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10}
    made = Writer(
        model_name="m",
        backend="openai",
        backend_params={"base_url": url, "max_concurrent_requests": concurrency, **limits},
        generation_params={"max_tokens": 4},
    )

    def write(prompts: list[str]) -> Rows:
        found = made(Dataset.from_list([{asked: prompt} for prompt in prompts]))
        return getattr(found, "dataset", found)

    return write
