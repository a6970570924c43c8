"""bespokelabs-curator on the stub, in an environment of its own: it asks for other versions.

    PYTHON benchmarks/generation_peer.py URL CONCURRENCY

Each line of the input, ``COUNT LENGTH TAG``, is a job of so many prompts; the answer is a line of
JSON with its seconds, the seconds of the processor and the texts. See ``curator_peer``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from benchmarks.curator_peer import set_up, writer


def main() -> None:
    """Run a job for each line of the input."""
    url, concurrency = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # it writes to the output as it likes
    set_up(tempfile.mkdtemp())
    write = writer(url, concurrency, "prompt", "text")
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        count, length, tag = line.split()
        texts = [f"{tag} {number} ".ljust(int(length), "x") for number in range(int(count))]
        wall, cpu = time.perf_counter(), time.process_time()
        rows = write(texts)["text"]
        done = {
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "texts": list(rows),
        }
        print(json.dumps(done), file=answers, flush=True)


if __name__ == "__main__":
    main()
