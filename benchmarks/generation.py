"""Short requests to a server in a second, and what each of them costs the client.

    python -m benchmarks.generation                          # ours alone: about a minute
    python -m benchmarks.generation --curator PYTHON         # against bespokelabs-curator

The server is a stub in a process of its own that answers each chat after 5 ms. Each rival asks it
for as many answers to new prompts, with so many requests under way, and keeps them: ours in
``StoredEngine``, curator in its cache. All answers must be there, and each prompt must have been
asked for once, before a time counts.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from itertools import count as counter
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from benchmarks.pairing import interleave, publish, ratios
from benchmarks.peer_process import peer_process
from lit_research.lm.engines import Engine, OpenAIEngine, StoredEngine
from tests.lm.engines.counting import counting, events

COUNT, ROUNDS, CONCURRENCY, LENGTH = 1000, 7, 64, 200
DELAY_S = 0.005
OURS, BARE, CURATOR = "lit_research", "lit_research, nothing kept", "bespokelabs-curator"
TARGET_PER_S, TARGET_MS = 300, 3.0
Writer: TypeAlias = Callable[[str], tuple[float, float, list[str]]]
"""Writes the texts of a job of this name: wall seconds, seconds of the processor, the texts."""
PEER = Path(__file__).with_name("generation_peer.py")


class Work:
    """Runs a rival; checks that all was answered and nothing asked for twice.

    Args:
        log: of the stub.
    """

    def __init__(self, log: Path) -> None:
        self.log, self.cpu_ms = log, dict[str, list[float]]()
        self._tags = counter()

    def rate(self, name: str, write: Writer) -> float:
        """Return requests a second; keep the milliseconds of the processor."""
        tag, before = f"job{next(self._tags)}", len(_asked(self.log))
        wall_s, cpu_s, texts = write(tag)
        asked = [line for line in _asked(self.log)[before:] if line.startswith(tag)]
        assert len({*asked}) == len(asked) == COUNT, f"{name} asked {len(asked)} times"
        expected = {text.ljust(LENGTH, "x") for text in _starts(tag)}
        assert {text[:LENGTH] for text in texts} == expected, f"{name} lacks answers"
        self.cpu_ms.setdefault(name, []).append(1e3 * cpu_s / COUNT)
        return COUNT / wall_s


def _starts(tag: str) -> list[str]:
    return [f"{tag} {number} " for number in range(COUNT)]


def _asked(log: Path) -> list[str]:
    return [name for what, name in events(log) if what == "asked"]


def ours(engine: Engine, tag: str) -> tuple[float, float, list[str]]:
    """Return wall seconds, seconds of the processor, and the texts."""
    prompts = [text.ljust(LENGTH, "x") for text in _starts(tag)]
    wall, cpu = time.perf_counter(), time.process_time()
    rows = engine.generate(prompts, max_new_tokens=4)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    return *spent, [completion.text for [completion] in rows]


@contextmanager
def curator(python: str, url: str) -> Iterator[Writer]:
    """Give what runs a job with curator, in a process that stays."""
    with peer_process(python, PEER, url, str(CONCURRENCY)) as ask:

        def write(tag: str) -> tuple[float, float, list[str]]:
            done = ask(COUNT, LENGTH, tag)
            return done["wall_s"], done["cpu_s"], done["texts"]

        yield write


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown, and whether the targets are met."""
    lines = [
        "| client | requests/s | CPU ms a request | requests/s, ours / theirs [quartiles] |",
        "|---|--:|--:|--:|",
    ]
    for row in rows:
        low, high = row["quartiles"]
        lines.append(
            f"| {row['name']} | {row['per_s']:.0f} | {row['cpu_ms']:.2f} | "
            f"{row['ratio']:.2f} [{low:.2f}, {high:.2f}] |"
        )
    own = rows[0]
    met = {True: "yes", False: "no"}
    lines += [
        "",
        "| target | measured | met |",
        "|---|--:|---|",
        f"| at least {TARGET_PER_S} requests a second | {own['per_s']:.0f} | "
        f"{met[own['per_s'] >= TARGET_PER_S]} |",
        f"| at most {TARGET_MS:g} ms of CPU a request | {own['cpu_ms']:.2f} | "
        f"{met[own['cpu_ms'] <= TARGET_MS]} |",
    ]
    if peers := [row for row in rows if row["name"] == CURATOR]:
        ratio = peers[0]["ratio"]
        lines.append(f"| no slower than {CURATOR} | {ratio:.2f} | {met[ratio >= 1]} |")
    return "\n".join(lines)


def measure(url: str, log: Path, peer: Writer | None) -> list[dict[str, Any]]:
    """Return a row for each rival, ours first."""
    engine, work = OpenAIEngine(url, "m", max_concurrency=CONCURRENCY, chat=True), Work(log)
    stored = StoredEngine(engine, str(log.with_name("answers.sqlite")))
    writers: dict[str, Writer] = {OURS: partial(ours, stored), BARE: partial(ours, engine)}
    if peer:
        writers[CURATOR] = peer
    rivals: dict[str, Callable[[], float]] = {
        name: partial(work.rate, name, write) for name, write in writers.items()
    }
    for run in rivals.values():
        run()  # what is imported and connected once
    work.cpu_ms.clear()
    numbers = interleave(rivals, ROUNDS)
    rows = ratios(numbers, OURS)
    for row in rows:
        row["per_s"] = median(numbers[row["name"]])
        row["cpu_ms"] = median(work.cpu_ms[row["name"]])
    return rows


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curator", help="a Python in whose environment curator is installed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with counting(log, {"delay_s": DELAY_S}) as url:
            if options.curator:
                with curator(options.curator, url) as peer:
                    rows = measure(url, log, peer)
            else:
                rows = measure(url, log, None)
    text = (
        f"{table(rows)}\n\n{COUNT} chats a round, {CONCURRENCY} under way; the stub answers after "
        f"{1e3 * DELAY_S:g} ms. openai {version('openai')}; {os.cpu_count()} processors; load "
        f"average {os.getloadavg()[0]:.1f}; median of {ROUNDS} rounds."
    )
    print(text)
    publish(
        "generation",
        work="requests a second: short chats with a stub, the answers kept",
        equal="every prompt was asked for once, and its answer is there",
        rows=rows,
        table=text,
        openai=version("openai"),
    )


if __name__ == "__main__":
    command()
