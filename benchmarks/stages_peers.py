"""distilabel or curator on three stages, in an environment of its own: they ask for other versions.

    PYTHON benchmarks/stages_peers.py distilabel
    PYTHON benchmarks/stages_peers.py curator URL CONCURRENCY

Each line of the input, ``COUNT TAG``, is a job: so many questions, an answer to each by a stub of
a model, and a filter that leaves out one in five. The answer is a line of JSON with its seconds,
those of the processor with those of its processes, and the answers that are kept. Both run as
their users run them, with their caches, but for telemetry and display, and with batches as large
as ours; in place of the tokenizer that curator downloads to count tokens stands one of bytes.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from benchmarks.curator_peer import set_up, writer
from benchmarks.stages_graph import is_kept, question


def curator(url: str, concurrency: int) -> Callable[[int, str], list[str]]:
    """Return what runs a job with curator; the stub is a server."""
    write = writer(url, concurrency, "question", "answer")

    def run(count: int, tag: str) -> list[str]:
        rows = write([question(tag, number) for number in range(count)])
        return list(rows.filter(lambda row: is_kept(row["answer"]))["answer"])

    return run


def cpu_s() -> float:
    """Return the seconds of the processor of this process and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Run a job for each line of the input."""
    with tempfile.TemporaryDirectory() as folder:
        serve(folder)


def serve(folder: str) -> None:
    """Run the jobs, with caches in a folder."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # they write to the output as they like
    set_up(folder)
    run: Callable[[int, str], list[str]]
    name, *rest = sys.argv[1:]
    if name == "distilabel":
        from benchmarks import stages_distilabel

        run = stages_distilabel.run
    else:
        run = curator(rest[0], int(rest[1]))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        count, tag = line.split()
        wall, cpu = time.perf_counter(), cpu_s()
        texts = run(int(count), tag)
        done = {"wall_s": time.perf_counter() - wall, "cpu_s": cpu_s() - cpu, "texts": texts}
        print(json.dumps(done), file=answers, flush=True)


if __name__ == "__main__":
    main()
