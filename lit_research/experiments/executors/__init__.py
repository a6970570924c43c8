"""Executors for clusters: submitit, Ray and Dask as ``concurrent.futures`` executors.

A config or a command names one by its path, ``lit_research.experiments.executors.RayExecutor``, or,
with arguments, by ``class_path`` and ``init_args``. The packages are extras:
``pip install 'lit_research[slurm]'``, ``[ray]`` or ``[dask]``.
"""

from lit_research.experiments.executors.cluster import ClusterExecutor, RemoteError
from lit_research.experiments.executors.dask_tasks import DaskExecutor
from lit_research.experiments.executors.factory import make_executor
from lit_research.experiments.executors.ray_tasks import RayExecutor
from lit_research.experiments.executors.slurm import SubmititExecutor

__all__ = [
    "ClusterExecutor",
    "DaskExecutor",
    "RayExecutor",
    "RemoteError",
    "SubmititExecutor",
    "make_executor",
]
