"""``make_executor``: an executor from a number of jobs or the path of a class."""

from __future__ import annotations

import importlib
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context, parent_process

from lit_research.errors import UserError


def _start_worker() -> None:
    import torch

    torch.set_num_threads(1)
    # Ctrl+C ends the worker, not only its current run, which resumes from its checkpoint later.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End a worker whose parent was killed: it would wait for work forever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def make_executor(
    executor: str | Executor | None, jobs: int
) -> AbstractContextManager[Executor | None]:
    """Return the executor that arms run on: none for one job, processes, or the given one.

    Args:
        executor: itself, or the path of a callable that returns one. Those of clusters are in
            ``lit_research.experiments.executors``.
        jobs: processes of this machine, if no executor is given.

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
            f"executor {executor!r} cannot be made ({error}); must be the path of a callable that "
            "returns a concurrent.futures.Executor"
        ) from error
    if not isinstance(made, Executor):
        known = "lit_research.experiments.executors.SubmititExecutor, RayExecutor or DaskExecutor"
        raise UserError(
            f"executor {executor!r} returns a {type(made).__name__}, which is not a "
            f"concurrent.futures.Executor; must be {known}, or a callable that returns one"
        )
    return made
