"""Calls as tasks of Dask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typing_extensions import override

from lit_research.experiments.executors.cluster import ClusterExecutor, Outcome, outcome_of


class DaskExecutor(ClusterExecutor):
    """Each call is a task of Dask, which reassigns it to another worker if one has died.

    Args:
        address: of a running scheduler, ``tcp://HOST:8786``; None starts a cluster on this machine,
            and stops it afterwards.
        jobs: maximum number of tasks at a time; also the number of worker processes of a cluster on
            this machine.
        threads: number of torch threads in a task; None leaves it to torch.
        close_s: seconds that workers on this machine have to exit before they are killed.
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
        options = {"pure": False}  # identical calls are run separately
        task = self._client.submit(outcome_of, self.threads, function, args, kwargs, **options)
        return self.wait(task, task.result)

    @override
    def cancel(self) -> None:
        for task in list(self._running):
            task.cancel()

    @override
    def stop(self) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close(timeout=self.close_s)
