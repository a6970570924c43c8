"""All-pairs nearest neighbours of embeddings of real text: exact, by faiss flat, and by IVF.

    python -m benchmarks.neighbours            # 200,000 vectors of width 384; 10 minutes a round
    python -m benchmarks.neighbours --count 20000    # fewer of them; prints and writes nothing
    python -m benchmarks.neighbours --small    # 2,000, one short round; the same

The vectors are TF-IDF of the embedded corpus's passages, which do not overlap, reduced to 384
numbers by a Gaussian projection: planted clusters would give recall 1 at any setting. On a sample
of queries, exact and flat search must find what the whole product in float64 finds before a time
counts. The exact search is held against this machine's matmul rate, measured in turn with it: the
share is the time that the products alone would take. The time of IVF is that of its searches, of
one query in twenty where there are many, times twenty; building it, which measures the recall and
raises ``nprobe``, is stated beside.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np

from benchmarks.pairing import interleave, own_peak_mib, peak_mib_of, publish, ratios
from lit_research.seeds import derive_seed
from lit_research.text import ExactIndex, FaissIndex, Tfidf, load_documents

COUNT, WIDTH, K, ROUNDS = 200_000, 384, 10, 3
SMALL = 2_000
OF_IVF = 20  # one query in so many, at least SMALL of them: with this recall it is slow
CHECKED = 500  # queries
MATMUL, MATMUL_S = 4096, 10.0  # size of the square products, and how long they are measured
EXACT, FLAT, IVF, PRODUCTS = "exact", "faiss flat", "IVF", "the products alone"
RECALL = 0.95

SHARE_TARGET, FLAT_TARGET, IVF_TARGET, MEMORY_TARGET = 0.65, 1.15, 0.2, 1024.0


def passages(count: int) -> list[str]:
    """Return different passages of the embedded corpus, as long as so many can be."""
    documents = [text.split() for text in load_documents("embedded")["text"]]
    for length in range(64, 0, -1):
        found = list(islice(_cut(documents, length), count))
        if len(found) == count:
            return found
    raise SystemExit(f"the embedded corpus has no {count} passages")


def _cut(documents: list[list[str]], length: int) -> Iterator[str]:
    """Yield the different passages of so many words, documents in turn in a random order."""
    rng = np.random.default_rng(derive_seed("passages", 0))
    seen = set()
    for number in rng.permutation(len(documents)):
        words = documents[number]
        for start in range(0, len(words) - length + 1, length):
            passage = " ".join(words[start : start + length])
            if passage not in seen:
                seen.add(passage)
                yield passage


def vectors_of(texts: list[str]) -> np.ndarray:
    """Return embeddings of length 1, ``[N, WIDTH]`` float32."""
    encoder = Tfidf()
    encoder.fit(texts)
    rng = np.random.default_rng(derive_seed("projection", 0))
    projection = rng.standard_normal((encoder.width, WIDTH), np.float32)
    parts = [encoder.encode(texts[n : n + 4000]) @ projection for n in range(0, len(texts), 4000)]
    vectors = np.concatenate(parts)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def flat_index(vectors: np.ndarray) -> Any:
    """Return faiss's exact index, of vectors of length 1."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def check_equal(vectors: np.ndarray, exact: ExactIndex, flat: Any) -> None:
    """Stop unless both find what the whole product in float64 finds, on a sample of queries."""
    rng = np.random.default_rng(derive_seed("checked", 0))
    rows = np.sort(rng.choice(len(vectors), min(CHECKED, len(vectors)), replace=False))
    product = vectors[rows].astype(np.float64) @ vectors.T.astype(np.float64)
    product[np.arange(len(rows)), rows] = -np.inf
    right = -np.sort(-product, axis=1)[:, :K]
    ours = exact.search(vectors[rows], K, exclude=rows)
    theirs = flat.search(vectors[rows], K + 1)
    for name, ids in ((EXACT, ours[1]), (FLAT, _without(theirs[1], rows))):
        found = np.take_along_axis(product, ids, axis=1)
        difference = np.abs(np.sort(found, axis=1)[:, ::-1] - right).max()
        assert difference < 1e-6, f"not equal work: {name} is off by {difference:.2g}"


def _without(ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Leave the query itself out of the ``K + 1`` nearest, or else the last one."""
    is_other = ids != rows[:, None]
    is_other[is_other.all(axis=1), -1] = False
    return ids[is_other].reshape(len(ids), -1)


def seconds(search: Callable[[], object]) -> float:
    """Return the wall seconds of a search."""
    start = time.perf_counter()
    search()
    return time.perf_counter() - start


def products_s(flops: float, measured_s: float) -> float:
    """Return the seconds of so many operations at the rate of large square products."""
    first, second, out = (np.ones((MATMUL, MATMUL), np.float32) for _ in range(3))
    np.matmul(first, second, out=out)
    times: list[float] = []
    while sum(times) < measured_s:
        times.append(seconds(partial(np.matmul, first, second, out=out)))
    return flops / (2 * MATMUL**3 / median(times))


def ivf_s(index: FaissIndex, vectors: np.ndarray) -> float:
    """Return the seconds of searching for all vectors, by that of a random part of them."""
    count = min(len(vectors), max(SMALL, len(vectors) // OF_IVF))
    rng = np.random.default_rng(derive_seed("queries", 0))
    queries = vectors[rng.choice(len(vectors), count, replace=False)]
    return seconds(lambda: index.search(queries, K + 1)) * len(vectors) / count


def cells(count: int) -> int:
    """Return the number of IVF's cells: a power of 2, about twice the root of the vectors."""
    return int(2 ** np.round(np.log2(2 * np.sqrt(count))))


def alone(name: str, file: str) -> float:
    """Return the MiB that a search takes at its peak beyond the vectors, in this process."""
    vectors = np.load(file)
    vectors.sum()
    before = own_peak_mib()
    if name == EXACT:
        ExactIndex(vectors).all_pairs(K)
    else:
        flat_index(vectors).search(vectors, K + 1)
    return own_peak_mib() - before


def run(vectors: np.ndarray, rounds: int, measured_s: float) -> dict[str, Any]:
    """Measure all ways on these vectors."""
    exact, flat = ExactIndex(vectors), flat_index(vectors)
    check_equal(vectors, exact, flat)
    start = time.perf_counter()
    ivf = FaissIndex(vectors, f"IVF{cells(len(vectors))},Flat", at_least=RECALL, sample=CHECKED)
    built_s = time.perf_counter() - start
    flops = 2.0 * len(vectors) ** 2 * vectors.shape[1]
    ways: dict[str, Callable[[], float]] = {
        EXACT: partial(seconds, lambda: exact.all_pairs(K)),
        PRODUCTS: partial(products_s, flops, measured_s),
        FLAT: partial(seconds, lambda: flat.search(vectors, K + 1)),
        IVF: partial(ivf_s, ivf, vectors),
    }
    numbers = interleave(ways, rounds)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "vectors.npy")
        np.save(file, vectors)
        peaks = {
            name: peak_mib_of("benchmarks.neighbours", "--alone", name, file)
            for name in (EXACT, FLAT)
        }
    rows = ratios(numbers, EXACT)
    for row in rows:
        row["seconds"] = median(numbers[row["name"]])
        row["peak_mib"] = peaks.get(row["name"])
    return {"rows": rows, "flops": flops, "ivf": {**ivf.card(), "built_s": built_s}}


def targets(rows: list[dict[str, Any]], found_recall: float) -> list[tuple[str, float, bool]]:
    """Return what is asked for, what was measured, and whether that is enough."""
    by_name = {row["name"]: row for row in rows}
    share = 1 / by_name[PRODUCTS]["ratio"]
    ivf = 1 / by_name[IVF]["ratio"]
    flat, peak = by_name[FLAT]["ratio"], by_name[EXACT]["peak_mib"]
    return [
        (f"exact: at least {SHARE_TARGET} of the matmul rate", share, share >= SHARE_TARGET),
        (f"exact: at most {FLAT_TARGET} of the time of faiss flat", flat, flat <= FLAT_TARGET),
        (
            f"exact: at most {MEMORY_TARGET:.0f} MiB beyond the vectors",
            peak,
            peak <= MEMORY_TARGET,
        ),
        (
            f"IVF at recall {found_recall:.3f}: at most {IVF_TARGET} of the time of exact",
            ivf,
            ivf <= IVF_TARGET and found_recall >= RECALL,
        ),
    ]


def table(result: dict[str, Any], count: int, words: int, rounds: int) -> str:
    """Return all as Markdown."""
    lines = [
        "| way | seconds | GFLOP/s | exact's time / its [quartiles] | MiB beyond the vectors |",
        "|---|--:|--:|--:|--:|",
    ]
    for row in result["rows"]:
        low, high = row["quartiles"]
        rate = "-" if row["name"] == IVF else f"{result['flops'] / row['seconds'] / 1e9:.0f}"
        peak = "-" if row["peak_mib"] is None else f"{row['peak_mib']:.0f}"
        lines.append(
            f"| {row['name']} | {row['seconds']:.2f} | {rate} | "
            f"{row['ratio']:.3f} [{low:.3f}, {high:.3f}] | {peak} |"
        )
    ivf = result["ivf"]
    lines += ["", "| target | measured | met |", "|---|--:|---|"]
    for text, value, met in targets(result["rows"], ivf["recall"]):
        lines.append(f"| {text} | {value:.3g} | {'yes' if met else 'no'} |")
    lines += [
        "",
        f"{count} passages of {words} words, width {WIDTH}, {K} neighbours of each. "
        f"{ivf['factory']}: nprobe {ivf['width']}, recall@{ivf['k']} {ivf['recall']:.3f} on "
        f"{ivf['sample']} vectors, built in {ivf['built_s']:.1f} s. {os.cpu_count()} processors; "
        f"numpy {np.__version__}, faiss {faiss.__version__}; load average "
        f"{os.getloadavg()[0]:.1f}; median of {rounds} rounds.",
    ]
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--count", type=int, default=COUNT, help="vectors; fewer: writes nothing")
    sizes.add_argument("--small", action="store_true", help="a few vectors; writes nothing")
    parser.add_argument("--rounds", type=int, help="default 3; 1 of a few vectors")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(alone(*options.alone))
        return
    count = SMALL if options.small else options.count
    if not SMALL <= count <= COUNT:
        parser.error(f"--count is {count}; must be from {SMALL} to {COUNT}")
    rounds = options.rounds or (1 if options.small else ROUNDS)
    texts = passages(count)
    result = run(vectors_of(texts), rounds, 0.5 if options.small else MATMUL_S)
    text = table(result, count, len(texts[0].split()), rounds)
    print(text)
    if count == COUNT:
        publish(
            "neighbours",
            work=f"the {K} nearest others of each of {count} vectors of width {WIDTH}",
            equal=f"on {CHECKED} queries exact and flat search find what float64 finds",
            rows=result["rows"],
            table=text,
            ivf=result["ivf"],
        )


if __name__ == "__main__":
    command()
