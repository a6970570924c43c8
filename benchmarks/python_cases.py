"""Cases of a Python program in a second: a fork a case, a forked sandbox a case, a sandbox a case.

    python -m benchmarks.python_cases            # about two minutes
    python -m benchmarks.python_cases --small    # seconds; prints and writes nothing

As many threads as cores each put a program to its cases, in the strongest isolation that works. The
verdicts of all rivals are compared before a time counts: of each program, one case in ten expects
what it does not write.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Any

from benchmarks.pairing import interleave, publish, ratios
from lit_research import sandbox
from lit_research.sandbox import Limits, Pool, StdinCase

CASES, ROUNDS = 400, 7
SMALL_CASES = 40
FEWER = 8  # of a rival that takes a sandbox a case, one case in so many
LIMITS = Limits(wall_s=60, cpu_s=10, memory_mib=512)
OURS, FORKED, APART = "a fork a case", "a forked sandbox a case", "a sandbox a case"
TARGET_PER_S, TARGET_RATIO = 100, 10

PROGRAM = """
import collections, sys

def longest(words):
    counts = collections.Counter(words)
    return max(sorted(counts), key=lambda word: (counts[word], len(word)))

count = int(input())
print(longest(sys.stdin.read().split()[:count]))
"""


def cases(count: int) -> list[StdinCase]:
    """Return cases of which one in ten expects what is wrong."""
    found = []
    for number in range(count):
        words = [f"w{n * n % (number + 7)}" for n in range(60)]
        expected = max(sorted(set(words)), key=lambda word: (words.count(word), len(word)))
        stdin = f"{len(words)}\n{' '.join(words)}\n"
        found.append(StdinCase(stdin, "wrong" if number % 10 == 9 else expected))
    return found


def forks(given: list[StdinCase]) -> list[bool]:
    """Put a program to its cases: one sandbox, a fork a case."""
    return [result.passed for result in sandbox.run_cases(PROGRAM, given, limits=LIMITS)]


def jobs(pool: Pool, given: list[StdinCase]) -> list[bool]:
    """Put a program to its cases: a sandbox a case, forked from a warm interpreter."""
    return [
        sandbox.same_text(case.expected, pool.run(["-c", PROGRAM], stdin=case.stdin).text)
        for case in given
    ]


def processes(given: list[StdinCase]) -> list[bool]:
    """Put a program to its cases: a sandbox and a new interpreter a case."""
    command = [sys.executable, "-I", "-S", "-c", PROGRAM]
    run = partial(sandbox.run, command, readable=sandbox.python_paths(), limits=LIMITS)
    return [sandbox.same_text(case.expected, run(stdin=case.stdin).text) for case in given]


def rate(run: Callable[[list[StdinCase]], list[bool]], given: list[StdinCase]) -> float:
    """Return cases a second of as many threads as cores, each with all of the cases."""
    threads = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(threads) as executor:
        began = time.perf_counter()
        verdicts = list(executor.map(run, [given] * threads))
        spent_s = time.perf_counter() - began
    right = [case.expected != "wrong" for case in given]
    assert verdicts == [right] * threads, f"the verdicts of {run} are wrong"
    return threads * len(given) / spent_s


def measure(count: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row for each rival, ours first."""
    given = cases(count)
    few = given[: max(count // FEWER, 10)]
    with Pool(["collections"], limits=LIMITS) as pool:
        rivals: dict[str, Callable[[], float]] = {
            OURS: partial(rate, forks, given),
            FORKED: partial(rate, partial(jobs, pool), few),
            APART: partial(rate, processes, few),
        }
        for run in rivals.values():
            run()  # what is found out and started once
        numbers = interleave(rivals, rounds)
    rows = ratios(numbers, OURS)
    for row in rows:
        row["per_s"] = median(numbers[row["name"]])
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown, and whether the targets are met."""
    lines = ["| way | cases/s | ours / theirs [quartiles] |", "|---|--:|--:|"]
    for row in rows:
        low, high = row["quartiles"]
        lines.append(
            f"| {row['name']} | {row['per_s']:.0f} | {row['ratio']:.2f} [{low:.2f}, {high:.2f}] |"
        )
    met = {True: "yes", False: "no"}
    per_s = rows[0]["per_s"]
    ratio = next(row["ratio"] for row in rows if row["name"] == APART)
    lines += [
        "",
        "| target | measured | met |",
        "|---|--:|---|",
        f"| at least {TARGET_PER_S} cases a second | {per_s:.0f} | {met[per_s >= TARGET_PER_S]} |",
        f"| at least {TARGET_RATIO} times {APART} | {ratio:.1f} | {met[ratio >= TARGET_RATIO]} |",
    ]
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few cases; writes nothing")
    parser.add_argument("--rounds", type=int, default=0, help=f"default {ROUNDS}; 1 if --small")
    options = parser.parse_args()
    rounds = options.rounds or (1 if options.small else ROUNDS)
    count = SMALL_CASES if options.small else CASES
    rows = measure(count, rounds)
    threads = len(os.sched_getaffinity(0))
    text = (
        f"{table(rows)}\n\n{threads} programs at once of {count} cases each, at level "
        f"{sandbox.isolation()}; {os.cpu_count()} processors; load average "
        f"{os.getloadavg()[0]:.1f}; median of {rounds} rounds."
    )
    print(text)
    if not options.small:
        publish(
            "python_cases",
            work="cases of Python programs a second, on all cores",
            equal="the verdicts of all rivals are the same, and right",
            rows=rows,
            table=text,
        )


if __name__ == "__main__":
    command()
