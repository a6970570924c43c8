"""Signals that ask a run to stop: recorded at once, obeyed between two steps."""

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
    """Records SIGTERM, SIGINT and Slurm's signal (SIGUSR1 elsewhere), and stops the run later.

    Lightning's own handlers save, and communicate with other ranks, in the middle of whatever the
    process was doing (Lightning issue 21406); these only record the signal.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None

    def listen(self, trainer: pl.Trainer) -> None:
        """Replace Lightning's handlers; its teardown restores those from before the run."""
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
        """Return whether any rank received a signal; all ranks must call this at the same step."""
        return trainer.strategy.reduce_boolean_decision(self._received is not None, all=False)

    def stop(self, trainer: pl.Trainer, checkpoint: str, command: str) -> None:
        """Stop the run; requeue a Slurm job.

        Args:
            trainer: of the run.
            checkpoint: path of the checkpoint to resume from.
            command: the command that resumes it.

        Raises:
            SIGTERMException: always; the process exits with the code of the signal.
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
    """Return the signal after which Slurm's job is requeued; None if it is not."""
    environment = trainer._accelerator_connector.cluster_environment
    if isinstance(environment, SLURMEnvironment) and environment.auto_requeue:
        return environment.requeue_signal
    return None


def _requeue() -> None:
    array, job = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ["SLURM_JOB_ID"]
    if array is not None:
        job = f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    subprocess.run(["scontrol", "requeue", job], check=False)
