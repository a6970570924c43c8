"""Ranking the files of a package for 24 items by BM25: ours, bm25s and rank-bm25.

    python -m benchmarks.code_ranking            # needs bm25s and rank-bm25
    python -m benchmarks.code_ranking --small    # a small package, one round; writes nothing

The package is an installed one as large as the longest prompts. An item's query is words of one of
its files, as many as a question or the statement of an issue has. Scores must be equal before a
time counts. With an index for each item a peer does what SWE-bench's retrieval does, whose items
are of different commits; with one index it does the least that can be done. "Rankings alone" leaves
the building of indices out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import bm25s
import numpy as np
import rank_bm25

from benchmarks.pairing import interleave, publish, ratios
from lit_research.methods.longcode.bm25 import Bm25, words_of
from lit_research.seeds import derive_seed

PACKAGE, SMALL = "torchmetrics", "hypothesis"
ROUNDS, ITEMS, WORDS, TARGET = 5, 24, (15, 30, 200), 10.0
OURS, BM25S, RANK = "ours", "bm25s, one index", "rank-bm25, one index"
RANK_ITEM = "rank-bm25, an index an item"
OURS_ALONE, RANK_ALONE = "ours, rankings alone", "rank-bm25, rankings alone"

Tree = tuple[list[str], list[str]]  # files and queries


class Lucene(rank_bm25.BM25Okapi):
    """Okapi's weights, times ``k1 + 1``, with the inverse document frequency that we have."""

    def _calc_idf(self, nd: dict[bytes, int]) -> None:
        for word, n in nd.items():
            self.idf[word] = np.log(1 + (self.corpus_size - n + 0.5) / (n + 0.5))


def tree_of(package: str) -> Tree:
    """Return the sources of an installed package, and queries of it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    paths = sorted(Path(spec.origin).parent.rglob("*.py"))
    files = [path.read_text() for path in paths if "tests" not in path.parts]
    long = [number for number, text in enumerate(files) if len(text) > 4000]
    rng = np.random.default_rng(derive_seed("code ranking", package))
    chosen = rng.choice(long, ITEMS, replace=False)
    words = [words_of(files[number]) for number in chosen]
    queries = [b" ".join(w[50 : 50 + n]).decode() for w, n in zip(words, cycle(WORDS))]
    return files, queries


def ours(trees: list[Tree]) -> list[np.ndarray]:
    """Return the scores of all files for each item."""
    return [index.scores(query) for index, query in our_indices(trees)]


def our_indices(trees: list[Tree]) -> list[tuple[Bm25, str]]:
    """Return each query with the index of its package."""
    found = []
    for files, queries in trees:
        index = Bm25(files)
        found += [(index, query) for query in queries]
    return found


def by_bm25s(trees: list[Tree]) -> list[np.ndarray]:
    """Return the same by bm25s."""
    found = []
    for files, queries in trees:
        number: dict[bytes, int] = {}
        ids = [[number.setdefault(w, len(number)) for w in words_of(file)] for file in files]
        index = bm25s.BM25(method="lucene", dtype="float64")
        index.index(bm25s.tokenization.Tokenized(ids, number), show_progress=False)
        for query in queries:
            known = [number[word] for word in words_of(query) if word in number]
            found.append(index.get_scores(known))
    return found


def rank_indices(trees: list[Tree]) -> list[tuple[Lucene, str]]:
    """Return each query with rank-bm25's index of its package."""
    found = []
    for files, queries in trees:
        index = Lucene([words_of(file) for file in files])
        found += [(index, query) for query in queries]
    return found


def scored(indices: list[tuple[Lucene, str]]) -> list[np.ndarray]:
    """Return rank-bm25's scores."""
    return [index.get_scores(words_of(query)) / (index.k1 + 1) for index, query in indices]


def an_index_an_item(trees: list[Tree]) -> list[np.ndarray]:
    """Return rank-bm25's scores, every item with an index of its own."""
    return scored(rank_indices([(files, [query]) for files, queries in trees for query in queries]))


def check_equal(trees: list[Tree]) -> None:
    """Stop unless all give the same scores, and so the same rankings up to ties."""
    right = ours(trees)
    for name, found in ((BM25S, by_bm25s(trees)), (RANK, scored(rank_indices(trees)))):
        for a, b in zip(right, found, strict=True):
            assert np.allclose(a, b, rtol=1e-9, atol=1e-9), f"not equal work: {name}"
            order = np.argsort(-b, kind="stable")
            assert (np.diff(a[order]) < 1e-9).all(), f"not the same ranking: {name}"


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's seconds of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def run(trees: list[Tree], rounds: int) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    """Measure all ways."""
    indices, rank = our_indices(trees), rank_indices(trees)
    ways: dict[str, Callable[[], object]] = {
        OURS: partial(ours, trees),
        BM25S: partial(by_bm25s, trees),
        RANK: lambda: scored(rank_indices(trees)),
        RANK_ITEM: partial(an_index_an_item, trees),
        OURS_ALONE: lambda: [index.scores(query) for index, query in indices],
        RANK_ALONE: lambda: scored(rank),
    }
    numbers = interleave({name: partial(seconds, way) for name, way in ways.items()}, rounds)
    rows = ratios({name: numbers[name] for name in (OURS, BM25S, RANK, RANK_ITEM)}, OURS)
    rows += ratios({name: numbers[name] for name in (OURS_ALONE, RANK_ALONE)}, OURS_ALONE)
    return rows, numbers


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a small package; writes nothing")
    options = parser.parse_args()
    package, rounds = (SMALL, 1) if options.small else (PACKAGE, ROUNDS)
    trees = [tree_of(package)]
    check_equal(trees)
    rows, numbers = run(trees, rounds)
    lines = ["| way | seconds | ours / theirs [quartiles] |", "|---|--:|--:|"]
    for row in rows:
        low, high = row["quartiles"]
        spent = median(numbers[row["name"]])
        lines.append(
            f"| {row['name']} | {spent:.3g} | {row['ratio']:.4f} [{low:.4f}, {high:.4f}] |"
        )
    faster = {row["name"]: 1 / row["ratio"] for row in rows}
    files, size = len(trees[0][0]), sum(map(len, trees[0][0]))
    lines += [
        "",
        f"Target: at least {TARGET:.0f} times as fast as rank-bm25: {faster[RANK_ITEM]:.3g} times "
        f"with an index an item, {faster[RANK]:.3g} with one index, "
        f"{faster[RANK_ALONE]:.3g} for the rankings alone.",
        "",
        f"{ITEMS} items of {package}, {files} files, {size / 3.6e6:.1f} million tokens by "
        f"characters / 3.6; bm25s {bm25s.__version__}, rank-bm25 "
        f"{importlib.metadata.version('rank-bm25')}; processor time of one thread; load average "
        f"{os.getloadavg()[0]:.1f}; median of {rounds} rounds.",
    ]
    table = "\n".join(lines)
    print(table)
    if not options.small:
        publish(
            "code_ranking",
            work=f"BM25 of {files} files for {ITEMS} items",
            equal="equal scores, and so equal rankings up to ties",
            rows=rows,
            table=table,
            seconds={name: median(values) for name, values in numbers.items()},
        )


if __name__ == "__main__":
    command()
