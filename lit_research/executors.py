"""Executors for clusters: submitit, Ray and Dask as ``concurrent.futures`` executors.

A config or a command names one by its path, ``lit_research.executors.RayExecutor``, or, with
arguments, by ``class_path`` and ``init_args``. Each runs a call in a process of a cluster, as many
side by side as ``jobs`` says; what a call raises there is raised here. The packages are extras:
``pip install 'lit_research[slurm]'``, ``[ray]`` or ``[dask]``.
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

Outcome = tuple[bool, Any, str]
DAY_MIN = 24 * 60  # submitit's own limits are 2 and 5 minutes


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
        if jobs < 1:
            raise UserError(f"jobs is {jobs}, in {type(self).__name__}; must be at least 1")
        super().__init__(jobs, thread_name_prefix=type(self).__name__)
        self._starting = threading.Lock()
        self._started = False

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


class SubmititExecutor(ClusterExecutor):
    """Each call is a job of Slurm, or with ``cluster: local`` a process of this machine.

    A job that Slurm preempts or ends at its time limit is queued again; one that dies is submitted
    again. Jobs do not end with the process that submitted them: submitted once more, a run waits
    for the first job of it.

    Args:
        folder: where submitit keeps jobs and their logs; on a cluster, one that all machines share.
        cluster: ``slurm``, ``local``; None takes Slurm where there is one.
        jobs: jobs in the queue at a time.
        threads: of torch in a job; None leaves it to torch, which sees the CPUs of the job.
        retries: how often a job that died is submitted again.
        parameters: of submitit's ``update_parameters``: ``timeout_min`` (a day, where it is not
            given), ``cpus_per_task``, ``gpus_per_node``, ``mem_gb``, ``slurm_partition`` and so on.
    """

    package, extra = "submitit", "slurm"

    def __init__(
        self,
        folder: str = "runs/jobs",
        cluster: str | None = None,
        jobs: int = 2,
        threads: int | None = 1,
        retries: int = 2,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(jobs)
        self.folder, self.cluster, self.threads = folder, cluster, threads
        self.retries, self.parameters = retries, {"timeout_min": DAY_MIN, **(parameters or {})}
        self._running: set[Any] = set()

    @override
    def start(self, package: Any) -> None:
        self._submitit = package
        self._queue = package.AutoExecutor(self.folder, cluster=self.cluster)
        self._queue.update_parameters(**self.parameters)

    @override
    def run(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Outcome:
        for tried in range(self.retries + 1):
            with self._starting:  # submitit's executors are not made for threads
                job = self._queue.submit(Requeued(), self.threads, function, args, kwargs)
                self._running.add(job)
            try:
                outcome: Outcome = job.result()
                return outcome
            except self._submitit.core.utils.UncompletedJobError as error:
                failed = isinstance(error, self._submitit.core.utils.FailedJobError)
                if failed or tried == self.retries or job not in self._running:
                    raise
            finally:
                self._running.discard(job)
        raise AssertionError("the last try returns or raises")

    @override
    def cancel(self) -> None:
        for job in list(self._running):
            self._running.discard(job)  # so that it is not submitted again
            job.cancel(check=False)

    @override
    def stop(self) -> None:
        pass


class Requeued:
    """``outcome_of``, which submitit queues again where Slurm has stopped it."""

    def __call__(self, *args: Any) -> Outcome:
        """Run a call; see ``outcome_of``."""
        return outcome_of(*args)

    def checkpoint(self, *args: Any) -> Any:
        """Return what is queued: the same call, which resumes by itself."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *args)


class RayExecutor(ClusterExecutor):
    """Each call is a task of Ray, which starts it again where its worker has died.

    Args:
        address: of a running cluster, such as ``auto``; None starts Ray on this machine, and ends
            it.
        jobs: tasks at a time; those beyond the cluster's resources wait in its queue.
        cpus: that a task occupies; Ray gives torch as many threads.
        gpus: that a task occupies.
        retries: how often a task whose worker died is started again.
    """

    package, extra = "ray", "ray"

    def __init__(
        self,
        address: str | None = None,
        jobs: int = 2,
        cpus: int = 1,
        gpus: float = 0,
        retries: int = 3,
    ) -> None:
        super().__init__(jobs)
        self.address, self.cpus, self.gpus, self.retries = address, cpus, gpus, retries
        self._running: set[Any] = set()

    @override
    def start(self, package: Any) -> None:
        self._ray = package
        own = {"include_dashboard": False, "num_cpus": self._max_workers * self.cpus}
        more = {"address": self.address} if self.address is not None else own
        package.init(log_to_driver=False, ignore_reinit_error=True, **more)
        options = {"num_cpus": self.cpus, "num_gpus": self.gpus, "max_retries": self.retries}
        self._task = package.remote(outcome_of).options(**options)

    @override
    def run(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Outcome:
        task = self._task.remote(None, function, args, kwargs)
        self._running.add(task)
        try:
            outcome: Outcome = self._ray.get(task)
            return outcome
        finally:
            self._running.discard(task)

    @override
    def cancel(self) -> None:
        for task in list(self._running):
            self._ray.cancel(task, force=True)

    @override
    def stop(self) -> None:
        self._ray.shutdown()


class DaskExecutor(ClusterExecutor):
    """Each call is a task of Dask, which gives it to another worker where one has died.

    Args:
        address: of a running scheduler, ``tcp://HOST:8786``; None starts a cluster on this machine,
            and ends it.
        jobs: tasks at a time; also the worker processes of a cluster of this machine.
        threads: of torch in a task; None leaves it to torch.
        close_s: seconds that the workers of this machine have to end before they are killed.
    """

    package, extra = "distributed", "dask"

    def __init__(
        self,
        address: str | None = None,
        jobs: int = 2,
        threads: int | None = 1,
        close_s: float = 30.0,
    ) -> None:
        super().__init__(jobs)
        self.address, self.threads, self.close_s = address, threads, close_s
        self._cluster: Any = None
        self._running: set[Any] = set()

    @override
    def start(self, package: Any) -> None:
        if self.address is None:
            self._cluster = package.LocalCluster(
                n_workers=self._max_workers, threads_per_worker=1, dashboard_address=None
            )
        self._client = package.Client(self._cluster or self.address)

    @override
    def run(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Outcome:
        options = {"pure": False}  # equal calls are different ones
        task = self._client.submit(outcome_of, self.threads, function, args, kwargs, **options)
        self._running.add(task)
        try:
            outcome: Outcome = task.result()
            return outcome
        finally:
            self._running.discard(task)

    @override
    def cancel(self) -> None:
        for task in list(self._running):
            task.cancel()

    @override
    def stop(self) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close(timeout=self.close_s)
