"""Rows through stages: each step a pure function, kept by content, resumed by shard, and counted.

    pipeline = Pipeline({"pool": Files("questions.jsonl"), "short": Shortest(1000)}, "runs/recipe")
    rows = pipeline.run().dataset()

A stage is a ``Source``, a ``RowStage`` or ``Filter`` (each shard by itself), or a ``Selection``
(all rows at once). Every row that does not come through has a reason, and the counts of every step
must add up, or the run stops.
"""

from lit_research.stages.draws import priorities
from lit_research.stages.pipeline import Pipeline, Result, Step
from lit_research.stages.reconcile import flow_table
from lit_research.stages.stage import (
    Filter,
    Reasons,
    Rejected,
    Row,
    RowStage,
    Selection,
    ShardStage,
    Source,
    Stage,
    Starved,
)

__all__ = [
    "Filter",
    "Pipeline",
    "Reasons",
    "Rejected",
    "Result",
    "Row",
    "RowStage",
    "Selection",
    "ShardStage",
    "Source",
    "Stage",
    "Starved",
    "Step",
    "flow_table",
    "priorities",
]
