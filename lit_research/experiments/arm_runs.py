"""Run arms through the command that the caller gives, each with a result file.

A finished arm is never run again, and an interrupted one resumes from its checkpoint. Arms run one
after the other or on any ``concurrent.futures.Executor``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from lit_research.errors import UserError
from lit_research.experiments.command import Command
from lit_research.files import write_atomic
from lit_research.messages import quietly
from lit_research.methods.arms import Arm, Results

if TYPE_CHECKING:
    from torch import nn


def result_file(arm: Arm, seed: int, work: Path) -> Path:
    """Return the path of an arm's result for a seed; the file exists once the run has finished."""
    return work / arm.folder / f"seed-{seed}.json"


def run_arm(
    arm: Arm, seed: int, work: Path, command: Command, plan: str | None = None
) -> dict[str, float]:
    """Run one arm with one seed, or read its result if it exists; return its final metrics.

    The score is the validation after the last step, not the best one of the run; an arm that is
    only tested has the metrics of the test. If another process
    runs the same arm and seed, this one waits for its result.

    Args:
        arm: the setting.
        seed: of its run.
        work: folder of the runs and their results.
        command: runs a command line, as ``lit_research.cli.main`` does.
        plan: hash of the plan that it is run under.

    Raises:
        UserError: its result was made under another plan.
    """
    target = result_file(arm, seed, work)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A job of a cluster may outlive the process that submitted it, and be submitted again.
    with FileLock(f"{target}.lock"):
        if not target.is_file():
            return _run_and_save(arm, seed, work, command, target, plan)
        record = json.loads(target.read_text())
        if record.get("plan") != plan:
            raise UserError(
                f"{target} was made under the plan {record.get('plan') or 'none'}, and today's is "
                f"{plan or 'none'}: no verdict comes of it; restore that plan, or run all seeds "
                "under this one in another --out"
            )
        return record["metrics"]


def _run_and_save(
    arm: Arm, seed: int, work: Path, command: Command, target: Path, plan: str | None
) -> dict[str, float]:
    """Run an arm and write its result to ``target``."""
    start = time.perf_counter()
    with quietly():  # several run in parallel, and the caller shows their progress
        for arguments in arm.commands_before(seed, work):
            command(arguments)
        run = command(arm.command_line(seed, work))
        scores: Any = {}
        if arm.verb == "fit":
            [scores] = run.trainer.validate(run.model, run.datamodule, verbose=False)
    logged: dict[str, Any] = {**run.trainer.callback_metrics, **scores}
    metrics = {name: float(value) for name, value in logged.items()}
    metrics |= _parameter_counts(run.model)
    record = {"metrics": metrics, "seconds": time.perf_counter() - start, "plan": plan}
    write_atomic(target, json.dumps(record, indent=1))
    return metrics


def _parameter_counts(model: nn.Module) -> dict[str, float]:
    """Count the parameters, with and without embeddings."""
    from torch import nn

    embeddings = [m for m in model.modules() if isinstance(m, nn.Embedding)]
    total = sum(p.numel() for p in model.parameters())
    in_embeddings = sum(p.numel() for m in embeddings for p in m.parameters())
    return {"parameters": float(total), "non_embedding_parameters": float(total - in_embeddings)}


def _levels(arms: list[Arm]) -> list[list[Arm]]:
    """Group the arms by dependencies: those of one level can run in parallel."""
    levels: list[list[Arm]] = []
    remaining, done = list(arms), set[str]()
    while remaining:
        ready = [a for a in remaining if a.needs is None or a.needs.folder in done]
        if not ready:
            names = ", ".join(sorted({a.needs.name for a in remaining if a.needs}))
            raise UserError(
                f"arms need others that are not run, in --only; give --only with {names} too"
            )
        levels.append(ready)
        done |= {arm.folder for arm in ready}
        remaining = [arm for arm in remaining if arm not in ready]
    return levels


def _run_jobs(
    jobs: list[tuple[Arm, int]],
    work: Path,
    command: Command,
    executor: Executor | None,
    plan: str | None,
) -> Iterator[tuple[tuple[str, int], dict[str, float]]]:
    """Yield the metrics of each (arm, seed) as it finishes."""
    if executor is None:
        for arm, seed in jobs:
            yield (arm.name, seed), run_arm(arm, seed, work, command, plan)
        return
    futures = {
        executor.submit(run_arm, arm, seed, work, command, plan): (arm.name, seed)
        for arm, seed in jobs
    }
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BaseException:  # a run that failed, or Ctrl-C: no executor is to run the rest first
        for future in futures:
            future.cancel()
        raise


def run_arms(
    arms: Iterable[Arm],
    seeds: Iterable[int],
    work: Path,
    command: Command,
    executor: Executor | None = None,
    plan: str | None = None,
    after_each: Callable[[], None] | None = None,
) -> Results:
    """Run every arm with every seed, show the progress, and collect the metrics.

    Args:
        arms: in any order; an arm that needs another one runs after it.
        seeds: of each arm.
        work: folder of the runs and their results.
        command: see ``run_arm``.
        executor: where they run; None runs them one after the other, in this process.
        plan: hash of the plan that they are run under.
        after_each: called when a run has written its result.

    Raises:
        UserError: an arm needs one that is not among ``arms``.
    """
    from rich.progress import Progress

    arms, seeds = list(arms), list(seeds)
    runs = [(arm, seed) for arm in arms for seed in seeds]
    measured: dict[tuple[str, int], dict[str, float]] = {}
    with Progress() as progress:
        bar = progress.add_task("arms x seeds", total=len(runs))
        for level in _levels(arms):
            jobs = [(arm, seed) for arm in level for seed in seeds]
            for job, metrics in _run_jobs(jobs, work, command, executor, plan):
                measured[job] = metrics
                if after_each is not None:
                    after_each()
                progress.advance(bar)
    results: Results = {}
    for arm, seed in runs:  # in the order of the seeds, whichever finished first
        for metric, value in measured[arm.name, seed].items():
            results.setdefault(arm.name, {}).setdefault(metric, []).append(value)
    return results
