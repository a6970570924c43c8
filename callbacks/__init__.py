"""Shared Lightning callbacks. They read logged metrics by name and know no method."""

from lit_research.callbacks.atomic_io import AtomicCheckpointIO, find_last_checkpoint
from lit_research.callbacks.board import Board
from lit_research.callbacks.loss_by_position import LossByPosition
from lit_research.callbacks.progress import ProgressBar, ProgressLines
from lit_research.callbacks.research_checkpoint import ResearchCheckpoint
from lit_research.callbacks.run_logger import RunLogger
from lit_research.callbacks.samples import Samples
from lit_research.callbacks.scaling_law_fit import ScalingLawFit
from lit_research.callbacks.summary import ModelLine, RunSummary
from lit_research.callbacks.throughput import Throughput

__all__ = [
    "AtomicCheckpointIO",
    "Board",
    "LossByPosition",
    "ModelLine",
    "ProgressBar",
    "ProgressLines",
    "ResearchCheckpoint",
    "RunLogger",
    "RunSummary",
    "Samples",
    "ScalingLawFit",
    "Throughput",
    "find_last_checkpoint",
]
