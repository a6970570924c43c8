"""A whole deduplication by MinHash: ours, and datatrove's four stages.

    python -m benchmarks.deduplication --datatrove VENV/bin/python    # 50,000 documents; minutes
    python -m benchmarks.deduplication --small                        # 500; writes nothing

Documents of 200 words, of which a fifth are copies of another one with one word changed: 16 bands
of 8 places miss one of 10 million such pairs. Both must keep the same documents
before a time counts. Ours is called twice: as datatrove works, from signatures alone, and with the
similarity of each pair checked, which is the default here. One process each, imports left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.duplicates import SETTINGS, documents
from benchmarks.pairing import interleave, publish, ratios
from lit_research.seeds import derive_seed
from lit_research.text import find_duplicates

COUNT, ROUNDS, SMALL = 50_000, 3, 500
COPIES = 5  # one document in so many is a copy, with another word
OURS, CHECKED, DATATROVE = "ours, from signatures", "ours, pairs checked", "datatrove"


def planted(count: int) -> tuple[list[str], list[int]]:
    """Return documents, and the rows of those that are no copies; a copy comes after its origin."""
    copies = count // COPIES
    texts = documents(count - copies)
    rng = np.random.default_rng(derive_seed("copies", 0))
    for row in rng.choice(count - copies, copies, replace=False).tolist():
        words = texts[row].split()
        words[rng.integers(len(words))] = "changed"
        texts.append(" ".join(words))
    return texts, list(range(count - copies))


def ours(texts: list[str], expected: list[int], exact: bool) -> float:
    """Return the seconds of our deduplication."""
    start = time.perf_counter()
    pairs = [(str(number), text) for number, text in enumerate(texts)]
    kept = find_duplicates(pairs, SETTINGS, threshold=0.5, exact=exact).kept
    spent = time.perf_counter() - start
    assert kept == expected, f"not equal work: {len(kept)} documents are kept"
    return spent


def datatrove(python: str, file: Path, expected: list[int]) -> float:
    """Return the seconds of datatrove's."""
    script = Path(__file__).with_name("deduplication_peer.py")
    sizes = [str(size) for size in (SETTINGS.bands, SETTINGS.rows, SETTINGS.shingle)]
    done = subprocess.run([python, script, file, *sizes], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{python} {script} failed:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    kept = sorted(map(int, answer["kept"]))
    assert kept == expected, f"not equal work: {len(kept)} documents are kept"
    return float(answer["seconds"])


def table(numbers: dict[str, list[float]], rows: list[dict[str, Any]], count: int) -> str:
    """Return all as Markdown."""
    lines = ["| way | us a document | ours / theirs [quartiles] |", "|---|--:|--:|"]
    for row in rows:
        low, high = row["quartiles"]
        spent = 1e6 * median(numbers[row["name"]]) / count
        cells = f"{row['ratio']:.3f} [{low:.3f}, {high:.3f}]"
        lines.append(f"| {row['name']} | {spent:.1f} | {cells} |")
    note = f"{count} documents of 200 words, one in {COPIES} a copy; {len(numbers[OURS])} rounds."
    return "\n".join([*lines, "", note])


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="few documents; writes nothing")
    parser.add_argument("--datatrove", help="Python of an environment with datatrove[io]")
    options = parser.parse_args()
    texts, expected = planted(SMALL if options.small else COUNT)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "documents.jsonl")
        lines = (json.dumps({"text": text, "id": str(n)}) for n, text in enumerate(texts))
        file.write_text("".join(f"{line}\n" for line in lines))
        ways: dict[str, Callable[[], float]] = {
            OURS: partial(ours, texts, expected, False),
            CHECKED: partial(ours, texts, expected, True),
        }
        if options.datatrove:
            ways[DATATROVE] = partial(datatrove, options.datatrove, file, expected)
        numbers = interleave(ways, 1 if options.small else ROUNDS)
    rows = ratios(numbers, OURS)
    text = table(numbers, rows, len(texts))
    print(text)
    if not options.small:
        publish(
            "deduplication",
            work="a whole deduplication by MinHash, from texts to the rows that are kept",
            equal="the same documents are kept",
            rows=rows,
            table=text,
            seconds=numbers,
        )


if __name__ == "__main__":
    command()
