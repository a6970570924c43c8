"""Arms: settings that are compared, each an ordinary run of the command with a result on disk.

A finished arm is never run again, and an interrupted one goes on from its checkpoint. Arms run in
turn or on any ``concurrent.futures.Executor``.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.messages import quietly

if TYPE_CHECKING:
    from torch import nn

# {arm: {metric: [one value a seed]}}
Results = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class Stage:
    """A command that an arm needs done before its own ``fit``: data that another model writes.

    Args:
        verb: ``predict``, say.
        config: config file, relative to the package's configs or absolute.
        options: as those of ``Arm``.
    """

    verb: str
    config: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """One setting that a claim compares: a config of the package and what differs from it.

    Args:
        name: short name, also the folder of its runs.
        config: config file, relative to the package's configs or absolute; one that goes on top of
            another brings it along.
        options: dotted keys of the config and their values. In a value, ``{needs}`` stands for the
            run folder of the needed arm with the same seed.
        tags: numbers or words for the verdicts and the figure (a size, a share).
        needs: the arm that must be done first.
        before: commands that are run before ``fit``; arms with the same ones and the same ``needs``
            share what they write.
    """

    name: str
    config: str
    options: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    needs: Arm | None = None
    before: tuple[Stage, ...] = ()

    def command_line(self, seed: int, work: Path) -> list[str]:
        """Return the arguments of the ``fit`` command that runs this arm with ``seed``."""
        checkpoints = str(self.run_folder(seed, work) / "checkpoints")
        own = {"checkpoint.dirpath": checkpoints, "ckpt_path": "last"}
        return self._words("fit", self.config, {**self.options, **own}, seed, work)

    def commands_before(self, seed: int, work: Path) -> list[list[str]]:
        """Return the arguments of the commands that come before ``fit``."""
        return [self._words(s.verb, s.config, s.options, seed, work) for s in self.before]

    def _words(
        self, verb: str, config: str, options: dict[str, Any], seed: int, work: Path
    ) -> list[str]:
        from lit_research.catalogue import with_bases
        from lit_research.cli import config_dir

        logger = "trainer.logger.init_args"
        options = {
            **options,
            "seed_everything": seed,
            f"{logger}.save_dir": str(work),
            f"{logger}.name": self.folder,
            f"{logger}.version": seed,
            # The replica shows its own.
            "trainer.enable_progress_bar": False,
        }
        needs = str(self.needs.run_folder(seed, work)) if self.needs else ""
        flags = [
            f"--{key}={v if isinstance(v, str) else json.dumps(v)}".replace("{needs}", needs)
            for key, v in options.items()
        ]
        files = with_bases(config_dir() / config)
        return [verb, *(word for file in files for word in ("--config", str(file))), *flags]

    def run_folder(self, seed: int, work: Path) -> Path:
        """Return the folder of the run with ``seed``."""
        return work / self.folder / f"version_{seed}"

    @property
    def folder(self) -> str:
        """Name of its folder: another config or other options are another folder, run afresh."""
        from lit_research.catalogue import with_bases
        from lit_research.cli import config_dir

        parts = [(self.config, self.options), *((s.config, s.options) for s in self.before)]
        text = ""
        for config, options in parts:
            texts = [file.read_text() for file in with_bases(config_dir() / config)]
            text += "".join(texts) + json.dumps(options, sort_keys=True)
        text += self.needs.folder if self.needs else ""
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def result_file(arm: Arm, seed: int, work: Path) -> Path:
    """Return where the result of an arm with a seed is kept; a file there means it is finished."""
    return work / arm.folder / f"seed-{seed}.json"


def run_arm(arm: Arm, seed: int, work: Path) -> dict[str, float]:
    """Run one arm with one seed, or read its result if it is there; return its final metrics.

    The score is the validation after the last step, not the best one on the way. Where another
    process runs the same arm and seed, this one waits for its result.
    """
    target = result_file(arm, seed, work)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A job of a cluster may outlive the process that submitted it, and be submitted again.
    with FileLock(f"{target}.lock"):
        if target.is_file():
            return json.loads(target.read_text())["metrics"]
        return _run_and_keep(arm, seed, work, target)


def _run_and_keep(arm: Arm, seed: int, work: Path, target: Path) -> dict[str, float]:
    """Run an arm and write its result to ``target``."""
    from lit_research.cli import main

    start = time.perf_counter()
    with quietly():  # several run side by side, and who compares them shows how far they are
        for words in arm.commands_before(seed, work):
            main(words)
        cli = main(arm.command_line(seed, work))
        [scores] = cli.trainer.validate(cli.model, cli.datamodule, verbose=False)
    found: dict[str, Any] = {**cli.trainer.callback_metrics, **scores}
    metrics = {name: float(value) for name, value in found.items()}
    metrics |= _sizes(cli.model)
    record = {"metrics": metrics, "seconds": time.perf_counter() - start}
    write_atomic(target, json.dumps(record, indent=1))
    return metrics


def _sizes(model: nn.Module) -> dict[str, float]:
    """Count the parameters, with and without those of embeddings."""
    from torch import nn

    embeddings = [m for m in model.modules() if isinstance(m, nn.Embedding)]
    total = sum(p.numel() for p in model.parameters())
    apart = sum(p.numel() for m in embeddings for p in m.parameters())
    return {"parameters": float(total), "non_embedding_parameters": float(total - apart)}


def _start_worker() -> None:
    import torch

    torch.set_num_threads(1)
    # Ctrl+C ends it at once, and not only its present run; that goes on from its checkpoint.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End a worker whose parent was killed: it would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def make_executor(
    executor: str | Executor | None, jobs: int
) -> AbstractContextManager[Executor | None]:
    """Return the executor that arms run on: none for one job, processes, or the one that is given.

    Args:
        executor: itself, or the path of a callable that returns one (see ``executors`` for those of
            clusters).
        jobs: processes of this machine, where no executor is given.

    Raises:
        UserError: the path names no callable, or one that returns something else.
    """
    if isinstance(executor, Executor):
        return executor
    if executor is None:
        if jobs <= 1:
            return nullcontext()
        return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start_worker)
    module, _, name = executor.rpartition(".")
    try:
        factory: Callable[[], Executor] = getattr(importlib.import_module(module), name)
        made = factory()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UserError(
            f"executor {executor!r} cannot be made ({error}); give the path of a callable that "
            "returns a concurrent.futures.Executor"
        ) from error
    if not isinstance(made, Executor):
        known = "lit_research.executors.SubmititExecutor, RayExecutor or DaskExecutor"
        raise UserError(
            f"executor {executor!r} returns a {type(made).__name__}, which is no "
            f"concurrent.futures.Executor; give {known}, or a callable that returns one"
        )
    return made


def _levels(arms: list[Arm]) -> list[list[Arm]]:
    """Return the arms in the order of what they need: those of a level can run side by side."""
    levels: list[list[Arm]] = []
    left, done = list(arms), set[str]()
    while left:
        ready = [a for a in left if a.needs is None or a.needs.folder in done]
        if not ready:
            names = ", ".join(sorted({a.needs.name for a in left if a.needs}))
            raise UserError(f"arms need others that are not run: give --only with {names} too")
        levels.append(ready)
        done |= {arm.folder for arm in ready}
        left = [arm for arm in left if arm not in ready]
    return levels


def _run_jobs(
    jobs: list[tuple[Arm, int]], work: Path, executor: Executor | None
) -> Iterator[tuple[tuple[str, int], dict[str, float]]]:
    """Yield what each (arm, seed) measured, as it is done."""
    if executor is None:
        for arm, seed in jobs:
            yield (arm.name, seed), run_arm(arm, seed, work)
        return
    futures = {executor.submit(run_arm, arm, seed, work): (arm.name, seed) for arm, seed in jobs}
    for future in as_completed(futures):
        yield futures[future], future.result()


def run_arms(
    arms: Iterable[Arm], seeds: Iterable[int], work: Path, executor: Executor | None = None
) -> Results:
    """Run every arm with every seed, in turn or on ``executor``; show progress; gather metrics."""
    from rich.progress import Progress

    arms, seeds = list(arms), list(seeds)
    todo = [(arm, seed) for arm in arms for seed in seeds]
    found: dict[tuple[str, int], dict[str, float]] = {}
    with Progress() as progress:
        bar = progress.add_task("arms x seeds", total=len(todo))
        for level in _levels(arms):
            jobs = [(arm, seed) for arm in level for seed in seeds]
            for job, metrics in _run_jobs(jobs, work, executor):
                found[job] = metrics
                progress.advance(bar)
    results: Results = {}
    for arm, seed in todo:  # in the order of the seeds, whichever finished first
        for metric, value in found[arm.name, seed].items():
            results.setdefault(arm.name, {}).setdefault(metric, []).append(value)
    return results
