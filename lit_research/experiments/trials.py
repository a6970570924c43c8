"""``Trials``: points of a grid as ordinary runs of the command, with results on disk."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch.utilities import rank_zero_info

from lit_research.catalogue import config_dir
from lit_research.errors import UserError
from lit_research.experiments.arm_runs import result_file, run_arm
from lit_research.experiments.command import Command
from lit_research.experiments.coordinate_search import mean_loss
from lit_research.experiments.executors.factory import make_executor
from lit_research.experiments.grid import Grid, Point
from lit_research.methods.arms import Arm
from lit_research.ranges import COUNT, NOT_NEGATIVE, POSITIVE, Range

SCORE = "val/loss"

# What an axis of the grid sets in the config of a trial.
KEYS = {
    "lr": "model.init_args.optimizer.init_args.lr",
    "weight_decay": "model.init_args.optimizer.init_args.weight_decay",
    "epochs": "trainer.max_epochs",
    "passes": "data.init_args.passes",
    "share": "data.init_args.share",
}
WHOLE = ("epochs", "passes")
RANGES = {
    "lr": POSITIVE,
    "weight_decay": NOT_NEGATIVE,
    "epochs": COUNT,
    "passes": COUNT,
    "share": Range(above=0, below=1),
}
Metrics = dict[str, float]


class Trials:
    """Runs points of a grid, one after the other or on an executor, and reads finished ones.

    Args:
        grid: the points to choose from.
        config: absolute path of a trial's config.
        seeds: the seeds of each trial.
        work: folder of the runs and their results.
        jobs: runs in parallel, see ``make_executor``.
        executor: see ``make_executor``.
        options: further dotted keys of every trial's config, and their values.
    """

    def __init__(
        self,
        grid: Grid,
        config: Path,
        seeds: list[int],
        work: Path,
        *,
        jobs: int = 1,
        executor: str | Executor | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.options = dict(options or {})
        self.grid, self.config, self.seeds, self.work = grid, config, seeds, work
        self._executor_from = (executor, jobs)
        self._executor: Executor | None = None
        self._open = ExitStack()
        # Final validation losses, in nats per token, one a seed.
        self.seed_losses: dict[Point, list[float]] = {}

    def close(self) -> None:
        """Shut down the executor, after the runs that it has started."""
        self._open.close()
        self._executor = None

    def arm(self, point: Point) -> Arm:
        """Return the run that tries ``point``."""
        named = self.grid.named(point)
        options = {KEYS[k]: int(v) if k in WHOLE else v for k, v in named.items()}
        name = "_".join(f"{k}-{v:g}" for k, v in named.items())
        return Arm(name, str(self.config), {**self.options, **options})

    def evaluate(self, points: list[Point], command: Command) -> list[float]:
        """Return the mean losses of ``points``, in nats per token; run what is not on disk.

        Args:
            points: of the grid.
            command: runs a trial's command line.
        """
        arms = {point: self.arm(point) for point in points}
        losses: dict[tuple[Point, int], float] = {}
        missing = []
        for point, seed in ((point, seed) for point in points for seed in self.seeds):
            if result_file(arms[point], seed, self.work).is_file():
                losses[point, seed] = self._score(run_trial(arms[point], seed, self.work, command))
            else:
                missing.append((point, seed))
        for (point, seed), metrics in self._run(arms, missing, command):
            losses[point, seed] = loss = self._score(metrics)
            rank_zero_info(f"{arms[point].name}, seed {seed}: {loss:.5f} nats per token")
        for point in points:  # in the order of the seeds, whichever finished first
            self.seed_losses[point] = [losses[point, seed] for seed in self.seeds]
        return [mean_loss(self.seed_losses[point]) for point in points]

    def _run(
        self, arms: dict[Point, Arm], runs: list[tuple[Point, int]], command: Command
    ) -> Iterator[tuple[tuple[Point, int], Metrics]]:
        """Yield the metrics of each run when it is finished."""
        # Not earlier: a search whose results are on disk needs none.
        if runs and self._executor is None:
            self._executor = self._open.enter_context(make_executor(*self._executor_from))
        if self._executor is None:
            for point, seed in runs:
                yield (point, seed), run_trial(arms[point], seed, self.work, command)
            return
        futures: dict[Future[Metrics], tuple[Point, int]] = {
            self._executor.submit(run_trial, arms[point], seed, self.work, command): (point, seed)
            for point, seed in runs
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:  # if one has failed, start no other
            for future in futures:
                future.cancel()

    def _score(self, metrics: Metrics) -> float:
        if SCORE not in metrics:
            raise UserError(
                f"a trial has no {SCORE}, in the results of {self.config}; must be a config whose "
                "validation logs it, with limit_val_batches above 0"
            )
        return metrics[SCORE]


def run_trial(arm: Arm, seed: int, work: Path, command: Command) -> Metrics:
    """Run a trial, or read its result, without Lightning's messages at start and end."""
    loggers = [logging.getLogger(f"lightning.{package}") for package in ("pytorch", "fabric")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        return run_arm(arm, seed, work, command)
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def ordered_axes(grid: Mapping[str, Sequence[float]], where: str) -> dict[str, tuple[float, ...]]:
    """Return the axes of a config in the order of ``KEYS``, which names the folders of trials.

    Raises:
        UserError: an axis is not known, or has a value that no run could take.
    """
    unknown = [name for name in grid if name not in KEYS]
    if unknown:
        raise UserError(
            f"the grid has the axes {unknown}, {where}; must be among {', '.join(KEYS)}"
        )
    for name, values in grid.items():
        whole = name not in WHOLE or all(float(value).is_integer() for value in values)
        if not whole or not all(math.isfinite(v) and v in RANGES[name] for v in values):
            raise UserError(
                f"the grid has {name} {list(values)}, {where}; must be lr above 0, weight_decay of "
                "at least 0, whole epochs or passes of at least 1, share between 0 and 1"
            )
    return {name: tuple(grid[name]) for name in KEYS if name in grid}


def find_trial_config(trial: str, grid: Grid, where: str) -> Path:
    """Return the absolute path of a trial's config.

    Raises:
        UserError: there is no such file, it is not a config, or it sets the length of the run.
    """
    path = (config_dir() / trial).absolute()
    if not path.is_file():
        raise UserError(
            f"there is no trial config {path}, {where}; must be an absolute path, or relative to "
            f"{config_dir()}"
        )
    try:
        config = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML ({error}), {where}; fix the trial's config") from None
    if not isinstance(config, dict) or "model" not in config:
        raise UserError(f"{path} has no model, {where}; must be a complete config, as Pretrain's")
    steps = (config.get("trainer") or {}).get("max_steps")
    if not {*WHOLE}.isdisjoint(grid.axes) and steps not in (None, -1):
        raise UserError(
            f"max_steps is {steps}, in trainer of {path}; must be left out, since the search sets "
            "the length of a trial by its epochs or passes"
        )
    return path


def check_options(options: Mapping[str, Any], grid: Grid, where: str) -> None:
    """Refuse options of trials that the search sets itself.

    Raises:
        UserError: a key is that of an axis, or of the seed.
    """
    set_by = {KEYS[name]: f"the axis {name} of the grid" for name in grid.axes}
    set_by["seed_everything"] = "seeds"
    for key in options:
        if key in set_by:
            raise UserError(
                f"options has {key}, {where}; leave it out, since {set_by[key]} sets it"
            )
