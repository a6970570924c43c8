"""OpenThoughts: recipes for reasoning data, found by controlled experiment.

``ReasoningSFT`` is the student and ``ReasoningRows`` its data, ``hparams_for`` its published
settings. ``ReasoningWorld`` has questions, sources with planted faults and teachers whose truth is
known; ``WorldRows`` gives its rows to the student.
"""

from lit_research.methods.openthoughts.data import ReasoningRows
from lit_research.methods.openthoughts.hparams import (
    HYPERPARAMETERS,
    Hyperparameters,
    hparams_for,
)
from lit_research.methods.openthoughts.module import ReasoningSFT
from lit_research.methods.openthoughts.reasoning_world import Planted, ReasoningWorld
from lit_research.methods.openthoughts.rows import RowSource
from lit_research.methods.openthoughts.world_rows import WorldRows

__all__ = [
    "HYPERPARAMETERS",
    "Hyperparameters",
    "Planted",
    "ReasoningRows",
    "ReasoningSFT",
    "ReasoningWorld",
    "RowSource",
    "WorldRows",
    "hparams_for",
]
