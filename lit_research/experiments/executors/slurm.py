"""Calls as jobs of Slurm, by submitit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typing_extensions import override

from lit_research.experiments.executors.cluster import ClusterExecutor, Outcome, outcome_of

DAY_MIN = 24 * 60  # submitit's own limits are 2 and 5 minutes


class SubmititExecutor(ClusterExecutor):
    """Each call is a job of Slurm, or with ``cluster: local`` a process of this machine.

    A job that Slurm preempts or ends at its time limit is requeued; one that dies is submitted
    again. Jobs do not end with the process that submitted them: a run that is submitted once more
    waits for its first job.

    Args:
        folder: where submitit keeps jobs and their logs; on a cluster, one that all machines share.
        cluster: ``slurm``, ``local``; None uses Slurm if it is available.
        jobs: maximum number of jobs in the queue at a time.
        threads: number of torch threads in a job; None leaves it to torch, which sees the CPUs of
            the job.
        retries: how often a job that died is submitted again.
        parameters: of submitit's ``update_parameters``: ``timeout_min`` (a day by default),
            ``cpus_per_task``, ``gpus_per_node``, ``mem_gb``, ``slurm_partition`` and so on.
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
    """``outcome_of`` as a callable that submitit requeues if Slurm has stopped it."""

    def __call__(self, *args: Any) -> Outcome:
        """Run a call; see ``outcome_of``."""
        return outcome_of(*args)

    def checkpoint(self, *args: Any) -> Any:
        """Return what to requeue: the same call, which resumes by itself."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *args)
