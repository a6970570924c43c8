"""Near-duplicates among all pairs of questions: ours, and a loop of ``process.extract``.

    python -m benchmarks.fuzzy            # 10,000 questions; a minute or two
    python -m benchmarks.fuzzy --small    # 1,000; seconds, prints and writes nothing

The loop is that of OpenThoughts-114k, with ``limit=None``: each question against all of them, ratio
95. It is timed on a sample of the questions and multiplied. Both must find the same pairs of the
sample, and ours the connected components of its pairs, before a time counts. Times are of one
thread, normalisation and groups included in ours.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
import rapidfuzz
from rapidfuzz import fuzz, process

from benchmarks.pairing import interleave, publish, ratios
from lit_research.seeds import derive_seed
from lit_research.text import Normalisation, find_fuzzy_duplicates, load_documents
from lit_research.text.buckets import Forest
from lit_research.text.indel import ByLength, pairs_within, similarities

COUNT, SMALL, ROUNDS = 10_000, 1_000, 3
SAMPLE = 50  # questions that the loop is timed on
WORDS, SPREAD = 40, 0.5  # median of the lengths; standard deviation of their logarithms
COPIES = 0.1  # of the questions, with 2% of other characters
OURS, LOOP = "ours", "process.extract, one by one"
TARGET = 20.0


def questions(count: int) -> list[str]:
    """Return texts of words that are drawn from the embedded corpus as they occur there."""
    corpus = " ".join(load_documents("embedded:topics,docstrings")["text"]).split()
    words, rng = np.array(corpus, object), np.random.default_rng(derive_seed("questions", 0))
    lengths = np.clip(np.exp(rng.normal(np.log(WORDS), SPREAD, count)), 8, 400).astype(int)
    texts = [" ".join(words[rng.integers(len(words), size=length)]) for length in lengths]
    for number in range(int(COPIES * count)):
        characters = list(texts[number])
        for place in rng.integers(len(characters), size=max(1, len(characters) // 50)):
            characters[place] = "_"
        texts[-1 - number] = "".join(characters)
    normal = Normalisation()
    return list(dict.fromkeys(map(normal, texts)))


def loop(texts: list[str], sample: list[int]) -> list[set[int]]:
    """Return which texts each one of the sample is near, by the loop."""
    return [
        {
            found[2]
            for found in process.extract(
                texts[row], texts, scorer=fuzz.ratio, score_cutoff=95, limit=None
            )
        }
        for row in sample
    ]


def check_equal(texts: list[str], sample: list[int]) -> int:
    """Stop unless both find the same near pairs of the sample; return how many there are."""
    near: dict[int, set[int]] = {row: {row} for row in range(len(texts))}
    forest = Forest(len(texts))
    for first, second in pairs_within(ByLength(texts), 0.95):
        ones, others = ([texts[row] for row in rows.tolist()] for rows in (first, second))
        is_near = similarities(ones, others) >= 0.95
        forest.unite(first[is_near], second[is_near])
        for a, b in zip(first[is_near].tolist(), second[is_near].tolist(), strict=True):
            near[a].add(b)
            near[b].add(a)
    assert loop(texts, sample) == [near[row] for row in sample], "not equal work: pairs"
    found = {one.row: one.of_row for one in find_fuzzy_duplicates(named(texts)).found}
    roots = dict(enumerate(forest.roots().tolist()))
    assert found == {row: root for row, root in roots.items() if row != root}, "not equal: groups"
    return sum(len(near[row]) - 1 for row in sample)


def named(texts: list[str]) -> list[tuple[str, str]]:
    """Return rows of texts."""
    return [(str(number), text) for number, text in enumerate(texts)]


def seconds_of_ours(rows: list[tuple[str, str]]) -> float:
    """Return the processor seconds of all pairs by this package."""
    start = time.process_time()
    found = find_fuzzy_duplicates(rows)
    spent = time.process_time() - start
    assert found.method == "all pairs", "not equal work: candidates alone"
    return spent


def seconds_of_loop(texts: list[str], sample: list[int]) -> float:
    """Return the processor seconds of all pairs by the loop, from those of the sample."""
    start = time.process_time()
    loop(texts, sample)
    return (time.process_time() - start) * len(texts) / len(sample)


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few questions; writes nothing")
    parser.add_argument("--rounds", type=int, help="default 3; 1 of a few questions")
    options = parser.parse_args()
    rounds = options.rounds or (1 if options.small else ROUNDS)
    texts = questions(SMALL if options.small else COUNT)
    rng = np.random.default_rng(derive_seed("sample", 0))
    sample = rng.choice(len(texts), SAMPLE, replace=False).tolist()
    near = check_equal(texts, sample)
    ways: dict[str, Callable[[], float]] = {
        OURS: partial(seconds_of_ours, named(texts)),
        LOOP: partial(seconds_of_loop, texts, sample),
    }
    numbers = interleave(ways, rounds)
    rows = ratios(numbers, OURS)
    lines = ["| way | s for all pairs | ours / theirs [quartiles] |", "|---|--:|--:|"]
    for row in rows:
        low, high = row["quartiles"]
        spent = median(numbers[row["name"]])
        lines.append(
            f"| {row['name']} | {spent:.3g} | {row['ratio']:.4f} [{low:.4f}, {high:.4f}] |"
        )
    faster = 1 / rows[1]["ratio"]
    lines += [
        "",
        f"Target: at least {TARGET:.0f} times as fast: {faster:.3g} times, "
        f"{'met' if faster >= TARGET else 'not met'}.",
        "",
        f"{len(texts)} questions of {np.mean([len(text) for text in texts]):.0f} characters on "
        f"average, {COPIES:.0%} of them near-copies; {near} near pairs in the sample of {SAMPLE}; "
        f"rapidfuzz {rapidfuzz.__version__}; processor time of one thread; {os.cpu_count()} "
        f"processors; load average {os.getloadavg()[0]:.1f}; median of {rounds} rounds.",
    ]
    table = "\n".join(lines)
    print(table)
    if not options.small:
        publish(
            "fuzzy",
            work="near-duplicates among all pairs of questions",
            equal="equal near pairs of a sample, and groups that are the components of all pairs",
            rows=rows,
            table=table,
            seconds={name: median(values) for name, values in numbers.items()},
        )


if __name__ == "__main__":
    command()
