"""``ClusterExecutor``: the part that the executors of clusters share.

Each runs a call in a process of a cluster, as many side by side as ``jobs`` says; what a call
raises there is raised here.
"""

from __future__ import annotations

import importlib
import threading
import traceback
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

from typing_extensions import override

from lit_research.errors import UserError
from lit_research.ranges import COUNT, check_range

Outcome = tuple[bool, Any, str]


class RemoteError(Exception):
    """The traceback of a call in its own process; the cause of what is raised here."""


def outcome_of(
    threads: int | None, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Outcome:
    """Run a call in a worker: ``(True, result, "")``, or ``(False, error, its traceback)``.

    Args:
        threads: of torch; None leaves them as they are.
        function: what is called, importable in the worker.
        args: of the call.
        kwargs: of the call.
    """
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    try:
        return True, function(*args, **kwargs), ""
    except Exception as error:
        return False, error, traceback.format_exc()


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


class ClusterExecutor(ThreadPoolExecutor):
    """An executor whose threads wait for calls that run elsewhere.

    So it is an ordinary one: ``submit``, ``map``, ``with``, and a call that has not begun can be
    cancelled. The cluster is started, or connected to, by the first call. Left by an error, it ends
    the calls that are under way; a run of the command resumes from its checkpoint.

    Args:
        jobs: calls that run side by side.
    """

    package: str
    extra: str

    def __init__(self, jobs: int) -> None:
        check_range(COUNT, f"in {type(self).__name__}", jobs=jobs)
        super().__init__(jobs, thread_name_prefix=type(self).__name__)
        self._starting = threading.Lock()
        self._started = False
        self._running: set[Any] = set()

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call in the cluster; the future has what it returns or raises."""
        with self._starting:
            if not self._started:
                self._start()
                self._started = True
        return super().submit(self._result, fn, args, kwargs)

    def _start(self) -> None:
        name = type(self).__name__
        try:
            package = importlib.import_module(self.package)
        except ImportError as error:
            raise UserError(
                f"{name} needs the package {self.package}, which cannot be imported ({error}); "
                f"install it with pip install 'lit_research[{self.extra}]'"
            ) from error
        try:
            self.start(package)
        except Exception as error:  # each cluster has its own
            raise UserError(
                f"{name} cannot start or reach its cluster ({_line(error)}); give arguments that "
                f"{self.package} takes, or the address of a cluster that runs"
            ) from error

    def _result(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        try:
            done, value, trace = self.run(function, args, kwargs)
        except Exception as error:  # each cluster has its own
            raise UserError(
                f"a call ended without a result, in {type(self).__name__} ({_line(error)}); see "
                "the logs of its worker, and start again: what is finished is not repeated"
            ) from error
        if not done:
            raise value from RemoteError(f"\n{trace}")
        return value

    def wait(self, task: Any, result: Callable[[], Outcome]) -> Outcome:
        """Return what a task gives; until then it is one of those that ``cancel`` is to end."""
        self._running.add(task)
        try:
            return result()
        finally:
            self._running.discard(task)

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the cluster, after the calls that have begun."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        with self._starting:
            started, self._started = self._started, False
        if started:
            self.stop()

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if kind is not None:
            super().shutdown(wait=False, cancel_futures=True)
            self.cancel()
        return super().__exit__(kind, error, trace)

    @abstractmethod
    def start(self, package: Any) -> None:
        """Start the cluster, or connect to it; given the imported package."""

    @abstractmethod
    def run(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Outcome:
        """Run a call in a worker and wait for what ``outcome_of`` returns."""

    @abstractmethod
    def cancel(self) -> None:
        """End the calls that are under way."""

    @abstractmethod
    def stop(self) -> None:
        """End what ``start`` began."""
