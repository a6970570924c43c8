"""datatrove's four stages of MinHash deduplication, in an environment of its own.

    PYTHON benchmarks/deduplication_peer.py FILE BANDS ROWS SHINGLE

``FILE`` has a document a line, as JSON with ``text`` and ``id``. Prints one line of JSON: seconds
of the stages, imports left out, and the ids of the documents that are kept. One process; words are
what spaces separate, as for us, which is faster than the tokenizer that it takes.
"""

import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
    minhash,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter


class _Words:
    """Words that spaces separate."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()


def deduplicate(file: Path, work: Path, config: MinhashConfig) -> list[str]:
    """Run the four stages in a folder, and return the ids of what is kept."""
    signatures, buckets, removed, kept = (str(work / name) for name in "abcd")
    minhash.load_word_tokenizer = lambda language: _Words()
    signer = MinhashDedupSignature(signatures, config)
    reader = JsonlReader(str(file.parent), glob_pattern=file.name)
    bands = MinhashDedupBuckets(signatures, buckets, config=config)
    cluster = MinhashDedupCluster(buckets, removed, config=config)
    last = [reader, MinhashDedupFilter(removed), JsonlWriter(kept, compression=None)]
    for number, (stages, tasks) in enumerate(
        [([reader, signer], 1), ([bands], config.num_buckets), ([cluster], 1), (last, 1)]
    ):
        logs = str(work / f"logs-{number}")
        LocalPipelineExecutor(stages, tasks=tasks, workers=1, logging_dir=logs).run()
    lines = (line for path in sorted(Path(kept).glob("*.jsonl")) for line in path.open())
    return [json.loads(line)["id"] for line in lines]


def command() -> None:
    """Time one deduplication."""
    file, *sizes = sys.argv[1:]
    bands, rows, shingle = map(int, sizes)
    config = MinhashConfig(n_grams=shingle, num_buckets=bands, hashes_per_bucket=rows)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        start = time.perf_counter()
        kept = deduplicate(Path(file), Path(folder), config)
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "kept": kept}))


if __name__ == "__main__":
    command()
