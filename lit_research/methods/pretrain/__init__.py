"""Next-token training: ``Pretrain`` with ``Corpus``, or ``StreamedCorpus`` for large text."""

from lit_research.methods.pretrain.core import Schedule, decay_mask, param_groups
from lit_research.methods.pretrain.data import Corpus
from lit_research.methods.pretrain.module import Pretrain
from lit_research.methods.pretrain.predictions import LogProbWriter
from lit_research.methods.pretrain.recipe import (
    check_recipe,
    check_sequence_length,
    optimizer_with_schedule,
)
from lit_research.methods.pretrain.streamed import StreamedCorpus

__all__ = [
    "Corpus",
    "LogProbWriter",
    "Pretrain",
    "Schedule",
    "StreamedCorpus",
    "check_recipe",
    "check_sequence_length",
    "decay_mask",
    "optimizer_with_schedule",
    "param_groups",
]
