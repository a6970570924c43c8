"""bespokelabs-curator on the stub, in an environment of its own: it asks for other versions.

    PYTHON benchmarks/generation_peer.py URL CONCURRENCY

Each line of the input, ``COUNT LENGTH TAG``, is a job of so many prompts; the answer is a line of
JSON with its seconds, the seconds of the processor and the texts. It runs as its users run it, with
its cache, but for what would slow it down here: telemetry, the display, and the tokenizer that it
downloads to count tokens, in whose place stands one of bytes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time


def main() -> None:
    """Run a job for each line of the input."""
    url, concurrency = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # it writes to the output as it likes
    os.environ |= {
        "OPENAI_API_KEY": "none",
        "TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "CURATOR_CACHE_DIR": tempfile.mkdtemp(),
        "HF_HOME": tempfile.mkdtemp(),
    }
    import tiktoken

    ranks = {bytes([value]): value for value in range(256)}
    bytewise = tiktoken.Encoding("bytes", pat_str=".", mergeable_ranks=ranks, special_tokens={})
    tiktoken.get_encoding = tiktoken.encoding_for_model = lambda name: bytewise
    from bespokelabs import curator
    from datasets import Dataset

    class Writer(curator.LLM):
        def prompt(self, row: dict[str, str]) -> str:
            return row["prompt"]

        def parse(self, row: dict[str, str], response: str) -> dict[str, str]:
            return {"text": response}

    limits = {"max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10}
    writer = Writer(
        model_name="m",
        backend="openai",
        backend_params={"base_url": url, "max_concurrent_requests": concurrency, **limits},
        generation_params={"max_tokens": 4},
    )
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        count, length, tag = line.split()
        texts = [f"{tag} {number} ".ljust(int(length), "x") for number in range(int(count))]
        prompts = Dataset.from_list([{"prompt": text} for text in texts])
        wall, cpu = time.perf_counter(), time.process_time()
        found = writer(prompts)
        rows = getattr(found, "dataset", found)["text"]
        done = {
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "texts": list(rows),
        }
        print(json.dumps(done), file=answers, flush=True)


if __name__ == "__main__":
    main()
