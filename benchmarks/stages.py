"""Rows a second through all stages of a recipe, its memory, and the same stages in other tools.

    python -m benchmarks.stages                              # ours alone
    python -m benchmarks.stages --distilabel PYTHON --curator PYTHON     # some ten minutes
    python -m benchmarks.stages --near                       # near-duplicates alone; two minutes
    python -m benchmarks.stages --small                      # prints and writes nothing

The recipe has all six steps, with programs in place of models; each run of it is a process of its
own. The other tools run three of its stages: questions, an answer to each by a stub of a model, and
a filter. The stub is in the process, as distilabel's can be, or a server, as curator's must be. All
answers must be the same before a time counts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count as counter
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.pairing import interleave, publish, ratios
from benchmarks.peer_process import peer_process
from benchmarks.stages_graph import is_kept, question
from benchmarks.stages_kill import killed
from benchmarks.stages_ours import Work, in_process, with_server
from lit_research.methods.openthoughts.worded_world import GRADES
from tests.lm.engines.counting import counting

SIZES, REPEATS = (20_000, 100_000), 3
ROWS, REQUESTS, ROUNDS, CONCURRENCY = 10_000, 1000, 3, 64
TARGET_PER_S, TARGET_MEMORY = 5000, 1.1
OURS, DISTILABEL = "lit_research", "distilabel"
SERVED, CURATOR = "lit_research, a server", "bespokelabs-curator, a server"
PEER = Path(__file__).with_name("stages_peers.py")


def recipe_runs(sizes: tuple[int, ...], repeats: int) -> dict[int, list[dict[str, Any]]]:
    """Return what ``stages_recipe`` says, of each size; equal runs must end in equal rows."""
    found: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
    for _ in range(repeats):
        for size, runs in found.items():
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "benchmarks.stages_recipe", str(size), folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
            assert runs[-1]["hash"] == runs[0]["hash"], f"{size} rows end in other rows"
    return found


def graph_numbers(rivals: dict[str, Work], count: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row for each rival, the first one ours."""
    tags, cpu_ms = counter(), dict[str, list[float]]()

    def rate(name: str, run: Work) -> float:
        tag = f"job{next(tags)}"
        done = run(count, tag)
        # An answer is the question, the seed and a number.
        texts = sorted(text.rsplit(" ", 2)[0].strip() for text in done["texts"])
        asked = [question(tag, number) for number in range(count)]
        assert texts == sorted(text.strip() for text in asked if is_kept(text)), name
        cpu_ms.setdefault(name, []).append(1e3 * done["cpu_s"] / count)
        return count / done["wall_s"]

    calls: dict[str, Callable[[], float]] = {
        name: partial(rate, name, run) for name, run in rivals.items()
    }
    for call in calls.values():
        call()  # what is imported and connected once
    cpu_ms.clear()
    numbers = interleave(calls, rounds)
    rows = ratios(numbers, next(iter(rivals)))
    for row in rows:
        row |= {"per_s": median(numbers[row["name"]]), "cpu_ms": median(cpu_ms[row["name"]])}
    return rows


def measure_graphs(options: argparse.Namespace, shrink: int) -> list[dict[str, Any]]:
    """Return a row for each rival on the three stages."""
    rounds = 1 if shrink > 1 else ROUNDS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        local, served = {OURS: in_process()}, dict[str, Work]()
        if options.distilabel:
            local[DISTILABEL] = stack.enter_context(
                peer_process(options.distilabel, PEER, "distilabel")
            )
        url = stack.enter_context(counting(folder / "log", {"delay_s": 0.0}))
        served[SERVED] = with_server(url, CONCURRENCY, folder)
        if options.curator:
            given = ("curator", url, str(CONCURRENCY))
            served[CURATOR] = stack.enter_context(peer_process(options.curator, PEER, *given))
        rows = graph_numbers(local, ROWS // shrink, rounds)
        return rows + graph_numbers(served, REQUESTS // shrink, rounds)


def recipe_rows(found: dict[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return a row for each size of the recipe: medians over its runs."""
    rows = []
    for size, runs in found.items():
        answered = runs[0]["counts"]["answered"]["in"]
        rows.append(
            {
                "name": f"recipe, {size} rows",
                "per_s": median(size / run["cpu_s"] for run in runs),
                "range": [size / max(c := [run["cpu_s"] for run in runs]), size / min(c)],
                "answered_per_s": median(answered / run["cpu_s"] for run in runs),
                "wall_per_s": median(size / run["wall_s"] for run in runs),
                "peak_mib": median(run["peak_mib"] for run in runs),
            }
        )
    return rows


def table(recipes: list[dict[str, Any]], graphs: list[dict[str, Any]], kill: Any) -> str:
    """Return the rows as Markdown, and whether the targets are met."""
    lines = [
        "| rows that enter | a second of a core [range] | answered, of these | peak MiB |",
        "|--:|--:|--:|--:|",
    ]
    for row in recipes:
        low, high = row["range"]
        lines.append(
            f"| {row['name'].split()[1]} | {row['per_s']:.0f} [{low:.0f}, {high:.0f}] | "
            f"{row['answered_per_s']:.0f} | {row['peak_mib']:.0f} |"
        )
    lines += [
        "",
        "| three stages | rows/s | CPU ms a row | rows/s, ours / theirs [quartiles] |",
        "|---|--:|--:|--:|",
    ]
    for row in graphs:
        low, high = row["quartiles"]
        lines.append(
            f"| {row['name']} | {row['per_s']:.0f} | {row['cpu_ms']:.3f} | {row['ratio']:.2f} "
            f"[{low:.2f}, {high:.2f}] |"
        )
    small, large = recipes[0], recipes[-1]
    memory = large["peak_mib"] / small["peak_mib"]
    met = {True: "yes", False: "no"}
    lines += [
        "",
        "| target | measured | met |",
        "|---|--:|---|",
        f"| at least {TARGET_PER_S} rows a second of a core | {large['per_s']:.0f} | "
        f"{met[large['per_s'] >= TARGET_PER_S]} |",
        f"| the same, of rows that the teacher answers | {large['answered_per_s']:.0f} | "
        f"{met[large['answered_per_s'] >= TARGET_PER_S]} |",
        f"| peak memory at most {TARGET_MEMORY} of that of a fifth of the rows | {memory:.3f} | "
        f"{met[memory <= TARGET_MEMORY]} |",
        f"| killed at {len(kill['killed_at'])} points: the same rows | {met[kill['same']]} | "
        f"{met[kill['same']]} |",
        f"| finished shards of {kill['shards']} that came again | {kill['repeated']} | "
        f"{met[not kill['repeated']]} |",
    ]
    for row in graphs:
        if row["name"] in (DISTILABEL, CURATOR):
            ratio = row["ratio"]
            lines.append(f"| no slower than {row['name']} | {ratio:.2f} | {met[ratio >= 1]} |")
    return "\n".join(lines)


def near_rows(sizes: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    """Return a row for each number of questions, of the step that rejects near-duplicates."""
    rows, module = [], [sys.executable, "-m", "benchmarks.stages_near"]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder) / "rows.jsonl")
            subprocess.run([*module, "write", str(size), file], check=True)
            runs = []
            for number in range(repeats):
                command = [*module, "run", file, str(Path(folder) / str(number))]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                runs.append(json.loads(done.stdout.splitlines()[-1]))
        assert all(run["counts"] == runs[0]["counts"] for run in runs), f"{size}: other duplicates"
        numbers = {
            name: median(run[name] for run in runs)
            for name in ("cpu_s", "wall_s", "before_mib", "peak_mib")
        }
        planted = size // (10 * len(GRADES))
        found = {kind: runs[0]["rejected"].get(kind, 0) for kind in (*GRADES, "None")}
        rows.append({"name": f"near, {size} rows", **numbers, "planted": planted, "found": found})
    return rows


def near_table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        f"| questions | CPU s | peak MiB before it | in it | {' | '.join(GRADES)} | others |",
        "|" + "--:|" * (5 + len(GRADES)),
    ]
    for row in rows:
        shares = [f"{row['found'][kind]} of {row['planted']}" for kind in GRADES]
        lines.append(
            f"| {row['name'].split()[1]} | {row['cpu_s']:.1f} | {row['before_mib']:.0f} | "
            f"{row['peak_mib']:.0f} | {' | '.join(shares)} | {row['found']['None']} |"
        )
    return "\n".join(lines)


def measure_near(small: bool) -> None:
    """Measure the step that rejects near-duplicates."""
    sizes = tuple(size // (10 if small else 1) for size in SIZES)
    rows = near_rows(sizes, 1 if small else REPEATS)
    text = (
        f"{near_table(rows)}\n\nMedians of {REPEATS} runs; load average {os.getloadavg()[0]:.1f}."
    )
    print(text)
    if not small:
        publish(
            "stages_near",
            work="NearDuplicates with candidates by MinHash, numbers must match, in a pipeline",
            equal="every run of a size rejects as many",
            rows=rows,
            table=text,
        )


def command() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in (DISTILABEL, "curator"):
        parser.add_argument(f"--{name}", help=f"a Python in whose environment {name} is installed")
    parser.add_argument("--small", action="store_true", help="a tenth; writes nothing")
    parser.add_argument("--near", action="store_true", help="measure near-duplicates, alone")
    options = parser.parse_args()
    if options.near:
        measure_near(options.small)
        return
    shrink = 10 if options.small else 1
    sizes = tuple(size // shrink for size in SIZES)
    recipes = recipe_rows(recipe_runs(sizes, 1 if options.small else REPEATS))
    graphs = measure_graphs(options, shrink)
    kill = killed(sizes[-1], 2 if options.small else 10)
    text = (
        f"{table(recipes, graphs, kill)}\n\nMedians of {REPEATS} runs of the recipe and of "
        f"{ROUNDS} rounds of {ROWS} rows (a server: {REQUESTS}, {CONCURRENCY} under way); killed "
        f"when {', '.join(map(str, kill['killed_at']))} shards were finished; {os.cpu_count()} "
        f"processors; load average {os.getloadavg()[0]:.1f}."
    )
    print(text)
    if not options.small:
        publish(
            "stages",
            work="rows a second through all stages; three stages in other tools",
            equal="every run of a size ends in the same rows; the tools keep the same answers",
            rows=[*recipes, *graphs],
            table=text,
            kill=kill,
        )


if __name__ == "__main__":
    command()
