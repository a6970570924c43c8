"""Signals that ask a run to stop are noted at once and obeyed between two steps."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from types import FrameType

import lightning.pytorch as pl
from lightning.pytorch.plugins.environments import SLURMEnvironment
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.exceptions import SIGTERMException


class StopSignals:
    """Note SIGTERM, SIGINT and Slurm's signal (SIGUSR1 elsewhere), and stop when asked to.

    Lightning's own handlers save, and talk to the other processes, in the middle of whatever the
    process was doing (Lightning issue 21406); these only remember.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None

    def listen(self, trainer: pl.Trainer) -> None:
        """Take Lightning's handlers' place; its teardown puts those of before the run back."""
        self._received = None
        if threading.current_thread() is threading.main_thread():
            requeue = _requeue_signal(trainer) or signal.SIGUSR1
            for number in (signal.SIGTERM, signal.SIGINT, requeue):
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            if self._received == signal.SIGINT:  # asked twice: stop at once
                signal.signal(signal.SIGINT, signal.default_int_handler)
                raise KeyboardInterrupt
            # Not `print`: a handler may interrupt another one.
            os.write(2, b"\nSaving after this step; press Ctrl-C again to stop at once.\n")
        self._received = signal.Signals(number)

    def received_anywhere(self, trainer: pl.Trainer) -> bool:
        """Return whether a process of the run was signalled; all must ask at the same step."""
        return trainer.strategy.reduce_boolean_decision(self._received is not None, all=False)

    def stop(self, trainer: pl.Trainer, checkpoint: str, command: str) -> None:
        """Stop the run; put a Slurm job back in the queue.

        Args:
            trainer: of the run.
            checkpoint: from which it resumes.
            command: that resumes it.

        Raises:
            SIGTERMException: always; the process exits as one that the signal ended.
        """
        number = self._received or signal.SIGTERM  # another process was signalled
        rank_zero_info(
            f"Stopped by {number.name} after step {trainer.global_step}, saved as {checkpoint}. "
            f"Resume: {command}"
        )
        if trainer.is_global_zero and number == _requeue_signal(trainer):
            _requeue()
        raise SIGTERMException(128 + number)


def _requeue_signal(trainer: pl.Trainer) -> int | None:
    """Return the signal after which Slurm's job is queued again, where it is to be."""
    environment = trainer._accelerator_connector.cluster_environment
    if isinstance(environment, SLURMEnvironment) and environment.auto_requeue:
        return environment.requeue_signal
    return None


def _requeue() -> None:
    array, job = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ["SLURM_JOB_ID"]
    if array is not None:
        job = f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    subprocess.run(["scontrol", "requeue", job], check=False)
