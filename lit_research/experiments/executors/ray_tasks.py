"""Calls as tasks of Ray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typing_extensions import override

from lit_research.experiments.executors.cluster import ClusterExecutor, Outcome, outcome_of


class RayExecutor(ClusterExecutor):
    """Each call is a task of Ray, which restarts it if its worker has died.

    Args:
        address: of a running cluster, such as ``auto``; None starts Ray on this machine, and stops
            it afterwards.
        jobs: maximum number of tasks at a time; tasks beyond the cluster's resources are queued.
        cpus: number of CPUs of a task; Ray gives torch as many threads.
        gpus: number of GPUs of a task.
        retries: how often a task whose worker died is restarted.
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

    @override
    def start(self, package: Any) -> None:
        self._ray = package
        local_options = {"include_dashboard": False, "num_cpus": self._max_workers * self.cpus}
        cluster_options = {"address": self.address} if self.address is not None else local_options
        package.init(log_to_driver=False, ignore_reinit_error=True, **cluster_options)
        options = {"num_cpus": self.cpus, "num_gpus": self.gpus, "max_retries": self.retries}
        self._task = package.remote(outcome_of).options(**options)

    @override
    def run(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Outcome:
        task = self._task.remote(None, function, args, kwargs)
        return self.wait(task, lambda: self._ray.get(task))

    @override
    def cancel(self) -> None:
        for task in list(self._running):
            self._ray.cancel(task, force=True)

    @override
    def stop(self) -> None:
        self._ray.shutdown()
