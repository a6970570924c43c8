"""Experiments: run settings through the command, compare them and judge claims.

Arms and claims are declared in a method's ``replica.py``; arms run one after the other or on an
executor; a recipe is found by coordinate search, with a certificate; runs are read as tables. Names
are imported lazily: a worker that needs an executor does not import Lightning.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lit_research.experiments.ablation import Ablation
    from lit_research.experiments.arm_runs import result_file, run_arm, run_arms
    from lit_research.experiments.command import Command, Run
    from lit_research.experiments.coordinate_search import Round, coordinate_descent
    from lit_research.experiments.executors import (
        DaskExecutor,
        RayExecutor,
        SubmititExecutor,
        make_executor,
    )
    from lit_research.experiments.grid import PAPER_GRID, Grid
    from lit_research.experiments.recipe_search import RecipeSearch, SearchRounds
    from lit_research.experiments.replicate import load_replica
    from lit_research.experiments.run_records import find_runs, read_metrics, read_runs
    from lit_research.methods.arms import Arm, Results, Stage
    from lit_research.methods.claims import Claim, Replica, judge, paired_interval

# The names of each module, as above.
_LAZY = {
    "experiments.ablation": "Ablation",
    "experiments.arm_runs": "result_file run_arm run_arms",
    "experiments.command": "Command Run",
    "experiments.coordinate_search": "Round coordinate_descent",
    "experiments.executors": "DaskExecutor RayExecutor SubmititExecutor make_executor",
    "experiments.grid": "PAPER_GRID Grid",
    "experiments.recipe_search": "RecipeSearch SearchRounds",
    "experiments.replicate": "load_replica",
    "experiments.run_records": "find_runs read_metrics read_runs",
    "methods.arms": "Arm Results Stage",
    "methods.claims": "Claim Replica judge paired_interval",
}

__all__ = [
    "PAPER_GRID",
    "Ablation",
    "Arm",
    "Claim",
    "Command",
    "DaskExecutor",
    "Grid",
    "RayExecutor",
    "RecipeSearch",
    "Replica",
    "Results",
    "Round",
    "Run",
    "SearchRounds",
    "Stage",
    "SubmititExecutor",
    "coordinate_descent",
    "find_runs",
    "judge",
    "load_replica",
    "make_executor",
    "paired_interval",
    "read_metrics",
    "read_runs",
    "result_file",
    "run_arm",
    "run_arms",
]


def __getattr__(name: str) -> Any:
    for module, names in _LAZY.items():
        if name in names.split():
            return getattr(importlib.import_module(f"lit_research.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
