"""Progress of a run: ``ProgressBar`` on a terminal, ``ProgressLines`` everywhere else."""

from __future__ import annotations

import math
import sys
import time
from datetime import timedelta
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.core.optimizer import _MockOptimizer
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column
from typing_extensions import override

from lit_research.callbacks.resume_points import within_step

# Seconds between two redraws of the bar: reading metrics waits for a GPU.
REDRAW = 0.5
# Seconds after which a line is printed even if nothing was logged.
SILENCE = 30.0
# The name under which `Throughput` gives its rate to progress bars.
RATE = "tokens/s"


def is_terminal() -> bool:
    """Return whether stderr is a terminal on which a bar can be redrawn."""
    return Console(stderr=True).is_interactive


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds: ``0:04:12``."""
    return str(timedelta(seconds=round(seconds)))


def run_steps(trainer: pl.Trainer) -> tuple[int, int | None]:
    """Return the steps done and the total of the run, ``None`` if it has no end.

    A run without an optimiser (such as a search) counts its batches.
    """
    steps = any(not isinstance(optimizer, _MockOptimizer) for optimizer in trainer.optimizers)
    done = trainer.global_step if steps else trainer.fit_loop.total_batch_idx + 1
    try:
        total = trainer.estimated_stepping_batches
    except MisconfigurationException:  # the number of batches in a step changes between epochs
        return done, None
    return done, int(total) if 0 <= total < math.inf else None


def _of(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None else f"{done:,}/{total:,}"


class ProgressCallback(Callback):
    """Follows the progress of a run on rank 0; subclasses show it."""

    def __init__(self) -> None:
        super().__init__()
        self._since: tuple[int, float] | None = None  # steps, seconds
        self._stage, self._done = "", 0
        self._total: int | None = None

    def show_steps(self, trainer: pl.Trainer, *, first: bool) -> None:
        """Show the progress of training; ``first``: this process has just taken its first step."""
        raise NotImplementedError

    def show_batches(self, stage: str, done: int, total: int | None) -> None:
        """Show the progress of an evaluation, in batches of all its loaders."""
        raise NotImplementedError

    def status(self, trainer: pl.Trainer) -> str:
        """Return step, total, time left, tokens per second, and the metrics for a progress bar."""
        done, total = run_steps(trainer)
        metrics = {name: float(value) for name, value in trainer.progress_bar_metrics.items()}
        seconds_left, rate = self._seconds_left(done, total), metrics.pop(RATE, None)
        parts = [
            _of(done, total),
            "" if seconds_left is None else f"{clock(seconds_left)} left",
            "" if rate is None else f"{rate:,.0f} {RATE}",
            *(f"{name} {value:.4g}" for name, value in metrics.items()),
        ]
        return "  ".join(part for part in parts if part)

    def _seconds_left(self, done: int, total: int | None) -> float | None:
        """Return the seconds left at the average pace since the first step, validation included."""
        if self._since is None or total is None or done <= self._since[0]:
            return None
        steps, start = self._since
        return (time.monotonic() - start) / (done - steps) * max(0, total - done)

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = None

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        if not trainer.is_global_zero or within_step(trainer):
            return
        first = self._since is None
        if first:  # the first step includes warm-up and is not representative
            self._since = (run_steps(trainer)[0], time.monotonic())
        self.show_steps(trainer, first=first)

    @override
    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            self._begin("check", trainer.num_sanity_val_batches)
        else:
            self._begin("validation", trainer.num_val_batches)

    @override
    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin("test", trainer.num_test_batches)

    @override
    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin("predict", trainer.num_predict_batches)

    def _begin(self, stage: str, batches: Any) -> None:
        total = sum(batches) if isinstance(batches, list) else batches
        self._stage, self._done = stage, 0
        self._total = int(total) if total < math.inf else None

    @override
    def on_validation_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        self._advance(trainer)

    @override
    def on_test_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        self._advance(trainer)

    @override
    def on_predict_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        self._advance(trainer)

    def _advance(self, trainer: pl.Trainer) -> None:
        self._done += 1
        if trainer.is_global_zero:
            self.show_batches(self._stage, self._done, self._total)


class ProgressLines(ProgressCallback):
    """Prints a line for each logged step, for files, notebooks, or where no bar is wanted.

    There is also one after the first step, and after half a minute without one.
    """

    _last_line_s = 0.0  # seconds

    def _say(self, text: str) -> None:
        self._last_line_s = time.monotonic()
        rank_zero_info(text)

    @property
    def _silent(self) -> bool:
        return time.monotonic() - self._last_line_s > SILENCE

    @override
    def show_steps(self, trainer: pl.Trainer, *, first: bool) -> None:
        if first or trainer._logger_connector.should_update_logs or self._silent:
            self._say(f"step {self.status(trainer)}")

    @override
    def _begin(self, stage: str, batches: Any) -> None:
        super()._begin(stage, batches)
        self._last_line_s = time.monotonic()

    @override
    def show_batches(self, stage: str, done: int, total: int | None) -> None:
        if self._silent:
            self._say(f"{stage} {_of(done, total)} batches")


class ProgressBar(ProgressCallback, pl.callbacks.ProgressBar):
    """The default progress bar of the command.

    It is redrawn at most twice a second, without a thread: Lightning's bar reads metrics and
    redraws after every batch, which costs 0.8 ms and, on a GPU, waits for the step to end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._on = True
        self._display: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last_drawn_s = -math.inf  # seconds

    @override
    def enable(self) -> None:
        self._on = True

    @override
    def disable(self) -> None:
        self._on = False

    @override
    def show_steps(self, trainer: pl.Trainer, *, first: bool) -> None:
        done, total = run_steps(trainer)
        if self._is_due or (self._on and done == total):
            self._draw("fit", done, total, self.status(trainer))

    @override
    def show_batches(self, stage: str, done: int, total: int | None) -> None:
        last = done == total
        if last or self._is_due:
            self._draw(stage, done, total, _of(done, total))
        if last and stage in ("test", "predict"):
            self._close()  # the method may show something itself now

    @property
    def _is_due(self) -> bool:
        return self._on and time.monotonic() - self._last_drawn_s >= REDRAW

    def _draw(self, stage: str, done: int, total: int | None, text: str) -> None:
        """Draw a stage's row, and add it if it does not exist."""
        if not self._on:
            return
        self._last_drawn_s = time.monotonic()
        if self._display is None:
            self._display = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=10),
                # Truncated on a narrow terminal: what matters most comes first.
                TextColumn(
                    "{task.fields[text]}",
                    markup=False,
                    table_column=Column(no_wrap=True, overflow="ellipsis"),
                ),
                console=Console(stderr=True),
                auto_refresh=False,
                redirect_stdout=sys.stdout.isatty(),  # what goes to a file stays there
            )
            self._display.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._display.add_task(stage, total=total, text=text)
        self._display.update(self._tasks[stage], completed=done, total=total, text=text)
        self._display.refresh()

    def _close(self) -> None:
        if self._display is not None:
            self._display.stop()
        self._display, self._tasks, self._last_drawn_s = None, {}, -math.inf

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != "fit":
            self._close()
        elif self._display is not None and self._stage in self._tasks:
            self._display.remove_task(self._tasks.pop(self._stage))
            self._display.refresh()
            if "fit" in self._tasks:
                done, total = run_steps(trainer)
                self._draw("fit", done, total, self.status(trainer))

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._close()

    @override
    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._close()

    @override
    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._close()
