"""Verdicts of the embedded Lean: in batches, one process a proof, and for a long time.

    python -m benchmarks.lean           # some three minutes; tables and a JSON line
    python -m benchmarks.lean --long    # 20,000 checks in a row as well: memory, and none is lost

The proofs are simple ones of a few tactics, every one another text, so that nothing is known from
before. All must be proved, whichever way, before a time counts; where every twentieth is poisonous
(text that Lean would go on to read as commands) or hangs, all others must be. A hanging attempt
costs a worker its whole limit, which bounds the rate whatever the server does. Every process is
started in the sandbox. Rates are of wall time on this machine's processors, verdicts a second.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from statistics import median
from typing import Any

import psutil

from benchmarks.pairing import interleave, publish, ratios
from lit_research.lean import Attempt, EmbeddedLean
from lit_research.lean.toolchain import WHEEL, WHEEL_VERSION

COUNT, ROUNDS, WORKERS = 1000, 5, 2
ALONE = 20  # attempts for one process a proof
SWEEP_BATCHES, SWEEP_WORKERS = (25, 50, 100, 250, 500), (1, 2, 4)
LONG, PART = 20_000, 1000
BATCHES, APART = "batches of 500, two workers", "one process a proof, two workers"
POISONED = "batches of 500, two workers, 5% poisonous"
SPOILED = 20  # of so many attempts, one is spoiled
POISONS = (
    "skip\nhvariable [bad{n} : Nonempty (1 = 2)]",
    "skip\nhnamespace Nat{n}",
    "skip\nhtheorem bad{n} : 1 = 2 := bad{n}",
    "skip\nhset_option maxHeartbeats {n}",
    "exact (h{n}",
)
HANG, HANG_S = "repeat (skip; skip) -- {n}", 1.0

PROOFS = (
    ("(p q : Prop) (h{n} : p ∧ q) : q ∧ p", "exact ⟨h{n}.2, h{n}.1⟩"),
    ("(p q r : Prop) : (p → q) → (q → r) → p → r", "intro f g h{n}\nexact g (f h{n})"),
    ("(a b c : Nat) (h{n} : a = b) (k : b = c) : a = c", "rw [h{n}, k]"),
    (
        "(p q : Prop) (h{n} : p ∨ q) : q ∨ p",
        "cases h{n} with\n| inl h => exact Or.inr h\n| inr h => exact Or.inl h",
    ),
    ("(m : Nat) : m + {n} = {n} + m", "exact Nat.add_comm m {n}"),
)


def attempts(count: int, start: int = 0) -> Iterator[Attempt]:
    """Yield attempts that differ from each other in their texts."""
    for n in range(start, start + count):
        statement, proof = (part.replace("{n}", str(n)) for part in PROOFS[n % len(PROOFS)])
        yield Attempt(f"theorem t{n} {statement}", proof)


def seconds(count: int, spoilers: tuple[str, ...] = (), **arguments: Any) -> float:
    """Return the wall seconds of a verdict; spoilers take the place of every twentieth proof."""
    work = list(attempts(count))
    spoiled = range(0, count, SPOILED) if spoilers else ()
    for n in spoiled:
        proof = spoilers[n // SPOILED % len(spoilers)].replace("{n}", str(n))
        work[n] = Attempt(work[n].statement, proof)
    with EmbeddedLean(cache_size=0, **arguments) as lean:
        start = time.perf_counter()
        verdicts = lean.verify(work)
        spent = time.perf_counter() - start
    for n, verdict in enumerate(verdicts):
        assert verdict.proved is (n not in spoiled), f"not equal work: {work[n]}: {verdict}"
    return spent / count


def start_s() -> float:
    """Return the seconds of a call with one attempt, which is start-up."""
    return median(seconds(1) for _ in range(ROUNDS))


class Watch:
    """Reads the memory of all Lean processes below this one, in a thread of its own."""

    def __init__(self) -> None:
        self.peaks: list[float] = []
        self._peak = 0.0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        own = psutil.Process()
        while not self._ends.wait(0.05):
            total = 0
            for child in own.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    # One that was forked and is not yet Lean still shows the memory of its parent.
                    total += child.memory_info().rss if child.name() == "lean" else 0
            self._peak = max(self._peak, total / 2**20)

    def cut(self) -> float:
        """Return the largest memory of them together since the last cut, in MiB."""
        peak, self._peak = self._peak, 0.0
        return peak

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()


def long_run() -> dict[str, Any]:
    """Check many attempts in one server; return rates and memory over its life."""
    parts: list[dict[str, float]] = []
    proved = 0
    with EmbeddedLean() as lean, Watch() as watch:
        for start in range(0, LONG, PART):
            began = time.perf_counter()
            verdicts = lean.verify(list(attempts(PART, start)))
            spent = time.perf_counter() - began
            proved += sum(verdict.proved for verdict in verdicts)
            own = psutil.Process().memory_info().rss / 2**20
            parts.append({"rate": PART / spent, "own_mib": own, "children_mib": watch.cut()})
        lost = lean.counts.lost
    result: dict[str, Any] = {"checks": LONG, "proved": proved, "processes_lost": lost}
    settled = parts[LONG // PART // 2 :]  # the cache of verdicts is full from here on
    for key in ("rate", "own_mib", "children_mib"):
        values = [part[key] for part in settled]
        middle = median(values)
        result[key] = middle
        result[f"{key}_spread"] = max(abs(value / middle - 1) for value in values)
    result["first_own_mib"] = parts[0]["own_mib"]
    return result


def table(
    numbers: dict[str, list[float]],
    rows: list[dict[str, Any]],
    sweep: list[dict[str, Any]],
    run: dict[str, Any] | None,
) -> str:
    """Return all as Markdown."""
    lines = ["| way | verdicts/s | time, of ours / theirs [quartiles] |", "|---|--:|--:|"]
    for row in rows:
        low, high = row["quartiles"]
        rate = 1 / median(numbers[row["name"]])
        cells = f"{rate:.0f} | {row['ratio']:.3f} [{low:.3f}, {high:.3f}]"
        lines.append(f"| {row['name']} | {cells} |")
    heads = " | ".join(f"{workers} workers" for workers in SWEEP_WORKERS)
    lines += ["", f"| batch | {heads} |", "|--:|" + "--:|" * len(SWEEP_WORKERS)]
    for batch in SWEEP_BATCHES:
        rates = [f"{x['rate']:.0f}" for x in sweep if x["batch"] == batch]
        lines.append(f"| {batch} | {' | '.join(rates)} |")
    if run:
        lines += [
            "",
            f"{run['checks']} checks in a row: {run['proved']} proved, {run['rate']:.0f} a second; "
            f"in the second half the process has {run['own_mib']:.0f} MiB within "
            f"{run['own_mib_spread']:.1%} and its Lean processes together at most "
            f"{run['children_mib']:.0f} MiB within {run['children_mib_spread']:.1%}.",
        ]
    return "\n".join(lines)


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="check 20,000 in a row as well")
    options = parser.parse_args()
    seconds(1)  # compiles the core library where that was not done yet
    ways: dict[str, Callable[[], float]] = {
        BATCHES: partial(seconds, COUNT),
        POISONED: partial(seconds, COUNT, POISONS),
        APART: partial(seconds, ALONE, batch=1),
    }
    numbers = interleave(ways, ROUNDS)
    rows = ratios(numbers, BATCHES)
    started = start_s()
    hanging = 1 / seconds(COUNT, (HANG,), wall_s=HANG_S)
    most = WORKERS * SPOILED / HANG_S
    sweep = [
        {"batch": batch, "workers": workers}
        | {"rate": 1 / seconds(COUNT, batch=batch, workers=workers)}
        for batch in SWEEP_BATCHES
        for workers in SWEEP_WORKERS
    ]
    run = long_run() if options.long else None
    with EmbeddedLean() as lean:
        isolation = lean.isolation
    text = (
        f"{table(numbers, rows, sweep, run)}\n\nA call with one attempt takes {started:.2f} s. "
        f"With 5% that hang and wall_s={HANG_S:g}: {hanging:.0f} a second; "
        f"waiting alone allows {most:.0f}. "
        f"{COUNT} attempts a call ({ALONE} where each has its process); {os.cpu_count()} "
        f"processors; sandbox: {isolation}; {WHEEL} {WHEEL_VERSION}; load average "
        f"{os.getloadavg()[0]:.1f}; median of {ROUNDS} rounds, one call a cell of the sweep."
    )
    print(text)
    publish(
        "lean",
        work="a verdict on a simple proof",
        equal="every proof of every call is proved",
        rows=rows,
        table=text,
        verdicts_per_s={name: 1 / median(values) for name, values in numbers.items()},
        start_s=started,
        hanging_per_s=hanging,
        sweep=sweep,
        long=run,
    )


if __name__ == "__main__":
    command()
