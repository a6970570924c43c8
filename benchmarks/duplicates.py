"""MinHash signatures of many documents: ours, rensa and datasketch called by hand.

    python -m benchmarks.duplicates            # 100,000 documents of 200 words; some five minutes
    python -m benchmarks.duplicates --small    # 1,000; seconds, prints and writes nothing

All sign the sets of runs of five words in 128 places. ``rensa, the hashes given`` gets the hashes
of these runs that we make, and must return our signatures bit for bit; what it leaves out is the
work of making them. The others make them as one does by hand, by joining words, and must estimate
the similarity of planted pairs without bias, as ours must, before a time counts. Times are of one
thread, a document.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import datasketch
import numpy as np
from rensa import RMinHash

from benchmarks.pairing import interleave, publish, ratios
from lit_research.seeds import derive_seed
from lit_research.text import MinHash, load_documents
from lit_research.text.minhash import shingle_hashes, shingle_sets, signatures

COUNT, WORDS, ROUNDS, SMALL = 100_000, 200, 5, 1_000
SETTINGS = MinHash(shingle=5, bands=16, rows=8)
PLACES = SETTINGS.bands * SETTINGS.rows
PAIRS = 300  # planted
OF_DATASKETCH = 20  # one document in so many: it is slow
OURS, BY_HAND, GIVEN, DATASKETCH = "ours", "rensa by hand", "rensa, the hashes given", "datasketch"
RENSA_TARGET, DATASKETCH_TARGET = 1.2, 30.0

Sign = Callable[[list[str]], np.ndarray]


def documents(count: int) -> list[str]:
    """Return documents of words that are drawn from the embedded corpus as they occur there."""
    words = np.array(" ".join(load_documents("embedded:topics,docstrings")["text"]).split(), object)
    rng = np.random.default_rng(derive_seed("documents", 0))
    return [" ".join(words[rng.integers(len(words), size=WORDS)]) for _ in range(count)]


def shingles(text: str) -> list[str]:
    """Return the runs of words of a text."""
    words, size = text.split(), SETTINGS.shingle
    return [" ".join(words[n : n + size]) for n in range(len(words) - size + 1)]


def ours(texts: list[str]) -> np.ndarray:
    """Sign by this package."""
    return signatures(texts, SETTINGS)


def rensa_by_hand(texts: list[str]) -> np.ndarray:
    """Sign by rensa's call for many documents."""
    matrix = RMinHash.digest_matrix_from_token_sets([shingles(t) for t in texts], PLACES, 0)
    return np.array(matrix.to_rows(), np.uint32)


def rensa_given(texts: list[str], hashes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Sign by rensa from hashes of shingles."""
    seed = derive_seed("minhash", SETTINGS.seed, digest_size=4)
    starts = offsets.astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, starts, PLACES, seed)
    return np.array(matrix.to_rows(), np.uint32)


def datasketch_by_hand(texts: list[str]) -> np.ndarray:
    """Sign by datasketch's call for many documents."""
    found = datasketch.MinHash.bulk(
        ([run.encode() for run in shingles(text)] for text in texts), num_perm=PLACES, seed=1
    )
    return np.array([sketch.digest() for sketch in found], np.uint32)


def check_equal(texts: list[str], hashes: np.ndarray, offsets: np.ndarray) -> None:
    """Stop unless signatures are equal, or estimate similarities equally well."""
    assert (ours(texts) == rensa_given(texts, hashes, offsets)).all(), "not equal work: signatures"
    rng = np.random.default_rng(derive_seed("planted", 0))
    first = texts[:PAIRS]
    kept = rng.integers(WORDS // 4, WORDS, size=len(first))  # words of the first one's beginning
    second = [
        " ".join(a.split()[:n] + b.split()[n:])
        for a, b, n in zip(first, reversed(first), kept, strict=True)
    ]
    sets = [shingle_sets(part, SETTINGS) for part in (first, second)]
    true = [len(np.intersect1d(a, b)) / len(np.union1d(a, b)) for a, b in zip(*sets, strict=True)]
    deviation = np.sqrt(np.mean([s * (1 - s) for s in true]) / PLACES / len(first))
    for sign in (ours, rensa_by_hand, datasketch_by_hand):
        bias = (sign(first) == sign(second)).mean() - np.mean(true)
        assert abs(bias) < 4 * deviation, f"not equal work: {sign.__name__} is off by {bias:.3g}"


def seconds(sign: Sign, texts: list[str]) -> float:
    """Return the wall seconds of signing, a document."""
    start = time.perf_counter()
    found = sign(texts)
    spent = time.perf_counter() - start
    assert found.shape == (len(texts), PLACES), f"not equal work: {found.shape}"
    return spent / len(texts)


def table(numbers: dict[str, list[float]], rows: list[dict[str, Any]], count: int) -> str:
    """Return all as Markdown."""
    lines = ["| way | us a document | ours / theirs [quartiles] |", "|---|--:|--:|"]
    for row in rows:
        low, high = row["quartiles"]
        spent = 1e6 * median(numbers[row["name"]])
        cells = f"{row['ratio']:.4f} [{low:.4f}, {high:.4f}]"
        lines.append(f"| {row['name']} | {spent:.1f} | {cells} |")
    by_name = {row["name"]: row["ratio"] for row in rows}
    rensa, faster = by_name[BY_HAND], 1 / by_name[DATASKETCH]
    asked = [
        (f"at most {RENSA_TARGET} of the time of {BY_HAND}", rensa, rensa <= RENSA_TARGET),
        (
            f"at least {DATASKETCH_TARGET:.0f} times as fast as {DATASKETCH}",
            faster,
            faster >= DATASKETCH_TARGET,
        ),
    ]
    lines += ["", "| target | measured | met |", "|---|--:|---|"]
    lines += [f"| {text} | {value:.3g} | {'yes' if met else 'no'} |" for text, value, met in asked]
    lines += [
        "",
        f"{count} documents of {WORDS} words ({DATASKETCH}: one in {OF_DATASKETCH}), "
        f"{PLACES} places; datasketch {datasketch.__version__}, numpy {np.__version__}; "
        f"{os.cpu_count()} processors; load average {os.getloadavg()[0]:.1f}; median of "
        f"{len(numbers[OURS])} rounds.",
    ]
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few documents; writes nothing")
    parser.add_argument("--rounds", type=int, help="default 5; 1 of a few documents")
    options = parser.parse_args()
    rounds = options.rounds or (1 if options.small else ROUNDS)
    texts = documents(SMALL if options.small else COUNT)
    few = texts[: SMALL // OF_DATASKETCH if options.small else len(texts) // OF_DATASKETCH]
    hashes, offsets = shingle_hashes(texts, SETTINGS)
    checked = texts[:1000]
    check_equal(checked, *shingle_hashes(checked, SETTINGS))
    given = partial(rensa_given, hashes=hashes, offsets=offsets)
    ways: dict[str, Callable[[], float]] = {
        OURS: partial(seconds, ours, texts),
        BY_HAND: partial(seconds, rensa_by_hand, texts),
        GIVEN: partial(seconds, given, texts),
        DATASKETCH: partial(seconds, datasketch_by_hand, few),
    }
    numbers = interleave(ways, rounds)
    rows = ratios(numbers, OURS)
    text = table(numbers, rows, len(texts))
    print(text)
    if not options.small:
        publish(
            "duplicates",
            work=f"a signature of a document of {WORDS} words",
            equal="equal signatures from equal hashes; else planted similarities without bias",
            rows=rows,
            table=text,
            us_a_document={name: 1e6 * median(values) for name, values in numbers.items()},
        )


if __name__ == "__main__":
    command()
